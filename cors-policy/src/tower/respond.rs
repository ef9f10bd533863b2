//! What the answers look like that the service never sees.

use http::Response;
use http::request::Parts;

use crate::Refused;

/// Makes the answers to refused requests and to preflights. Their status and the headers of the
/// policy are set by the layer; what is added here stands beside them.
pub trait Respond<B> {
    /// The answer to a request that the policy refuses. It is sent with 403.
    fn refused(&self, head: &Parts, refused: &Refused<'_>) -> Response<B>;

    /// The answer to a preflight that the policy allows. It is sent with 204, which has no body.
    fn preflight(&self, head: &Parts) -> Response<B>;
}

/// The sentence of [`Refused`] as `text/plain`, and nothing to a preflight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlainText;

impl<B: Default + From<String>> Respond<B> for PlainText {
    fn refused(&self, _head: &Parts, refused: &Refused<'_>) -> Response<B> {
        let mut response = Response::new(B::from(refused.to_string()));
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, text);
        response
    }

    fn preflight(&self, _head: &Parts) -> Response<B> {
        Response::new(B::default())
    }
}
