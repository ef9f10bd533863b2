//! What a bridge is made from, and what it answers and tells.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use super::{Formats, ReportConfig, Rewriter};
use crate::session::{self, Session};

/// What a bridge is made from.
#[derive(Debug)]
pub struct BridgeConfig {
    /// The browser's side.
    pub session: Session,
    /// The payload types agreed with the browser.
    pub browser: Formats,
    /// What is sent to the browser.
    pub to_browser: Rewriter,
    /// What is sent to the phone.
    pub to_phone: Rewriter,
    /// What both are told in RTCP.
    pub reports: ReportConfig,
    /// Whether a phone may send from another port than its SDP names: the first from which it is
    /// heard after it has told its media, and only before it is heard from the one it told.
    pub learn_phone_address: bool,
    /// A phone that sends nothing for so long is gone.
    pub silence: Duration,
}

/// What became of a datagram of the browser.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum FromBrowser {
    /// It belongs to somebody else; nothing was changed.
    NotMine,
    /// It was bad, not allowed or has nowhere to go, and was counted.
    Dropped,
    /// It was taken. Drain.
    Consumed,
    /// It goes on to the phone: this range of the caller's buffer.
    ToPhone {
        /// The phone's RTP address.
        remote: SocketAddr,
        /// The RTP packet.
        range: Range<usize>,
    },
}

/// A port of the phone leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhonePort {
    /// Where RTP arrives, and RTCP if it is multiplexed.
    Rtp,
    /// Where RTCP arrives.
    Rtcp,
}

/// A datagram of our own for the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToPhone {
    /// The port that it leaves from.
    pub port: PhonePort,
    /// Where it goes.
    pub remote: SocketAddr,
    /// Where it stands in the caller's buffer.
    pub range: Range<usize>,
}

/// What a bridge tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Of the browser's side.
    Session(session::Event),
    /// The phone has sent nothing for the configured time. Told once.
    PhoneSilent(Duration),
}
