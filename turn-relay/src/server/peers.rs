//! Whom one allocation exchanges data with: permissions (RFC 8656 §9) and channels (§12).
//!
//! Both are short lists in order, so that looking one up is a few comparisons. What has expired counts
//! as not there, and makes room when room is wanted.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// RFC 8656 §9: the lifetime of a permission.
pub(super) const PERMISSION: Duration = Duration::from_secs(300);

/// RFC 8656 §12: the lifetime of a channel.
pub(super) const CHANNEL: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy)]
struct Permission {
    ip: IpAddr,
    until: Instant,
    ports: Ports,
}

/// Which ports of a permitted address the policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    All,
    /// Each is to be asked for.
    Some,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until: Instant,
    /// When the permission of the peer's address ends: the same as in its permission.
    permitted_until: Instant,
}

/// Why a peer or channel was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The number belongs to another peer, or the peer to another number.
    Bound,
    /// There are as many as may be.
    Full,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    /// By address.
    permissions: Vec<Permission>,
    /// By number.
    channels: Vec<Channel>,
    /// The same, by peer.
    numbers: Vec<(SocketAddr, u16)>,
}

impl Peers {
    /// The peer that a channel leads to, while both it and the permission last.
    pub(super) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let at = self.channel_at(number).ok()?;
        let channel = self.channels.get(at)?;
        (now < channel.until && now < channel.permitted_until).then_some(channel.peer)
    }

    /// The channel of a peer, while it lasts.
    pub(super) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let number = self.number_of(peer)?;
        let channel = self.channels.get(self.channel_at(number).ok()?)?;
        (now < channel.until && now < channel.permitted_until).then_some(number)
    }

    /// Which ports of an address are permitted; `None` where none is.
    pub(super) fn permitted(&self, now: Instant, ip: IpAddr) -> Option<Ports> {
        let permission = self.permissions.get(self.permission_at(ip).ok()?)?;
        (now < permission.until).then_some(permission.ports)
    }

    /// Whether so many addresses would all find room, those that are there already included.
    pub(super) fn has_room(&mut self, now: Instant, ips: &[IpAddr], limit: usize) -> bool {
        let mut new = 0;
        for (at, ip) in ips.iter().enumerate() {
            let repeated = ips.iter().take(at).any(|earlier| earlier == ip);
            if !repeated && self.permission_at(*ip).is_err() {
                new += 1;
            }
        }
        if self.permissions.len() + new > limit {
            self.permissions.retain(|one| now < one.until);
        }
        self.permissions.len() + new <= limit
    }

    /// Permits an address, or goes on permitting it (RFC 8656 §10.2). There is room for it.
    pub(super) fn permit(&mut self, now: Instant, ip: IpAddr, ports: Ports) {
        let until = now + PERMISSION;
        let permission = Permission { ip, until, ports };
        match self.permission_at(ip) {
            Ok(at) => {
                if let Some(place) = self.permissions.get_mut(at) {
                    *place = permission;
                }
            }
            Err(at) => self.permissions.insert(at, permission),
        }
        let bound = self.channels.iter_mut();
        for channel in bound.filter(|channel| channel.peer.ip() == ip) {
            channel.permitted_until = until;
        }
    }

    /// Binds a channel, or goes on with it (RFC 8656 §12.2).
    pub(super) fn bind(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
        limit: usize,
    ) -> Result<(), Refusal> {
        self.check_binding(now, number, peer)?;
        let new = Channel {
            number,
            peer,
            until: now + CHANNEL,
            permitted_until: now,
        };
        if let Ok(at) = self.channel_at(number)
            && let Some(channel) = self.channels.get_mut(at)
        {
            channel.until = new.until;
            return Ok(());
        }
        if self.channels.len() >= limit {
            return Err(Refusal::Full);
        }
        if let (Err(at), Err(number_at)) = (self.channel_at(number), self.number_at(peer)) {
            self.channels.insert(at, new);
            self.numbers.insert(number_at, (peer, number));
        }
        Ok(())
    }

    /// Whether the binding would be none that contradicts another. Those that expired are forgotten.
    pub(super) fn check_binding(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
    ) -> Result<(), Refusal> {
        let is_over = |channel: &Channel| now >= channel.until;
        if self.channels.iter().any(is_over) {
            self.channels.retain(|channel| !is_over(channel));
            let left = &self.channels;
            self.numbers
                .retain(|(_, number)| left.iter().any(|channel| channel.number == *number));
        }
        let known = self.channel_at(number).ok();
        let known = known.and_then(|at| self.channels.get(at));
        match (known, self.number_of(peer)) {
            (Some(channel), _) if channel.peer != peer => Err(Refusal::Bound),
            (_, Some(other)) if other != number => Err(Refusal::Bound),
            _ => Ok(()),
        }
    }

    fn permission_at(&self, ip: IpAddr) -> Result<usize, usize> {
        self.permissions.binary_search_by(|one| one.ip.cmp(&ip))
    }

    fn channel_at(&self, number: u16) -> Result<usize, usize> {
        self.channels
            .binary_search_by(|one| one.number.cmp(&number))
    }

    fn number_at(&self, peer: SocketAddr) -> Result<usize, usize> {
        self.numbers.binary_search_by(|(known, _)| known.cmp(&peer))
    }

    fn number_of(&self, peer: SocketAddr) -> Option<u16> {
        let at = self.number_at(peer).ok()?;
        self.numbers.get(at).map(|(_, number)| *number)
    }
}
