//! When a connection is idle: how many requests are under way on it, and when that ends.
//!
//! hyper closes an HTTP/1.1 connection that does not ask, but an HTTP/2 connection stays for as
//! long as its client answers pings. So requests are counted here, for each connection, until the
//! last byte of their answers; the connection looks from time to time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// The requests of one connection. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests so far.
    begun: AtomicUsize,
    /// Those whose answers have come to their ends.
    over: AtomicUsize,
}

impl Activity {
    fn begin(&self) -> UnderWay {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.0.clone())
    }
}

/// A request that has not been answered to the end.
#[derive(Debug)]
struct UnderWay(Arc<Counts>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.over.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts a request from its head to the last byte of its answer.
pub(super) async fn count(
    State(activity): State<Activity>,
    request: Request,
    next: Next,
) -> Response {
    let under_way = activity.begin();
    let response = next.run(request).await;
    response.map(|inner| {
        Body::new(Held {
            inner,
            _under_way: under_way,
        })
    })
}

/// A body that keeps its request under way.
struct Held {
    inner: Body,
    _under_way: UnderWay,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Looks after each period whether anything was under way in it.
#[derive(Debug)]
pub(super) struct Watch {
    activity: Activity,
    /// The requests that had begun when the period did.
    begun: usize,
    period: Duration,
    end: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn new(activity: Activity, period: Duration) -> Self {
        Self {
            activity,
            begun: 0,
            period,
            end: Box::pin(sleep(period)),
        }
    }

    /// Whether a whole period has gone by without a request. Wakes the task when the next look is
    /// due.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.as_mut().poll(cx).is_ready() {
            let counts = &self.activity.0;
            // What is over cannot be more than what had begun before it was read.
            let over = counts.over.load(Ordering::Relaxed);
            let begun = counts.begun.load(Ordering::Relaxed);
            if begun == self.begun && over == begun {
                return Poll::Ready(());
            }
            self.begun = begun;
            self.end.as_mut().reset(Instant::now() + self.period);
        }
        Poll::Pending
    }
}
