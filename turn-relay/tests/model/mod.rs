//! A server's permissions and channels as lists, and its policy as a table.
#![allow(clippy::expect_used)] // as in the tests it serves

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use turn_relay::server::PeerPolicy;

use crate::site::{ip, secs};
/// Whether the policy below lets somebody be sent to, and whether a permission for his address can be had.
pub(crate) struct Peer {
    pub(crate) at: &'static str,
    pub(crate) is_reachable: bool,
    pub(crate) is_permittable: bool,
}

pub(crate) const fn peer(at: &'static str, is_reachable: bool, is_permittable: bool) -> Peer {
    Peer {
        at,
        is_reachable,
        is_permittable,
    }
}

pub(crate) const PEERS: [Peer; 13] = [
    peer("203.0.113.7:7000", true, true),
    peer("203.0.113.7:7001", true, true),
    peer("203.0.113.8:7000", true, true),
    peer("10.1.0.2:5000", true, true),
    // Its address is allowed for other ports.
    peer("10.1.0.2:22", false, true),
    peer("10.2.0.2:5000", false, false),
    peer("127.0.0.1:80", false, false),
    // The server itself.
    peer("192.0.2.1:3478", false, false),
    peer("[2001:db8:7::7]:7000", true, true),
    peer("[::ffff:203.0.113.7]:7000", false, false),
    // The same host as above, behind a NAT64.
    peer("[64:ff9b::10.1.0.2]:5000", true, true),
    peer("[64:ff9b::10.1.0.2]:22", false, true),
    peer("[::1]:80", false, false),
];

pub(crate) fn policy() -> PeerPolicy {
    PeerPolicy::internet()
        .allow(ip("203.0.113.0"), 24, 0..=65535)
        .allow(ip("10.1.0.0"), 16, 5000..=5001)
        .allow(ip("2001:db8:7::"), 48, 0..=65535)
        .allow(ip("::"), 0, 0..=65535)
}

/// One allocation, as a list of what was granted and until when.
pub(crate) struct Allocation {
    pub(crate) user: usize,
    pub(crate) expires: Instant,
    pub(crate) relayed: Vec<SocketAddr>,
    pub(crate) permissions: Vec<(IpAddr, Instant)>,
    pub(crate) channels: Vec<(u16, SocketAddr, Instant)>,
    pub(crate) ticket: Option<Vec<u8>>,
}

impl Allocation {
    pub(crate) fn has_family(&self, peer: SocketAddr) -> bool {
        let same = |one: &&SocketAddr| one.is_ipv4() == peer.is_ipv4();
        self.relayed.iter().any(|one| same(&one))
    }

    pub(crate) fn permits(&self, now: Instant, ip: IpAddr) -> bool {
        let granted = |(known, until): &(IpAddr, Instant)| *known == ip && now < *until;
        self.permissions.iter().any(granted)
    }

    pub(crate) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let mut live = self.channels.iter().filter(|(_, _, until)| now < *until);
        live.find(|(_, known, _)| *known == peer)
            .map(|(number, _, _)| *number)
    }

    pub(crate) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let mut live = self.channels.iter().filter(|(_, _, until)| now < *until);
        live.find(|(known, _, _)| *known == number)
            .map(|(_, peer, _)| *peer)
    }

    pub(crate) fn permit(&mut self, now: Instant, ip: IpAddr) {
        self.permissions.retain(|(known, _)| *known != ip);
        self.permissions.push((ip, now + secs(300)));
    }
}
