//! ICMP messages about what was sent to a peer (RFC 8656 §11.5).

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use stun_codec::attribute::{Icmp as IcmpAttribute, XorPeerAddress};
use stun_codec::{Builder, Method, SocketId};

use super::allocation::Allocation;
use super::relay::{Relay, Use};
use super::slots::Key;
use crate::icmp::Icmp;

impl Relay {
    /// The system tells of an ICMP message about something that was sent from a socket to a peer. Its
    /// client is told, if it is one that says that the peer cannot be reached, and the peer is permitted.
    pub fn handle_icmp(&mut self, now: Instant, id: SocketId, peer: SocketAddr, icmp: Icmp) {
        // Destination unreachable, packet too big, time exceeded (RFC 8656 §11.5).
        let is_told = match peer.ip() {
            IpAddr::V4(_) => matches!(icmp.kind, 3 | 11),
            IpAddr::V6(_) => matches!(icmp.kind, 1..=3),
        };
        let used = Key::of_socket(id).and_then(|socket| self.sockets.get(socket));
        let Some(&Use::Allocation(key)) = used else {
            return;
        };
        let Some(Allocation::Live(live)) = self.allocations.get(key) else {
            return;
        };
        if !is_told || live.peers.permitted(now, peer.ip()).is_none() {
            return;
        }
        let id = self.random.transaction_id();
        let attribute = IcmpAttribute {
            kind: icmp.kind,
            code: icmp.code,
            data: icmp.data,
        };
        let written = self.desk.outbox.push(live.path, |out| {
            let builder = Builder::indication(out, Method::DATA, id);
            let builder = builder.attribute(&XorPeerAddress(peer));
            builder.attribute(&attribute).finish().ok()
        });
        if written.is_none() {
            self.desk.stats.answer_overflow += 1;
        }
    }
}
