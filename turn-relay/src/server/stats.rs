//! Counters, and what there is.

use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::Path;

use super::event::AllocationId;

/// What a worker has counted since it was made. A bad packet is never an error: it is dropped and counted
/// here by its reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// What all allocations have carried.
    pub traffic: Traffic,
    /// Allocations made.
    pub allocations: u64,
    /// Allocations that are over.
    pub ended: u64,
    /// Requests that were granted, Binding included.
    pub granted: u64,
    /// Requests that were refused with an error other than 401 and 438.
    pub refused: u64,
    /// The same by their codes.
    pub refusals: Refusals,
    /// Answers that ask for credentials (401) or for a newer nonce (438).
    pub challenges: u64,
    /// Requests under a valid nonce whose user or password was wrong.
    pub failed_logins: u64,
    /// Questions to the program's store.
    pub lookups: u64,
    /// Dropped: requests of nobody proved, whose answers would have been more than what came in.
    pub rationed: u64,
    /// Dropped: neither a STUN message nor ChannelData that can be read.
    pub malformed: u64,
    /// Dropped: messages that no client sends, or with attributes that are not known.
    pub unexpected_message: u64,
    /// Dropped: data of a client that has no allocation.
    pub no_allocation: u64,
    /// Dropped: data on a channel that is not bound, or no longer permitted.
    pub unknown_channel: u64,
    /// Dropped: data to or from a peer without a permission.
    pub unpermitted_peer: u64,
    /// Dropped: data to or from a peer that the policy denies.
    pub denied_peer: u64,
    /// Dropped: data beyond the bandwidth of the allocation or of the server.
    pub over_bandwidth: u64,
    /// Dropped: data without the room around it that its header needs.
    pub no_room: u64,
    /// Dropped: requests that would have had to wait for the store while too many did.
    pub lookup_overflow: u64,
    /// Answers that were lost because too many waited undrained.
    pub answer_overflow: u64,
    /// Events that were lost because too many waited undrained.
    pub event_overflow: u64,
}

/// The codes of refused requests.
const CODES: [u16; 14] = [
    300, 400, 403, 405, 420, 437, 440, 441, 442, 443, 446, 447, 486, 508,
];

/// How many requests were refused with which code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusals([u64; CODES.len()]);

impl Refusals {
    /// Every code that there is, and how often it was answered.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        CODES.into_iter().zip(self.0)
    }

    pub(super) fn count(&mut self, code: u16) {
        let at = CODES.iter().position(|known| *known == code);
        if let Some(count) = at.and_then(|at| self.0.get_mut(at)) {
            *count += 1;
        }
    }
}

/// Data that was carried, without headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Packets from clients to peers.
    pub sent_packets: u64,
    /// Bytes from clients to peers.
    pub sent_bytes: u64,
    /// Packets from peers to clients.
    pub received_packets: u64,
    /// Bytes from peers to clients.
    pub received_bytes: u64,
}

impl Traffic {
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent_packets += 1;
        self.sent_bytes += bytes as u64;
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.received_packets += 1;
        self.received_bytes += bytes as u64;
    }
}

/// One allocation, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session<'a> {
    /// Its name.
    pub id: AllocationId,
    /// Whose it is.
    pub user: &'a str,
    /// Where its client is.
    pub client: Path,
    /// Where it is reached by peers.
    pub relayed: SocketAddr,
    /// The address of the other family, if there is one.
    pub additional: Option<SocketAddr>,
    /// Since when there is one.
    pub since: Instant,
    /// When it ends, unless it is refreshed.
    pub expires: Instant,
    /// What it has carried so far.
    pub traffic: Traffic,
}
