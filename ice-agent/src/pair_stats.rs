//! Statistics per pair and per candidate, with the names that the W3C gives them
//! (`RTCIceCandidatePairStats`, `RTCIceCandidateStats`), in snake case.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_codec::Transport;

use crate::candidate::Candidate;
use crate::failure::CheckState;

/// What went over a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidatePairStats {
    /// Our candidate: for a pair that works, the one that the peer sees.
    pub local_candidate: Candidate,
    /// The peer's candidate.
    pub remote_candidate: Candidate,
    /// How far its checks came.
    pub state: CheckState,
    /// Whether data goes over it.
    pub nominated: bool,
    /// Datagrams of payload sent.
    pub packets_sent: u64,
    /// Datagrams of payload received.
    pub packets_received: u64,
    /// Bytes of payload sent, without the headers of relays.
    pub bytes_sent: u64,
    /// Bytes of payload received, likewise.
    pub bytes_received: u64,
    /// When payload was sent last.
    pub last_packet_sent: Option<Instant>,
    /// When payload was received last.
    pub last_packet_received: Option<Instant>,
    /// The sum of the round trips of all answered requests that were sent once.
    pub total_round_trip_time: Duration,
    /// The last one of them.
    pub current_round_trip_time: Option<Duration>,
    /// Authentic requests of the peer.
    pub requests_received: u64,
    /// Checks sent, repetitions included, without consent checks.
    pub requests_sent: u64,
    /// Authentic success responses of the peer.
    pub responses_received: u64,
    /// Responses sent.
    pub responses_sent: u64,
    /// Consent checks sent (RFC 7675).
    pub consent_requests_sent: u64,
}

/// A candidate of ours or of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateStats {
    /// Whose it is.
    pub side: Side,
    /// Its address, port, protocol, type, priority, foundation, related address and the rest.
    pub candidate: Candidate,
    /// How the TURN server of a relayed candidate of ours is reached.
    pub relay_protocol: Option<Transport>,
    /// The TURN server of a relayed candidate of ours.
    pub server: Option<SocketAddr>,
}

/// Whose a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Ours.
    Local,
    /// The peer's.
    Remote,
}

/// Payload over a pair.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    sent: Way,
    received: Way,
}

/// Payload in one direction.
#[derive(Debug, Default, Clone, Copy)]
struct Way {
    packets: u64,
    bytes: u64,
    last: Option<Instant>,
}

impl Way {
    fn count(&mut self, now: Instant, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.last = Some(now);
    }
}

impl Traffic {
    pub(crate) fn sent(&mut self, now: Instant, bytes: usize) {
        self.sent.count(now, bytes);
    }

    pub(crate) fn received(&mut self, now: Instant, bytes: usize) {
        self.received.count(now, bytes);
    }

    /// Fills in what this knows.
    pub(crate) fn tell(&self, stats: &mut CandidatePairStats) {
        stats.packets_sent = self.sent.packets;
        stats.bytes_sent = self.sent.bytes;
        stats.last_packet_sent = self.sent.last;
        stats.packets_received = self.received.packets;
        stats.bytes_received = self.received.bytes;
        stats.last_packet_received = self.received.last;
    }
}
