//! What the CORS policy's own answers look like.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use cors_policy::Refused;
use cors_policy::tower::Respond;
use http::StatusCode;
use http::request::Parts;

use super::ice_servers::{ACCEPT_POST, SDP};
use super::problem::Problem;

/// Refusals as problem documents, like every other error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answers;

impl Respond<Body> for Answers {
    fn refused(&self, _head: &Parts, refused: &Refused<'_>) -> Response {
        Problem::new(StatusCode::FORBIDDEN, refused.to_string()).into_response()
    }

    fn preflight(&self, head: &Parts) -> Response {
        match head.uri.path() {
            // RFC 9725 §4.2: any answer to OPTIONS says what POST takes.
            "/v1/calls" => [(ACCEPT_POST, SDP)].into_response(),
            _ => Response::default(),
        }
    }
}
