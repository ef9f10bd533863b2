//! The client's side of a request: send it again until it is answered or given up.

use core::fmt;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Class, DecodeError, Message, Method, Path, TransactionId, Transmit};

/// When to send again and when to give up (RFC 8489 §6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The first interval; each later one is twice as long.
    pub rto: Duration,
    /// Rc: how many times the request is sent in all. At least one is sent.
    pub requests: u32,
    /// Rm: how many initial intervals to wait after the last sending.
    pub final_wait: u32,
}

impl Timing {
    /// Over UDP: seven sendings, given up after 79 initial intervals. With the default 500 ms
    /// that is 39.5 s.
    pub const fn datagrams(rto: Duration) -> Self {
        Self {
            rto,
            requests: 7,
            final_wait: 16,
        }
    }

    /// Over TCP and TLS: one sending, given up after Ti = 39.5 s (RFC 8489 §6.2.2).
    pub const fn stream() -> Self {
        Self {
            rto: Duration::from_millis(39_500),
            requests: 1,
            final_wait: 1,
        }
    }
}

impl Default for Timing {
    /// Over UDP with 500 ms (RFC 8489 §6.2.1).
    fn default() -> Self {
        Self::datagrams(Duration::from_millis(500))
    }
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The response came.
    Answered {
        /// The round trip, if the request was sent only once: with more it is not known which
        /// one was answered (RFC 8489 §6.2.1, Karn's algorithm).
        round_trip: Option<Duration>,
    },
    /// No response came in time.
    TimedOut {
        /// How many times the request was sent.
        requests: u32,
        /// How long was waited in all.
        waited: Duration,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { .. } => f.write_str("answered"),
            Self::TimedOut { requests, waited } => write!(
                f,
                "no answer to {requests} requests in {} ms",
                waited.as_millis()
            ),
        }
    }
}

/// One request on one path, retransmitted by the clock it is told.
///
/// The first request is due at once. After every input: drain
/// [`poll_transmit`](Self::poll_transmit), then [`poll_event`](Self::poll_event), then read
/// [`poll_timeout`](Self::poll_timeout). Any other order is harmless.
///
/// Responses are handed over as parsed messages. Where the request was protected, verify the
/// response first and hand over only what is [`Verified`](crate::Verified) (it reads as a
/// message): an unprotected one must be as if it had never come (RFC 8489 §9.1.4).
#[derive(Debug)]
pub struct Transaction {
    path: Path,
    id: TransactionId,
    method: Method,
    timing: Timing,
    started: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Requests go out until the deadline of the last.
    Waiting(Waiting),
    /// The outcome has not been fetched yet.
    Ended(Outcome),
    /// Nothing will happen any more.
    Finished,
}

#[derive(Debug)]
struct Waiting {
    request: Bytes,
    /// How many requests fell due so far.
    requests: u32,
    /// Whether the last of them has still to be fetched.
    due: bool,
    /// When the next one falls due, or the end.
    deadline: Instant,
}

impl Transaction {
    /// Starts a transaction with a request as [`Builder`](crate::Builder) wrote it.
    ///
    /// # Errors
    ///
    /// `request` is not a whole message.
    pub fn new(
        now: Instant,
        path: Path,
        request: Bytes,
        timing: Timing,
    ) -> Result<Self, DecodeError> {
        let message = Message::parse(&request)?;
        let (id, method) = (message.transaction_id(), message.method());
        let requests = 1;
        let deadline = now + timing.wait_after(requests);
        Ok(Self {
            path,
            id,
            method,
            timing,
            started: now,
            state: State::Waiting(Waiting {
                request,
                requests,
                due: true,
                deadline,
            }),
        })
    }

    /// The id of the request.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// Where the request goes.
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a message that came on `path`. True if it is the response, of either class, and was
    /// awaited: the caller then reads it. False if it is something else, which changes nothing.
    ///
    /// A response must come from where the request went, on the same socket.
    pub fn handle_response(&mut self, now: Instant, path: &Path, message: &Message<'_>) -> bool {
        let State::Waiting(waiting) = &self.state else {
            return false;
        };
        let answers = matches!(message.class(), Class::Success | Class::Error)
            && message.transaction_id() == self.id
            && message.method() == self.method
            && *path == self.path;
        if answers {
            let sent_once = waiting.requests == 1;
            self.state = State::Ended(Outcome::Answered {
                round_trip: sent_once.then(|| now.saturating_duration_since(self.started)),
            });
        }
        answers
    }

    /// Tells the time. Early and late calls are harmless: after a pause in which several requests
    /// would have fallen due, one goes out and the schedule continues from now.
    pub fn handle_timeout(&mut self, now: Instant) {
        let State::Waiting(waiting) = &mut self.state else {
            return;
        };
        if now < waiting.deadline {
            return;
        }
        if waiting.requests < self.timing.requests {
            waiting.requests += 1;
            waiting.due = true;
            waiting.deadline = now + self.timing.wait_after(waiting.requests);
        } else {
            self.state = State::Ended(Outcome::TimedOut {
                requests: waiting.requests,
                waited: now.saturating_duration_since(self.started),
            });
        }
    }

    /// Appends the request to `out` if it is due. A request that falls due while its predecessor
    /// still waits here takes its place.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        let State::Waiting(waiting) = &mut self.state else {
            return None;
        };
        if !core::mem::take(&mut waiting.due) {
            return None;
        }
        let start = out.len();
        out.put_slice(&waiting.request);
        Some(Transmit {
            path: self.path,
            range: start..out.len(),
        })
    }

    /// How it ended, once.
    pub fn poll_event(&mut self) -> Option<Outcome> {
        let State::Ended(outcome) = self.state else {
            return None;
        };
        self.state = State::Finished;
        Some(outcome)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once it has ended.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(waiting) => Some(waiting.deadline),
            State::Ended(_) | State::Finished => None,
        }
    }
}

/// Keeps absurd settings within what an `Instant` can hold.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Timing {
    /// How long to wait after the `requests`th sending.
    fn wait_after(&self, requests: u32) -> Duration {
        let intervals = if requests < self.requests {
            1_u32.checked_shl(requests - 1).unwrap_or(u32::MAX)
        } else {
            self.final_wait
        };
        self.rto.saturating_mul(intervals).min(LONGEST_WAIT)
    }
}
