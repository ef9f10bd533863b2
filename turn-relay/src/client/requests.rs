//! Requests under way: what each is for, and when to send it again.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::{
    Message, Outcome, Path, SocketId, Timing, Transaction, TransactionId, Transmit, Transport,
};

/// How often a request is begun anew because of its credentials, which leaves room for a first
/// challenge, a change of realm and some stale nonces.
pub(super) const TRIES: u8 = 6;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Allocate,
    Refresh,
    Release,
    /// A Refresh from another address (RFC 8016).
    Move,
    Permission(IpAddr),
    Channel(u16, SocketAddr),
    /// A connection to a peer (RFC 6062 §4.3).
    Connect(SocketAddr),
    /// This socket is to carry a connection (RFC 6062 §4.3).
    Attach(SocketId),
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) purpose: Purpose,
    pub(super) path: Path,
    /// How often it was begun before.
    pub(super) tries: u8,
    /// What it was sealed with.
    pub(super) edition: u32,
    /// The code of an answer that proved nothing.
    pub(super) unproved: Option<u16>,
    transaction: Transaction,
}

/// A request that nobody answered.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) pending: Pending,
    pub(super) requests: u32,
    pub(super) waited: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Requests(Vec<Pending>);

/// A request to begin.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) purpose: Purpose,
    pub(super) path: Path,
    pub(super) tries: u8,
    pub(super) edition: u32,
    pub(super) rto: Duration,
}

impl Requests {
    /// Sends a message as its builder wrote it.
    pub(super) fn begin(&mut self, now: Instant, begin: Begin, message: BytesMut) {
        let Begin {
            purpose,
            path,
            tries,
            edition,
            rto,
        } = begin;
        let timing = match path.transport {
            Transport::Udp if purpose == Purpose::Release => Timing {
                // An owner who leaves does not wait for long; the server forgets by itself.
                requests: 4,
                final_wait: 4,
                ..Timing::datagrams(rto)
            },
            Transport::Udp => Timing::datagrams(rto),
            _ => Timing::stream(),
        };
        // What a builder has written can be read.
        if let Ok(transaction) = Transaction::new(now, path, message.freeze(), timing) {
            self.0.push(Pending {
                purpose,
                path,
                tries,
                edition,
                unproved: None,
                transaction,
            });
        }
    }

    pub(super) fn find(&mut self, id: TransactionId) -> Option<&mut Pending> {
        self.0
            .iter_mut()
            .find(|pending| pending.transaction.id() == id)
    }

    /// Takes out the request that this answers.
    pub(super) fn take_answered(
        &mut self,
        now: Instant,
        path: &Path,
        answer: &Message<'_>,
    ) -> Option<Pending> {
        let at = self
            .0
            .iter_mut()
            .position(|pending| pending.transaction.handle_response(now, path, answer))?;
        Some(self.0.remove(at))
    }

    /// Takes out the requests of this kind.
    pub(super) fn take(&mut self, which: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(which);
        self.0 = left;
        taken
    }

    /// Tells the time; answers a request that nobody has answered.
    pub(super) fn take_unanswered(&mut self, now: Instant) -> Option<Unanswered> {
        for (at, pending) in self.0.iter_mut().enumerate() {
            pending.transaction.handle_timeout(now);
            if let Some(Outcome::TimedOut { requests, waited }) = pending.transaction.poll_event() {
                let pending = self.0.remove(at);
                return Some(Unanswered {
                    pending,
                    requests,
                    waited,
                });
            }
        }
        None
    }

    pub(super) fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        self.0
            .iter_mut()
            .find_map(|pending| pending.transaction.poll_transmit(out))
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.0
            .iter()
            .filter_map(|pending| pending.transaction.poll_timeout())
            .min()
    }

    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}
