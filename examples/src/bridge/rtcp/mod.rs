//! RTCP (RFC 3550 §6): the packets, read from a compound and appended to one.
//!
//! Reading borrows, and checks every length before anything is told. Of what others send, only
//! reports and BYE have a meaning here; all else (feedback, extended reports, names) is passed
//! over. Writing appends one packet at a time; a compound is a report, a CNAME and, at the end of
//! a call, a BYE.

mod read;
mod write;

pub use read::{Packet, Packets, ReportBlocks, Sources, read};
pub use write::{bye, cname, receiver_report, sender_report};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// Octets of a report block.
const BLOCK_LEN: usize = 24;

/// What a sender says of itself (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall-clock time, in 2^-32 s since 1900.
    pub ntp: u64,
    /// The same moment in the clock of the stream.
    pub timestamp: u32,
    /// RTP packets sent so far.
    pub packets: u32,
    /// Their payload, in octets.
    pub octets: u32,
}

/// What a receiver says of one source (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Packets lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Packets lost so far; fewer than none where packets came twice. 24 bits on the wire.
    pub lost: i32,
    /// The highest sequence number, with the number of cycles in the upper half.
    pub highest_sequence: u32,
    /// The interarrival jitter, in the clock of the stream.
    pub jitter: u32,
    /// The middle 32 bits of the NTP time of the source's last sender report; 0 if none came.
    pub last_report: u32,
    /// Since that report came, in 2^-16 s.
    pub delay: u32,
}
