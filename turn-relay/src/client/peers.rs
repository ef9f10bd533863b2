//! What the owner wants of the server for its peers: permissions, channels, connections.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use stun_codec::Family;

use super::allocation::Allocation;
use super::config::Relay;
use super::phase::Phase;
use super::requests::Purpose;

/// What was asked for cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The allocation has ended or is being released.
    #[error("the allocation has ended")]
    Ended,
    /// There is no relayed address yet.
    #[error("nothing is allocated yet")]
    NotAllocated,
    /// There is no relayed address of the peer's family.
    #[error("there is no relayed address for {0}")]
    Family(Family),
    /// There are as many as one allocation has.
    #[error("one allocation has at most {0} of these")]
    TooMany(usize),
    /// Channels are for datagrams, connections for TCP relays.
    #[error("the relay is of the other kind")]
    Kind,
    /// There is a connection to the peer, or one is being made (RFC 6062 §4.3).
    #[error("there is a connection to {0}")]
    Exists(SocketAddr),
    /// The server gave no ticket, or a move is under way.
    #[error("the allocation cannot move now")]
    NotMobile,
    /// No such connection was offered.
    #[error("no connection {0:#010x} was offered")]
    UnknownConnection(u32),
}

impl Allocation {
    /// Lets a peer's address in (RFC 8656 §9), from all its ports, and keeps it so until
    /// [`forget`](Self::forget). Where nothing is allocated yet it is asked for then.
    ///
    /// # Errors
    /// When it cannot be granted.
    pub fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<(), PeerError> {
        self.check_peer(peer)?;
        if !self.permissions.want(peer) {
            return Err(PeerError::TooMany(super::permissions::MAX));
        }
        self.ask_for_peers(now);
        Ok(())
    }

    /// Gives a peer a channel (RFC 8656 §12), which lets its address in as well, and keeps both until
    /// [`forget`](Self::forget). Data goes over it as soon as it is bound.
    ///
    /// # Errors
    /// When it cannot be granted.
    pub fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), PeerError> {
        self.check_peer(peer.ip())?;
        if matches!(self.config.relay, Relay::Streams { .. }) {
            return Err(PeerError::Kind);
        }
        if !self.permissions.want(peer.ip()) {
            return Err(PeerError::TooMany(super::permissions::MAX));
        }
        if !self.channels.want(peer) {
            return Err(PeerError::TooMany(super::channels::MAX));
        }
        self.ask_for_peers(now);
        Ok(())
    }

    /// Keeps the permission of an address and its channels no longer. The server ends them by itself
    /// within five and ten minutes; nothing is sent there or taken from there from now on.
    pub fn forget(&mut self, peer: IpAddr) {
        self.permissions.forget(peer);
        self.channels.forget(|other| other.ip() == peer);
        self.requests.take(|pending| match pending.purpose {
            Purpose::Permission(ip) => ip == peer,
            Purpose::Channel(_, other) => other.ip() == peer,
            _ => false,
        });
    }

    /// Whether the peer's address is let in now.
    #[must_use]
    pub fn is_permitted(&self, now: Instant, peer: IpAddr) -> bool {
        self.permissions.is_granted(now, peer)
    }

    /// The channel of a peer, while it is bound.
    #[must_use]
    pub fn channel(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        self.channels.number_for(now, peer)
    }

    /// Sends what is due for peers, where there is a way.
    pub(super) fn ask_for_peers(&mut self, now: Instant) {
        if self.phase.live().and_then(|live| live.path()).is_none() {
            return;
        }
        // A channel brings its permission along (RFC 8656 §12): the permission is asked for all the
        // same, because it lasts half as long.
        while let Some(peer) = self.permissions.take_due(now) {
            self.begin(now, Purpose::Permission(peer), 0);
        }
        while let Some((number, peer)) = self.channels.take_due(now) {
            self.begin(now, Purpose::Channel(number, peer), 0);
        }
    }

    /// A peer of a family that is not relayed would be refused with 443 (RFC 8656 §10.2).
    pub(super) fn check_peer(&self, peer: IpAddr) -> Result<(), PeerError> {
        match &self.phase {
            Phase::Ended | Phase::Releasing(_) | Phase::Allocating { unwanted: true, .. } => {
                Err(PeerError::Ended)
            }
            Phase::Opening(_) | Phase::Allocating { .. } => Ok(()),
            Phase::Live(live) => {
                let family = Family::of(peer);
                let relayed = [Some(live.relayed), live.additional];
                relayed
                    .into_iter()
                    .flatten()
                    .any(|address| Family::of(address.ip()) == family)
                    .then_some(())
                    .ok_or(PeerError::Family(family))
            }
        }
    }
}
