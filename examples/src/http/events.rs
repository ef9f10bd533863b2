//! The event stream of a call: server-sent events (HTML standard, section 9.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::limits::Limits;
use super::problem::Problem;
use crate::calls::{CallEvent, CallId};
use crate::metrics::{Metrics, Present};

/// Events that may wait for a reader. A call has fewer, but for those of hold.
const UNREAD: usize = 32;

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
    let (reader, unread) = mpsc::channel(UNREAD);
    tokio::spawn(pass_on(events, reader, place));
    let events =
        ReceiverStream::new(unread).map(|event| Event::default().event("state").json_data(event));
    let stream = Sse::new(events).keep_alive(keep_alive);
    (unbuffered, stream).into_response()
}

/// Passes a call's events on, up to the last one. The place is free then, read or not: a client of
/// HTTP/2 may keep its stream for ever without taking anything from it.
async fn pass_on(mut events: Receiver<CallEvent>, reader: Sender<CallEvent>, place: Place) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = reader.closed() => None,
        };
        let Some(event) = event else { break };
        let is_last = event.is_final();
        if reader.try_send(event).is_err() || is_last {
            break;
        }
    }
    drop(place);
}
