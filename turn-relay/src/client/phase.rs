//! How far an allocation is. Each phase owns what it needs.

use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::{Path, SocketId};

use super::lease::Lease;

#[derive(Debug)]
pub(super) enum Phase {
    /// A socket to the server is being opened.
    Opening(SocketId),
    /// An Allocate request is under way.
    Allocating {
        path: Path,
        /// Whether what is allocated is given back at once: the owner has released it meanwhile.
        unwanted: bool,
    },
    /// There is a relayed address.
    Live(Box<Live>),
    /// A Refresh with lifetime 0 is under way.
    Releasing(Path),
    Ended,
}

#[derive(Debug)]
pub(super) struct Live {
    /// The way to the server.
    pub(super) link: Way,
    pub(super) lease: Lease,
    pub(super) relayed: SocketAddr,
    pub(super) additional: Option<SocketAddr>,
    pub(super) dont_fragment: bool,
    /// Lets the allocation move (RFC 8016).
    pub(super) ticket: Option<Vec<u8>>,
    /// The way to the server that is to take the place of the present one.
    pub(super) moving: Option<Moving>,
}

/// The way to the server of a live allocation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Open(Path),
    /// The socket is gone; a move is under way.
    Lost,
}

/// A new way to the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moving {
    Opening(SocketId),
    /// The server is being told.
    Telling(Path),
}

impl Live {
    pub(super) fn path(&self) -> Option<Path> {
        match self.link {
            Way::Open(path) => Some(path),
            Way::Lost => None,
        }
    }
}

impl Phase {
    pub(super) fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    /// The way to the server, where there is one.
    pub(super) fn path(&self) -> Option<Path> {
        match self {
            Self::Allocating { path, .. } | Self::Releasing(path) => Some(*path),
            Self::Live(live) => live.path(),
            Self::Opening(_) | Self::Ended => None,
        }
    }

    /// The sockets of this phase.
    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        let moving = self.live().and_then(|live| live.moving);
        let moving = moving.map(|moving| match moving {
            Moving::Opening(id) => id,
            Moving::Telling(path) => path.id,
        });
        let first = match self {
            Self::Opening(id) => Some(*id),
            _ => self.path().map(|path| path.id),
        };
        first.into_iter().chain(moving)
    }

    /// When the allocation is over or is to be refreshed.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let lease = self.live()?.lease;
        Some(
            lease
                .renewal()
                .map_or(lease.expires(), |at| at.min(lease.expires())),
        )
    }
}
