//! One allocation: on its way, and there.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stun_codec::attribute::ReservationToken;
use stun_codec::{Family, Path, TransactionId};

use super::answer::Asked;
use super::bandwidth::Bucket;
use super::credentials::Owner;
use super::event::AllocationId;
use super::peers::Peers;
use super::quota::Admission;
use super::slots::Key;
use super::stats::Traffic;
use super::ticket::Tickets;

/// What stands behind a five-tuple.
#[derive(Debug)]
pub(super) enum Allocation {
    /// The driver was asked for sockets; the client has no answer yet.
    Opening(Box<Opening>),
    Live(Box<Live>),
}

impl Allocation {
    pub(super) fn owner(&self) -> &Owner {
        match self {
            Self::Opening(opening) => &opening.owner,
            Self::Live(live) => &live.owner,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Opening(_) => None,
        }
    }
}

/// An allocation whose sockets are being opened.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) owner: Owner,
    pub(super) admission: Admission,
    pub(super) asked: Asked,
    pub(super) wish: Wish,
    pub(super) first: Door,
    /// Of the other family.
    pub(super) second: Option<Door>,
    /// The next higher port, for a reservation.
    pub(super) next: Option<Door>,
    /// How often a pair of ports was tried.
    pub(super) tries: u8,
}

/// What an Allocate request asks for, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) family: Family,
    /// IPv6 as well: RFC 8656 §18.11 knows no other.
    pub(super) additional: bool,
    pub(super) port: PortWish,
    pub(super) lifetime: Duration,
    pub(super) is_mobile: bool,
    /// Peers connect over TCP (RFC 6062).
    pub(super) is_stream: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortWish {
    Any,
    Even,
    /// An even one, and the next one for later.
    Pair,
}

/// A socket on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    pub(super) socket: Key,
    /// Where peers reach it.
    pub(super) public: IpAddr,
    pub(super) state: DoorState,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum DoorState {
    Asked,
    Open(SocketAddr),
    Failed,
}

impl Opening {
    pub(super) fn doors_mut(&mut self) -> impl Iterator<Item = &mut Door> {
        let others = [self.second.as_mut(), self.next.as_mut()];
        std::iter::once(&mut self.first).chain(others.into_iter().flatten())
    }

    pub(super) fn doors(&self) -> impl Iterator<Item = &Door> {
        let others = [self.second.as_ref(), self.next.as_ref()];
        std::iter::once(&self.first).chain(others.into_iter().flatten())
    }
}

impl Door {
    /// Where it is bound, once it is.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        match self.state {
            DoorState::Open(local) => Some(local),
            DoorState::Asked | DoorState::Failed => None,
        }
    }

    pub(super) fn side(&self, expires: Instant) -> Option<Side> {
        let local = self.local()?;
        Some(Side {
            socket: self.socket,
            local,
            relayed: SocketAddr::new(self.public, local.port()),
            expires,
        })
    }
}

/// An allocation that its client knows of.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: AllocationId,
    /// The way to the client.
    pub(super) path: Path,
    pub(super) owner: Owner,
    /// The right to it, which its end gives back.
    pub(super) admission: Admission,
    pub(super) first: Side,
    pub(super) second: Option<Side>,
    pub(super) peers: Peers,
    pub(super) is_stream: bool,
    /// Of the port that was reserved with it.
    pub(super) token: Option<ReservationToken>,
    pub(super) bandwidth: Option<Bucket>,
    pub(super) traffic: Traffic,
    pub(super) since: Instant,
    /// When the timer looks at it.
    pub(super) look_at: Instant,
    /// The answer that made it or moved it, for a client that has not heard it.
    pub(super) answer: Kept,
    pub(super) tickets: Option<Tickets>,
}

/// One relayed address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) socket: Key,
    /// Where the socket is bound.
    pub(super) local: SocketAddr,
    /// Where peers reach it.
    pub(super) relayed: SocketAddr,
    pub(super) expires: Instant,
}

/// An answer, to be sent again as it was (RFC 8656 §7.2).
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: TransactionId,
    pub(super) bytes: Box<[u8]>,
}

impl Live {
    /// The side whose address is of a family.
    pub(super) fn side(&self, family: Family) -> Option<&Side> {
        self.sides()
            .find(|side| Family::of(side.relayed.ip()) == family)
    }

    pub(super) fn sides(&self) -> impl Iterator<Item = &Side> {
        std::iter::once(&self.first).chain(&self.second)
    }

    pub(super) fn sides_mut(&mut self) -> impl Iterator<Item = &mut Side> {
        std::iter::once(&mut self.first).chain(&mut self.second)
    }

    /// When the next of its addresses expires.
    pub(super) fn expires(&self) -> Instant {
        let second = self.second.map(|side| side.expires);
        second.map_or(self.first.expires, |at| at.min(self.first.expires))
    }

    pub(super) fn user(&self) -> Arc<str> {
        self.owner.identity.user.clone()
    }
}
