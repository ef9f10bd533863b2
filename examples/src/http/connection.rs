//! What a connection may cost before its first request is there.
//!
//! hyper limits the time for a request's head only once it knows the version of HTTP, it does not
//! count connections, and it lets idle ones be. All of that is done here, around the TLS acceptor.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::{Router, middleware};
use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use super::idle::{self, Activity, Watch};
use super::limits::Limits;

/// From this many bytes the version of HTTP is known: the length of HTTP/2's preface (RFC 9113
/// §3.4).
const VERSION_LEN: usize = 24;

/// An acceptor that admits a limited number of connections, each for a limited time until it has
/// said which HTTP it speaks, and then for as long as it is used.
#[derive(Debug, Clone)]
pub(super) struct Guard<A> {
    inner: A,
    places: Arc<Semaphore>,
    limits: Limits,
}

impl<A> Guard<A> {
    pub(super) fn new(inner: A, limits: &Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.connections));
        Self {
            inner,
            places,
            limits: *limits,
        }
    }
}

impl<A> Accept<TcpStream, Router> for Guard<A>
where
    A: Accept<TcpStream, Router, Service = Router, Future: Send + 'static>,
{
    type Stream = Guarded<A::Stream>;
    type Service = Router;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Router)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: Router) -> Self::Future {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!("a connection was refused: there are as many as there may be");
            return Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) });
        };
        limit_unread(&stream, self.limits.unread_time);
        let accepted = self.inner.accept(stream, service);
        let (head_time, idle_time) = (self.limits.head_time, self.limits.idle_time);
        Box::pin(async move {
            let (inner, service) = accepted.await?;
            let waiting = Some(Waiting {
                deadline: Box::pin(sleep(head_time)),
                missing: VERSION_LEN,
            });
            let activity = Activity::default();
            let count = middleware::from_fn_with_state(activity.clone(), idle::count);
            let guarded = Guarded {
                inner,
                waiting,
                watch: Watch::new(activity, idle_time),
                _place: place,
            };
            Ok((guarded, service.layer(count)))
        })
    }
}

/// A client that does not take what it is sent, because it has vanished, is gone after this time
/// (RFC 5482).
fn limit_unread(stream: &TcpStream, time: Duration) {
    // Elsewhere the system's own patience ends it.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(time));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, time);
}

/// An admitted connection. It fails when it takes too long over its first bytes, or is not used.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    inner: S,
    waiting: Option<Waiting>,
    watch: Watch,
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
        if this.watch.poll_idle(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
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
