//! Counters of an agent.

/// What an agent has counted since it was made.
///
/// A bad packet is never an error: it is dropped and counted here by its reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connectivity checks sent, retransmissions included, consent checks not.
    pub checks_sent: u64,
    /// Consent checks sent (RFC 7675).
    pub consent_checks_sent: u64,
    /// Requests sent to STUN servers, retransmissions included.
    pub server_requests_sent: u64,
    /// Responses sent.
    pub responses_sent: u64,
    /// Authentic requests received.
    pub requests_received: u64,
    /// Authentic success responses received.
    pub responses_received: u64,
    /// Datagrams handed up as data.
    pub data_received: u64,
    /// DTLS datagrams held because their pair was not valid yet. Those that were told later count as
    /// received, too.
    pub data_held: u64,
    /// Datagrams sent by [`Agent::send`](crate::Agent::send).
    pub data_sent: u64,
    /// Restarts (RFC 8445 §9).
    pub restarts: u64,
    /// Times that another pair took the place of a dead one.
    pub switches: u64,
    /// Role conflicts seen, in requests and in responses.
    pub role_conflicts: u64,
    /// Dropped: begins like STUN and cannot be read, or its FINGERPRINT is wrong.
    pub malformed: u64,
    /// Dropped: a request without the attributes that RFC 8445 §7.1 asks for.
    pub bad_request: u64,
    /// Dropped: a request whose MESSAGE-INTEGRITY does not fit our password.
    pub bad_request_integrity: u64,
    /// Dropped: a response whose MESSAGE-INTEGRITY is missing or does not fit the peer's password.
    pub bad_response_integrity: u64,
    /// Dropped: a response to no request of ours, or to one answered before.
    pub unexpected_response: u64,
    /// Dropped: a response that came another way than its request went (RFC 8445 §7.2.5.2.1).
    pub asymmetric_response: u64,
    /// Dropped: data on a path without a valid pair.
    pub data_before_valid: u64,
    /// Dropped: a frame to go through a relay that did not take it, because it or its permission is
    /// gone.
    pub relay_refused: u64,
    /// Dropped: a frame of a TURN server that it had no reason to send, or from a peer that the relay
    /// has no address for.
    pub relay_dropped: u64,
    /// Dropped: a pair or a candidate beyond its bound.
    pub over_bound: u64,
    /// Frames that were not written because too many waited undrained.
    pub output_overflow: u64,
    /// Events that were lost because too many waited undrained.
    pub event_overflow: u64,
}
