//! What passed a bridge, how well, and what was dropped, by reason.

use std::ops::AddAssign;
use std::time::Duration;

use super::reception::Reception;
use super::reporter::Reporter;
use crate::session;

/// Statistics of one call.
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

impl Stats {
    /// Whether nothing came from either side but ICE, and nothing was sent to one.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let directions = [&self.to_phone, &self.to_browser];
        self.session == session::Stats::default()
            && directions.map(|direction| direction.counts) == [Counts::default(); 2]
    }
}

/// Statistics of one direction: from the side that speaks to us, and from us to the side that
/// listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Direction {
    /// What can be added up.
    pub counts: Counts,
    /// How unevenly packets arrive here: the interarrival jitter of the speaking side's present
    /// source (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// What the listening side last reported of the packets that we send it. `None` until it does;
    /// many phones never do.
    pub reported: Option<Reported>,
}

impl Direction {
    /// These counts, with what is known of the way from the side that speaks and to the one that
    /// listens.
    pub(super) fn between(&self, from: &Reception, to: &Reporter) -> Self {
        let counts = Counts {
            lost: from.lost(),
            ..self.counts
        };
        Self {
            counts,
            jitter: from.jitter(),
            reported: to.reported(),
        }
    }

    pub(super) fn drop(&mut self, reason: DropReason) {
        self.counts.drops.count(reason);
    }
}

/// Counters of one direction. They only grow, but for `lost`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// RTP that arrived from the speaking side, whatever became of it. Without what was dropped
    /// before it was known to be the speaking side's RTP.
    pub received: Traffic,
    /// RTP sent on to the listening side.
    pub sent: Traffic,
    /// Packets of the speaking side that have not arrived here, by its sequence numbers. Fewer
    /// again when one comes late.
    pub lost: u64,
    /// RTCP datagrams of the speaking side. They end at the bridge.
    pub rtcp: u64,
    /// RTCP packets of our own, sent to the listening side.
    pub rtcp_sent: u64,
    /// Times that the phone was found to send from another port than its SDP names.
    pub learned: u64,
    /// What was not sent on.
    pub drops: Drops,
}

/// Packets and what they carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// RTP packets.
    pub packets: u64,
    /// Their payload, in octets.
    pub octets: u64,
}

/// What a receiver says about the packets that we send it, in RTCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// Packets that never arrived there, of all that we sent.
    pub lost: u64,
    /// How unevenly they arrive there.
    pub jitter: Duration,
    /// From us to there and back, once it has answered a report of ours.
    pub round_trip: Option<Duration>,
}

/// Why a datagram was not sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It is no RTP, or no RTCP, packet.
    Malformed,
    /// Its payload type was not agreed on with the side it came from or has none on the other.
    PayloadType,
    /// It came from another address than the phone's SDP names.
    WrongSource,
    /// The phone has not told where media goes.
    TooEarly,
    /// The listening side has said that it takes no media now.
    NotWanted,
    /// It came twice.
    Duplicate,
    /// It came too late to be told from a packet of another source.
    TooLate,
    /// The browser's side is not connected.
    NotConnected,
}

impl DropReason {
    /// All reasons, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::PayloadType,
        Self::WrongSource,
        Self::TooEarly,
        Self::NotWanted,
        Self::Duplicate,
        Self::TooLate,
        Self::NotConnected,
    ];

    /// The name in logs, metrics and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::PayloadType => "payload_type",
            Self::WrongSource => "wrong_source",
            Self::TooEarly => "too_early",
            Self::NotWanted => "not_wanted",
            Self::Duplicate => "duplicate",
            Self::TooLate => "too_late",
            Self::NotConnected => "not_connected",
        }
    }
}

/// Datagrams dropped, by reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    /// The datagrams dropped for one reason.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Every reason with its count, also where that is 0.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0)
    }

    pub(super) fn count(&mut self, reason: DropReason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

impl std::fmt::Debug for Drops {
    /// Only what happened.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let happened = self.iter().filter(|(_, count)| *count > 0);
        f.debug_map()
            .entries(happened.map(|(reason, count)| (reason.name(), count)))
            .finish()
    }
}

impl Traffic {
    pub(super) fn count(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Self) {
        self.packets += more.packets;
        self.octets += more.octets;
    }
}

impl AddAssign for Drops {
    fn add_assign(&mut self, more: Self) {
        for (count, more) in self.0.iter_mut().zip(more.0) {
            *count += more;
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.received += more.received;
        self.sent += more.sent;
        self.lost += more.lost;
        self.rtcp += more.rtcp;
        self.rtcp_sent += more.rtcp_sent;
        self.learned += more.learned;
        self.drops += more.drops;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_media_is_silent_though_ice_was_at_work() {
        let mut stats = Stats::default();
        stats.ice.checks_sent = 5;
        assert!(stats.is_silent());
        let mut dropped = stats;
        dropped.to_browser.drop(DropReason::WrongSource);
        let mut refused = stats;
        refused.session.srtp_refused = 1;
        assert!(!dropped.is_silent() && !refused.is_silent());
    }

    #[test]
    fn drops_are_counted_added_and_shown_by_name() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason:?}");
            let mut drops = Drops::default();
            drops.count(reason);
            drops += drops;
            assert_eq!(drops.of(reason), 2);
            assert_eq!(format!("{drops:?}"), format!("{{{:?}: 2}}", reason.name()));
        }
    }
}
