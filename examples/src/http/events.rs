//! The event stream of a call: server-sent events (HTML standard, section 9.2).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::Receiver;
use tokio_stream::Stream;

use super::limits::Limits;
use crate::calls::CallEvent;

/// The events of a call as a response. It ends after the last one; when the client goes away
/// first, the receiver is dropped, and its sender sees that.
pub(super) fn response(events: Receiver<CallEvent>, limits: &Limits) -> Response {
    // Proxies that buffer would hold "ringing" back until it is too late.
    let unbuffered = [("x-accel-buffering", "no")];
    let keep_alive = KeepAlive::new().interval(limits.event_keep_alive);
    let stream = Sse::new(Events::Open(events)).keep_alive(keep_alive);
    (unbuffered, stream).into_response()
}

enum Events {
    Open(Receiver<CallEvent>),
    Over,
}

impl Stream for Events {
    type Item = Result<Event, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self::Open(receiver) = &mut *self else {
            return Poll::Ready(None);
        };
        let event = ready!(receiver.poll_recv(cx));
        if event.as_ref().is_none_or(CallEvent::is_final) {
            *self = Self::Over;
        }
        Poll::Ready(event.map(|event| Event::default().event("state").json_data(event)))
    }
}
