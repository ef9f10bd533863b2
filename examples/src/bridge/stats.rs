//! What passed a bridge and what was dropped, by reason.

use crate::session;

/// Counters of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// From the browser to the phone.
    pub to_phone: Direction,
    /// From the phone to the browser.
    pub to_browser: Direction,
    /// What the browser's session dropped before it was RTP.
    pub session: session::Stats,
    /// What ICE did on the browser's side.
    pub ice: ice_agent::Stats,
}

/// Counters of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Direction {
    /// RTP packets sent on.
    pub packets: u64,
    /// Their payload octets.
    pub octets: u64,
    /// RTCP datagrams, which end at the bridge.
    pub rtcp: u64,
    /// Dropped: no RTP packet.
    pub malformed: u64,
    /// Dropped: a payload type that was not agreed on.
    pub payload_type: u64,
    /// Dropped: from another address than the SDP names.
    pub wrong_source: u64,
    /// Dropped: the phone has not told where media goes.
    pub too_early: u64,
    /// Dropped: the phone has said that it takes no media now.
    pub not_wanted: u64,
    /// Dropped: the browser's side is not connected, or the packet came twice.
    pub not_sent: u64,
}

impl Direction {
    pub(super) fn forwarded(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }
}
