//! What a connection may cost before its first request is there.
//!
//! hyper limits the time for a request's head only once it knows the version of HTTP, and it does
//! not count connections. Both is done here, around the TLS acceptor.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use super::limits::Limits;

/// From this many bytes the version of HTTP is known: the length of HTTP/2's preface (RFC 9113
/// §3.4).
const VERSION_LEN: usize = 24;

/// An acceptor that admits a limited number of connections, each for a limited time until it has
/// said which HTTP it speaks.
#[derive(Debug, Clone)]
pub(super) struct Guard<A> {
    inner: A,
    places: Arc<Semaphore>,
    time: Duration,
}

impl<A> Guard<A> {
    pub(super) fn new(inner: A, limits: &Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.connections));
        Self {
            inner,
            places,
            time: limits.head_time,
        }
    }
}

impl<A, S> Accept<TcpStream, S> for Guard<A>
where
    A: Accept<TcpStream, S, Future: Send + 'static>,
{
    type Stream = Guarded<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, A::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!("a connection was refused: there are as many as there may be");
            return Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) });
        };
        let accepted = self.inner.accept(stream, service);
        let time = self.time;
        Box::pin(async move {
            let (inner, service) = accepted.await?;
            let waiting = Some(Waiting {
                deadline: Box::pin(sleep(time)),
                missing: VERSION_LEN,
            });
            Ok((
                Guarded {
                    inner,
                    waiting,
                    _place: place,
                },
                service,
            ))
        })
    }
}

/// An admitted connection. It fails when it takes too long over its first bytes.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    inner: S,
    waiting: Option<Waiting>,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Waiting {
    deadline: Pin<Box<Sleep>>,
    missing: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(waiting) = &mut this.waiting else {
            return Pin::new(&mut this.inner).poll_read(cx, buf);
        };
        if waiting.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        waiting.missing = waiting.missing.saturating_sub(buf.filled().len() - before);
        if waiting.missing == 0 {
            this.waiting = None;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}
