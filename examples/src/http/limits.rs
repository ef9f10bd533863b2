//! What a client may take of the gateway's time and memory.

use std::time::Duration;

/// The limits of the HTTPS side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more are closed unanswered.
    pub connections: usize,
    /// How long a client may take for its TLS handshake, and then for the head of a request.
    /// An idle connection is closed after the same time.
    pub head_time: Duration,
    /// How long a client may take for the body of a request.
    pub body_time: Duration,
    /// The longest body, in bytes.
    pub body_len: usize,
    /// How long the calls may take to answer.
    pub answer_time: Duration,
    /// How often a quiet event stream shows that it is alive.
    pub event_keep_alive: Duration,
    /// How long requests under way may take to end when the server goes down.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            body_len: 64 * 1024,
            answer_time: Duration::from_secs(20),
            event_keep_alive: Duration::from_secs(15),
            shutdown_time: Duration::from_millis(1500),
        }
    }
}
