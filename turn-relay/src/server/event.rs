//! What the server tells the program that runs it.

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use stun_codec::credentials::KeyDerivation;
use stun_codec::{Close, Open, Path, SocketId};

use super::stats::{Stats, Traffic};

/// What the server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A socket to relay at is wanted. The driver answers with
    /// [`handle_opened`](super::Relay::handle_opened) or
    /// [`handle_open_failed`](super::Relay::handle_open_failed).
    ///
    /// No two sockets that are open have the same low 22 bits in their numbers, and these are as small as
    /// can be: they may serve as an index.
    Open(Open),
    /// A socket is not needed any more, or a connection that nothing came of is to be closed.
    Close(Close),
    /// A user is to be looked up in the program's own store
    /// ([`Credentials::with_store`](super::Credentials::with_store)). It is answered by
    /// [`handle_credentials`](super::Relay::handle_credentials), within a few seconds.
    Lookup(Lookup),
    /// There is a new allocation.
    Allocated(Box<Allocated>),
    /// An allocation is reached from another address of its client from now on (RFC 8016).
    Moved {
        /// Which one.
        id: AllocationId,
        /// Where its client is now.
        client: Path,
    },
    /// Two connections become one (RFC 6062 §5.4): after what is to be transmitted now, what comes on
    /// either goes out on the other, byte for byte. When one has ended, the driver tells
    /// [`handle_closed`](super::Relay::handle_closed), and the other one is closed by [`Event::Close`].
    Join {
        /// The client's.
        client: SocketId,
        /// The peer's.
        peer: SocketId,
    },
    /// An allocation is over.
    Ended(Box<Ended>),
    /// Somebody who has shown that he is where he says he is has not shown who he says he is.
    Refused(Box<Refused>),
    /// A permission or channel was refused (403), because the policy denies its peer.
    Denied(Box<Denied>),
    /// After [`drain`](super::Relay::drain): the last allocation is over.
    Drained,
}

/// The name of an allocation, in logs. It is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AllocationId(pub u64);

impl fmt::Display for AllocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0 >> 48, self.0 & 0xffff_ffff_ffff)
    }
}

/// The name of a question to the program's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupId(pub u64);

/// A question to the program's store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// Its name.
    pub id: LookupId,
    /// The user name, as the client has sent it: anything may stand there, up to 508 bytes.
    pub user: Arc<str>,
    /// The realm.
    pub realm: Arc<str>,
    /// How the key must be derived, where a store has keys in place of passwords.
    pub derivation: KeyDerivation,
}

/// A new allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allocated {
    /// Its name.
    pub id: AllocationId,
    /// Whose it is.
    pub user: Arc<str>,
    /// How its client is reached.
    pub client: Path,
    /// Where it is reached by peers.
    pub relayed: SocketAddr,
    /// The address of the other family, if there is one.
    pub additional: Option<SocketAddr>,
    /// How long it lasts, unless it is refreshed.
    pub lifetime: Duration,
}

/// The end of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Its name.
    pub id: AllocationId,
    /// Whose it was.
    pub user: Arc<str>,
    /// Where its client was at last.
    pub client: Path,
    /// Where it was reached by peers.
    pub relayed: SocketAddr,
    /// Why it is over.
    pub cause: EndCause,
    /// How long there was one.
    pub lasted: Duration,
    /// What it has carried.
    pub traffic: Traffic,
}

/// Why an allocation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EndCause {
    /// Its client has given it back.
    #[error("released by its client")]
    Released,
    /// Its client has not refreshed it.
    #[error("not refreshed in time")]
    Expired,
    /// The client's connection has ended.
    #[error("the client's connection has ended")]
    ConnectionLost,
    /// The socket that it relayed at has ended.
    #[error("the relay's socket has ended")]
    SocketLost,
    /// Its user was revoked.
    #[error("its user was revoked")]
    Revoked,
    /// The credential has expired, and the server is strict about that.
    #[error("its credential has expired")]
    CredentialExpired,
    /// The server was drained, and its time was over.
    #[error("the server was drained")]
    Drained,
}

/// A peer that a client has asked for and must not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// Whose allocation it was asked for.
    pub id: AllocationId,
    /// Who has asked.
    pub user: Arc<str>,
    /// How he is reached.
    pub client: Path,
    /// Where the peer is.
    pub peer: IpAddr,
    /// Which port of it, where one was asked for.
    pub port: Option<u16>,
}

/// A refused login.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The name that was given, as the client has sent it: anything may stand there. Empty where there
    /// was the hash of one.
    pub user: String,
    /// Where it came from. This address is proved: the request carried a nonce that was sent there.
    pub client: Path,
    /// What was wrong.
    pub cause: LoginError,
}

/// What is wrong with a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Nobody has this name.
    #[error("unknown user")]
    UnknownUser,
    /// The request was made with another password.
    #[error("wrong password")]
    WrongPassword,
    /// The credential has expired.
    #[error("expired credential")]
    Expired,
    /// The user was revoked.
    #[error("revoked user")]
    Revoked,
}

/// Most events that wait, besides those that the driver must hear.
const MAX_EVENTS: usize = 4096;

/// Events in their order. What is for logs is bounded: the newest are lost when nobody drains. Sockets
/// to open and close are as many as there are allocations.
#[derive(Debug, Default)]
pub(super) struct Events(VecDeque<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event, stats: &mut Stats) {
        let must_be_heard = matches!(
            event,
            Event::Open(_) | Event::Close(_) | Event::Join { .. } | Event::Drained
        );
        if !must_be_heard && self.0.len() >= MAX_EVENTS {
            stats.event_overflow += 1;
        } else {
            self.0.push_back(event);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
