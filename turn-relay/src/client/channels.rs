//! Channels: two bytes that stand for a peer (RFC 8656 §12).

use std::net::SocketAddr;
use std::time::Instant;

use super::lease::{CHANNEL, Grant, Lease};

/// The numbers that may be bound (RFC 8656 §12).
const FIRST: u16 = 0x4000;
const LAST: u16 = 0x4fff;

/// Most channels of one allocation.
pub(super) const MAX: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    grant: Grant,
}

/// The channels, by number and by peer. Numbers are given once each, until all were: the server
/// keeps a number for its peer for a while after the channel has expired (RFC 8656 §12.1).
#[derive(Debug)]
pub(super) struct Channels {
    channels: Vec<Channel>,
    next: u16,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            next: FIRST,
        }
    }
}

impl Channels {
    /// Wants one for a peer. False where there are too many.
    pub(super) fn want(&mut self, peer: SocketAddr) -> bool {
        if self.channels.iter().any(|channel| channel.peer == peer) {
            return true;
        }
        if self.channels.len() >= MAX {
            return false;
        }
        // There are fewer channels than numbers: the search ends.
        while self.find(self.next).is_some() {
            self.advance();
        }
        self.channels.push(Channel {
            number: self.next,
            peer,
            grant: Grant::Wanted,
        });
        self.advance();
        true
    }

    fn advance(&mut self) {
        self.next = if self.next == LAST {
            FIRST
        } else {
            self.next + 1
        };
    }

    pub(super) fn forget(&mut self, which: impl Fn(SocketAddr) -> bool) {
        self.channels.retain(|channel| !which(channel.peer));
    }

    /// Notes that the server has bound one. True if it had not before.
    pub(super) fn granted(&mut self, now: Instant, number: u16) -> bool {
        let lease = Grant::Granted(Lease::new(now, CHANNEL));
        let found = self
            .channels
            .iter_mut()
            .find(|channel| channel.number == number);
        found.is_some_and(|channel| {
            let was = std::mem::replace(&mut channel.grant, lease);
            !matches!(was, Grant::Granted(_))
        })
    }

    /// The way of a request is gone.
    pub(super) fn ask_anew(&mut self, now: Instant, number: u16) {
        let mut channels = self.channels.iter_mut();
        if let Some(channel) = channels.find(|channel| channel.number == number) {
            channel.grant.ask_anew(now);
        }
    }

    /// Nobody has answered to a renewal: again, as long as there is time.
    pub(super) fn renew_again(&mut self, now: Instant, number: u16, at: Instant) -> bool {
        let mut channels = self.channels.iter_mut();
        let found = channels.find(|channel| channel.number == number);
        found.is_some_and(|channel| channel.grant.renew_again(now, at))
    }

    /// The number that stands for a peer now.
    pub(super) fn number_for(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        self.channels
            .iter()
            .find(|channel| channel.peer == peer && channel.grant.is_valid(now))
            .map(|channel| channel.number)
    }

    /// The peer of a number that is bound now.
    pub(super) fn bound_peer(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        self.find(number)
            .filter(|channel| channel.grant.is_valid(now))
            .map(|channel| channel.peer)
    }

    /// A number that is to be bound now, with its peer.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(u16, SocketAddr)> {
        self.channels.iter_mut().find_map(|channel| {
            let due = channel.grant.take_due(now);
            due.then_some((channel.number, channel.peer))
        })
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.channels
            .iter()
            .filter_map(|channel| channel.grant.renewal())
            .min()
    }

    fn find(&self, number: u16) -> Option<&Channel> {
        self.channels
            .iter()
            .find(|channel| channel.number == number)
    }
}
