//! The event stream of a call.

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::PATIENCE;

/// A call's events as they come.
pub(crate) struct Events {
    response: Response,
    unread: String,
}

impl Events {
    /// Reads server-sent events.
    pub(crate) fn new(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            unread: String::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((message, rest)) = self.unread.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.unread = rest;
                // A comment shows that the stream is alive.
                if let Some(data) = message.strip_prefix("event: state\ndata: ") {
                    return Some(serde_json::from_str(data).unwrap());
                }
                assert!(message.starts_with(':'), "{message:?}");
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("an event in time").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Passes events until one of this state, and answers it. Any final one ends the wait.
    pub(crate) async fn until(&mut self, state: &str) -> Value {
        loop {
            let event = self.next().await.expect("another event");
            if event["state"] == state {
                return event;
            }
            let is_final = event["state"] == "failed" || event["state"] == "ended";
            assert!(!is_final, "{event} instead of {state}");
        }
    }

    /// Passes events until the stream ends, and answers the last one.
    pub(crate) async fn last(&mut self) -> Value {
        let mut last = Value::Null;
        while let Some(event) = self.next().await {
            last = event;
        }
        last
    }
}
