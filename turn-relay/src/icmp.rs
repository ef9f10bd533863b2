//! What came back in place of an answer.

/// An ICMP message about something sent (RFC 8656 §18.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Its type, of ICMP or ICMPv6 as the peer's address is.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Where something was too big: the MTU of the next hop, in bytes. Otherwise 0.
    pub data: u32,
}
