//! Data, both ways (RFC 8656 §11, §12). One look-up, no copy, nothing allocated.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use stun_codec::attribute::{Data, XorPeerAddress};
use stun_codec::{AttributeType, Family, Message, Path, SocketId, Transmit, Transport};

use super::allocation::{Allocation, Live, Side};
use super::bandwidth::Bucket;
use super::five_tuple::FiveTuple;
use super::peers::Ports;
use super::policy::PeerPolicy;
use super::relay::{Relay, Use};
use super::relayed::Relayed;
use super::request;
use super::slots::Key;
use super::stats::Stats;
use crate::indication::{self, CHANNEL_HEADER, Header, Kind};

/// Whether the policy allows this port of an address that is permitted. Nobody has port 0.
fn allows(policy: &PeerPolicy, ports: Ports, peer: SocketAddr) -> bool {
    match ports {
        Ports::All => peer.port() != 0,
        Ports::Some => policy.permits(peer),
    }
}

/// Whether so many bytes of an allocation may pass: by its own measure and by that of all together.
fn has_bandwidth(live: &mut Live, total: &mut Option<Bucket>, now: Instant, bytes: usize) -> bool {
    let mut buckets = live.bandwidth.iter_mut().chain(total);
    buckets.all(|bucket| bucket.take(now, bytes))
}

/// Payload of a client for a peer that is permitted.
fn pass_to_peer(
    live: &mut Live,
    total: &mut Option<Bucket>,
    stats: &mut Stats,
    now: Instant,
    peer: SocketAddr,
    range: Range<usize>,
) -> Relayed {
    let side = live.side(Family::of(peer.ip()));
    let Some(side) = side.filter(|side| now < side.expires && !live.is_stream) else {
        stats.no_allocation += 1;
        return Relayed::Dropped;
    };
    let path = side.path_to(peer);
    if !has_bandwidth(live, total, now, range.len()) {
        stats.over_bandwidth += 1;
        return Relayed::Dropped;
    }
    live.traffic.sent(range.len());
    stats.traffic.sent(range.len());
    Relayed::To(Transmit { path, range })
}

impl Side {
    /// The way to a peer.
    fn path_to(&self, peer: SocketAddr) -> Path {
        Path {
            id: SocketId::asked(self.socket.number()),
            local: self.local,
            remote: peer,
            transport: Transport::Udp,
        }
    }
}

impl Relay {
    /// ChannelData of a client (RFC 8656 §12.6). Over UDP there may be padding behind it.
    pub(super) fn on_channel_data(
        &mut self,
        now: Instant,
        path: &Path,
        buf: &[u8],
        frame: Range<usize>,
    ) -> Relayed {
        let Some(&[n0, n1, l0, l1]) = buf.get(frame.clone()).and_then(<[u8]>::first_chunk) else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        let start = frame.start + CHANNEL_HEADER;
        let end = start + usize::from(u16::from_be_bytes([l0, l1]));
        if end > frame.end {
            return self.dropped(|stats| &mut stats.malformed);
        }
        let number = u16::from_be_bytes([n0, n1]);
        let Some(key) = self.clients.get(&FiveTuple::from(path)).copied() else {
            return self.unknown_client(now, path);
        };
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            return self.dropped(|stats| &mut stats.no_allocation);
        };
        let total = &mut self.bandwidth;
        match live.peers.peer_of(now, number) {
            Some(peer) => pass_to_peer(live, total, &mut self.desk.stats, now, peer, start..end),
            None => self.dropped(|stats| &mut stats.unknown_channel),
        }
    }

    /// A Send indication (RFC 8656 §11.2). What is wrong with it is not answered.
    pub(super) fn on_send(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        buf: &[u8],
    ) -> Relayed {
        let understood = request::understood(self.config.dont_fragment);
        if message.unknown_required(understood).next().is_some() {
            return self.dropped(|stats| &mut stats.unexpected_message);
        }
        let Ok(Some(XorPeerAddress(peer))) = message.attribute() else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        let payload = message.attribute::<Data<'_>>().ok().flatten();
        let Some(range) = payload.and_then(|Data(data)| indication::range_within(buf, data)) else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        let Some(key) = self.clients.get(&FiveTuple::from(path)).copied() else {
            return self.unknown_client(now, path);
        };
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            return self.dropped(|stats| &mut stats.no_allocation);
        };
        match live.peers.permitted(now, peer.ip()) {
            None => return self.dropped(|stats| &mut stats.unpermitted_peer),
            Some(ports) if !allows(&self.config.policy, ports, peer) => {
                return self.dropped(|stats| &mut stats.denied_peer);
            }
            Some(_) => {}
        }
        // RFC 8656 §13: not where IPv6 is involved, whose routers fragment nothing.
        let is_v6 = path.transport == Transport::Udp && path.remote.is_ipv6();
        let is_whole = message.contains(AttributeType::DONT_FRAGMENT) && peer.is_ipv4() && !is_v6;
        let (total, stats) = (&mut self.bandwidth, &mut self.desk.stats);
        match pass_to_peer(live, total, stats, now, peer, range) {
            Relayed::To(transmit) if is_whole => Relayed::ToWhole(transmit),
            other => other,
        }
    }

    /// A datagram of a peer (RFC 8656 §11.3, §12.7).
    pub(super) fn on_peer(
        &mut self,
        now: Instant,
        path: &Path,
        buf: &mut [u8],
        frame: Range<usize>,
    ) -> Relayed {
        let Some(socket) = Key::of_socket(path.id) else {
            return Relayed::NotMine;
        };
        let key = match self.sockets.get(socket) {
            Some(&Use::Allocation(key)) => key,
            Some(Use::Reserved | Use::Stream(_)) => {
                return self.dropped(|stats| &mut stats.no_allocation);
            }
            None => return Relayed::NotMine,
        };
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            return self.dropped(|stats| &mut stats.no_allocation);
        };
        let peer = path.remote;
        let is_current = live
            .sides()
            .any(|side| side.socket == socket && now < side.expires);
        if !is_current {
            return self.dropped(|stats| &mut stats.no_allocation);
        }
        let channel = live.peers.channel_to(now, peer);
        if channel.is_none() {
            match live.peers.permitted(now, peer.ip()) {
                None => return self.dropped(|stats| &mut stats.unpermitted_peer),
                Some(ports) if !allows(&self.config.policy, ports, peer) => {
                    return self.dropped(|stats| &mut stats.denied_peer);
                }
                Some(_) => {}
            }
        }
        let length = frame.len();
        if !has_bandwidth(live, &mut self.bandwidth, now, length) {
            return self.dropped(|stats| &mut stats.over_bandwidth);
        }
        let written = match channel {
            Some(number) => indication::write_channel_data(buf, frame, number),
            None => {
                let header = Header {
                    kind: Kind::Data,
                    peer,
                    id: self.random.transaction_id(),
                    dont_fragment: false,
                };
                indication::write(buf, frame, &header)
            }
        };
        let Ok(range) = written else {
            return self.dropped(|stats| &mut stats.no_room);
        };
        live.traffic.received(length);
        self.desk.stats.traffic.received(length);
        let path = live.path;
        Relayed::To(Transmit { path, range })
    }

    /// Data of a client that has no allocation here.
    fn unknown_client(&mut self, now: Instant, path: &Path) -> Relayed {
        match self.foreign.worker_of(now, &FiveTuple::from(path)) {
            Some(worker) => Relayed::Elsewhere(worker),
            None => self.dropped(|stats| &mut stats.no_allocation),
        }
    }
}
