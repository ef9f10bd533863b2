//! Counters of an allocation.

/// What an allocation has counted since it was made.
///
/// A bad packet is never an error: it is dropped and counted here by its reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests sent, retransmissions included.
    pub requests_sent: u64,
    /// Payloads sent by [`Allocation::send`](crate::client::Allocation::send).
    pub data_sent: u64,
    /// Payloads of peers handed up.
    pub data_received: u64,
    /// Dropped: neither a STUN message nor ChannelData that can be read.
    pub malformed: u64,
    /// Dropped: a message that no server sends to its client.
    pub unexpected_message: u64,
    /// Dropped: a response to no request of ours, or to one answered before.
    pub unexpected_response: u64,
    /// Dropped: a response that does not prove to come from who knows the password.
    pub unproved_response: u64,
    /// Dropped: ChannelData on a channel that is not bound.
    pub unknown_channel: u64,
    /// Dropped: data of a peer that is not permitted (RFC 8656 §11.4).
    pub unpermitted_peer: u64,
    /// Nonces that were used up and replaced (438).
    pub stale_nonces: u64,
    /// Events that were lost because too many waited undrained.
    pub event_overflow: u64,
}
