//! What an allocation tells its owner.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stun_codec::{Close, Family, Open, OpenError, SocketId, Transport};

use super::stats::Stats;
use crate::icmp::Icmp;

/// What an allocation tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A socket to the server is wanted. The driver answers with
    /// [`handle_opened`](super::Allocation::handle_opened) or
    /// [`handle_open_failed`](super::Allocation::handle_open_failed).
    Open(Open),
    /// A socket is not needed any more.
    Close(Close),
    /// There is a relayed address.
    Allocated(Box<Allocated>),
    /// The server is to be asked elsewhere (300, RFC 8489 §10); the machine does so by itself.
    Redirected(Redirect),
    /// The peer's address is let in from now on. It comes once for each address.
    Permitted(IpAddr),
    /// The peer's address is not let in, or no longer.
    PermissionRefused {
        /// The address.
        peer: IpAddr,
        /// Why.
        cause: Cause,
    },
    /// Data of and for this peer costs four bytes more from now on. It comes once for each peer.
    ChannelBound(SocketAddr),
    /// The peer has no channel, or no longer; where it is permitted, data still goes.
    ChannelRefused {
        /// The peer.
        peer: SocketAddr,
        /// Why.
        cause: Cause,
    },
    /// What was sent to the peer came back as an ICMP message (RFC 8656 §11.5). Nobody proves it.
    PeerUnreachable {
        /// The peer.
        peer: SocketAddr,
        /// The message.
        icmp: Icmp,
    },
    /// A peer wants to connect (RFC 6062 §4.4): [`accept`](super::Allocation::accept) it within
    /// half a minute, or let it be.
    ConnectionAttempt {
        /// The peer.
        peer: SocketAddr,
        /// The server's name for the connection.
        connection: u32,
    },
    /// There is a connection to the peer (RFC 6062): data goes both ways, as a stream of bytes.
    Connected {
        /// The peer.
        peer: SocketAddr,
        /// The socket that carries it. A driver may take it over.
        socket: SocketId,
    },
    /// There is no connection to the peer.
    ConnectFailed {
        /// The peer.
        peer: SocketAddr,
        /// Why.
        cause: Cause,
    },
    /// The connection to the peer has ended.
    Disconnected {
        /// The peer.
        peer: SocketAddr,
    },
    /// The allocation is reached from this address of ours from now on (RFC 8016).
    Moved {
        /// Our address.
        local: SocketAddr,
    },
    /// The allocation was not moved; it stays where it was.
    MoveFailed {
        /// Why.
        cause: Cause,
    },
    /// The end; nothing comes after it.
    Ended(Cause),
}

/// What a server has allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allocated {
    /// The address where peers reach us, of the family that was asked for.
    pub relayed: SocketAddr,
    /// With [`Families::Both`](super::Families::Both): that of the other family.
    pub additional: Option<SocketAddr>,
    /// With [`Families::Both`](super::Families::Both): why there is none of the other family
    /// (RFC 8656 §18.12).
    pub missing: Option<Missing>,
    /// Our address as the server sees it.
    pub mapped: SocketAddr,
    /// How long the server keeps it without a refresh. Refreshing is done by the machine.
    pub lifetime: Duration,
    /// With [`Port::Pair`](crate::Port::Pair): the token of the next higher port
    /// ([`Config::with_reservation`](super::Config::with_reservation)).
    pub reservation: Option<[u8; 8]>,
    /// Whether the server keeps what is sent from being fragmented.
    pub dont_fragment: bool,
    /// Whether the allocation can move (RFC 8016).
    pub mobile: bool,
}

/// Why a relayed address of one family is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The family.
    pub family: Family,
    /// 440 or 508.
    pub code: u16,
    /// The server's words.
    pub reason: String,
}

/// Where a server sends its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The other server (ALTERNATE-SERVER).
    pub server: SocketAddr,
    /// The name that its certificate must have over TLS (ALTERNATE-DOMAIN), where it is another.
    pub domain: Option<String>,
}

/// Why something did not come about, or has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// No way to the server: its socket could not be opened.
    #[error("{server} over {transport} cannot be reached: {error}")]
    Unreachable {
        /// The server.
        server: SocketAddr,
        /// How it was to be reached.
        transport: Transport,
        /// Why not.
        error: OpenError,
    },
    /// The server's certificate is not accepted.
    #[error("the certificate of {server} as {server_name:?} is refused: {error}")]
    Certificate {
        /// The server.
        server: SocketAddr,
        /// The name that was asked for.
        server_name: String,
        /// What is wrong with it.
        error: OpenError,
    },
    /// The connection to the server was lost.
    #[error("the connection to the server was lost")]
    ConnectionLost,
    /// The server did not answer.
    #[error("no answer to {requests} requests in {} ms{}", waited.as_millis(), Unproved(*unproved))]
    TimedOut {
        /// How many times the request was sent.
        requests: u32,
        /// How long was waited in all.
        waited: Duration,
        /// The error code of an answer that did not prove to come from who knows the password, and
        /// was not believed.
        unproved: Option<u16>,
    },
    /// The server refused.
    #[error("the server refused: {code} {reason}")]
    Refused {
        /// The error code.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// The server does not know the user with this password.
    #[error("the user or the password is wrong in the realm {realm:?}")]
    WrongPassword {
        /// The server's realm.
        realm: String,
    },
    /// The server has changed its realm, and does not know the user with this password in the new
    /// one.
    #[error("the realm changed from {expected:?} to {found:?}, where the password is wrong")]
    RealmMismatch {
        /// The realm so far.
        expected: String,
        /// The realm now.
        found: String,
    },
    /// Somebody on the way has taken the server's better algorithm out (RFC 8489 §9.2.1).
    #[error("the server's list of password algorithms was removed on the way")]
    BidDown,
    /// The server makes keys of passwords in no way known here.
    #[error("no password algorithm in common with the server")]
    NoCommonAlgorithm,
    /// The server asks for credentials, and none were given.
    #[error("the server asks for a user name and a password")]
    CredentialsWanted,
    /// The user has as many allocations as allowed (486).
    #[error("the user has as many allocations as the server allows")]
    Quota,
    /// Every nonce of the server was stale at once.
    #[error("the server calls each of its nonces stale")]
    StaleNonceLoop,
    /// The server knows no such allocation, or another one from the same port (437).
    #[error("the server has no such allocation (437)")]
    AllocationMismatch,
    /// The servers send us from one to the other.
    #[error("the servers send us in circles, to {0} at last")]
    RedirectLoop(SocketAddr),
    /// An answer that lacks what it must have.
    #[error("the answer to {0} lacks what it must have, or has it wrong")]
    BadAnswer(&'static str),
    /// The server did not confirm the allocation until it was over.
    #[error("the allocation has expired without a refresh")]
    Expired,
    /// By the owner's wish.
    #[error("released")]
    Released,
}

/// The part of a message about an answer that was not believed.
struct Unproved(Option<u16>);

impl std::fmt::Display for Unproved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(code) => write!(f, "; an answer that proves nothing said {code}"),
            None => Ok(()),
        }
    }
}

/// Most events that wait.
const MAX_EVENTS: usize = 256;

/// Events in their order, bounded: the oldest are lost when nobody drains.
#[derive(Debug, Default)]
pub(super) struct Events(VecDeque<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event, stats: &mut Stats) {
        // The end must be heard even by an owner that never drained before.
        if self.0.len() >= MAX_EVENTS {
            self.0.pop_front();
            stats.event_overflow += 1;
        }
        self.0.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}
