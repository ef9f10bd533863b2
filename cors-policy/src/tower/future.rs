//! The answer under way.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use http::{HeaderName, HeaderValue, Response};

/// The policy's lines of a response.
pub(super) type Lines = Vec<(HeaderName, HeaderValue)>;

pin_project_lite::pin_project! {
    /// The answer of a [`Cors`](super::Cors) service: that of the service inside with the policy's
    /// headers, or the policy's own.
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        #[pin]
        source: Source<F, B>,
    }
}

pin_project_lite::pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Source<F, B> {
        Service { #[pin] inner: F, headers: Lines },
        Policy { response: Option<Response<B>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn of_service(inner: F, headers: Lines) -> Self {
        let source = Source::Service { inner, headers };
        Self { source }
    }

    pub(super) fn ready(response: Response<B>) -> Self {
        let response = Some(response);
        Self {
            source: Source::Policy { response },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().source.project() {
            Projected::Service { inner, headers } => {
                let mut response = ready!(inner.poll(cx))?;
                for (name, value) in headers.drain(..) {
                    response.headers_mut().append(name, value);
                }
                Poll::Ready(Ok(response))
            }
            // A future that is ready is not polled again.
            Projected::Policy { response } => response
                .take()
                .map_or(Poll::Pending, |it| Poll::Ready(Ok(it))),
        }
    }
}
