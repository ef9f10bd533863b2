//! What a client may take of the gateway's time and memory.

use std::time::Duration;

/// The limits of the HTTPS side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more are closed unanswered.
    pub connections: usize,
    /// How long a client may take for its TLS handshake, and then for the head of a request.
    /// hyper counts this from the last answer on, so an HTTP/1.1 connection is idle no longer.
    pub head_time: Duration,
    /// How long a connection may stay without a request under way. A client of HTTP/2 that
    /// answers pings would stay for ever.
    pub idle_time: Duration,
    /// How long a client may take for the body of a request.
    pub body_time: Duration,
    /// The longest body, in bytes.
    pub body_len: usize,
    /// How long the calls may take to answer.
    pub answer_time: Duration,
    /// Event streams at once.
    pub event_streams: usize,
    /// Event streams of one call at once: the page, and a few that come back after a broken
    /// connection.
    pub event_streams_per_call: usize,
    /// How often a quiet event stream shows that it is alive.
    pub event_keep_alive: Duration,
    /// How long what is sent to a client may stay unacknowledged. An event stream whose reader
    /// vanished gives its place back after the keep-alive and this.
    pub unread_time: Duration,
    /// How long requests under way may take to end when the server goes down.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            body_time: Duration::from_secs(10),
            body_len: 64 * 1024,
            answer_time: Duration::from_secs(20),
            event_streams: 2000,
            event_streams_per_call: 8,
            event_keep_alive: Duration::from_secs(15),
            unread_time: Duration::from_secs(30),
            shutdown_time: Duration::from_millis(1500),
        }
    }
}
