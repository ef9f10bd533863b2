//! The event stream of a call: server-sent events (HTML standard, section 9.2).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::Receiver;
use tokio_stream::Stream;

use super::limits::Limits;
use super::problem::Problem;
use crate::calls::{CallEvent, CallId};
use crate::metrics::{Metrics, Present};

/// The event streams that are read, counted by call.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    open: Arc<Mutex<HashMap<CallId, usize>>>,
    most: usize,
    most_per_call: usize,
    metrics: Arc<Metrics>,
}

impl Streams {
    pub(super) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            open: Arc::default(),
            most: limits.event_streams,
            most_per_call: limits.event_streams_per_call,
            metrics,
        }
    }

    /// A place for one more stream, for as long as it is held.
    ///
    /// # Errors
    /// 429 when the call, or all calls together, have as many as they may.
    pub(super) fn admit(&self, call: CallId) -> Result<Place, Problem> {
        let mut open = self.open();
        let all: usize = open.values().sum();
        let of_call = open.get(&call).copied().unwrap_or(0);
        for (count, most, whose) in [
            (of_call, self.most_per_call, "the call"),
            (all, self.most, "the gateway"),
        ] {
            if count >= most {
                let detail = format!("{whose} has as many event streams as it may: {most}");
                return Err(Problem::too_many(detail));
            }
        }
        open.insert(call, of_call + 1);
        drop(open);
        Ok(Place {
            streams: self.clone(),
            call,
            _counted: self.metrics.event_stream(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<CallId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream.
#[derive(Debug)]
pub(super) struct Place {
    streams: Streams,
    call: CallId,
    _counted: Present,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        match open.get_mut(&self.call) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.call)),
        }
    }
}

/// The events of a call as a response. It ends after the last one; when the client goes away
/// first, receiver and place are dropped, and the sender sees that.
pub(super) fn response(events: Receiver<CallEvent>, place: Place, limits: &Limits) -> Response {
    // Proxies that buffer would hold "ringing" back until it is too late.
    let unbuffered = [("x-accel-buffering", "no")];
    let keep_alive = KeepAlive::new().interval(limits.event_keep_alive);
    let events = Events::Open {
        events,
        _place: place,
    };
    let stream = Sse::new(events).keep_alive(keep_alive);
    (unbuffered, stream).into_response()
}

enum Events {
    Open {
        events: Receiver<CallEvent>,
        _place: Place,
    },
    Over,
}

impl Stream for Events {
    type Item = Result<Event, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self::Open { events, .. } = &mut *self else {
            return Poll::Ready(None);
        };
        let event = ready!(events.poll_recv(cx));
        if event.as_ref().is_none_or(CallEvent::is_final) {
            *self = Self::Over;
        }
        Poll::Ready(event.map(|event| Event::default().event("state").json_data(event)))
    }
}
