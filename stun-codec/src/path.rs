//! Paths: where a frame came from, where it goes, and what a state machine says about it.
//!
//! These are plain types; they carry no behaviour beyond naming things.
//!
#![doc = include_str!("../CONTRACT.md")]

use core::fmt;
use core::net::SocketAddr;
use core::ops::Range;

/// Bytes that a caller of `send` leaves free in front of its payload: the largest header a path
/// can need, which is a Send indication towards an IPv6 peer with DONT-FRAGMENT (RFC 8656 §10).
pub const HEADROOM: usize = 52;

/// How frames travel on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Transport {
    /// One datagram is one frame.
    Udp,
    /// A byte stream, cut into frames by the driver.
    Tcp,
    /// A byte stream inside TLS, cut into frames by the driver.
    Tls,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}

/// A socket of the driver: the handle both sides use to name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

impl SocketId {
    /// The `number`th socket that a state machine asks for ([`Open`](crate::Open)). A driver names
    /// its own sockets by numbers below 2^63.
    #[must_use]
    pub const fn asked(number: u32) -> Self {
        Self(1 << 63 | number as u64)
    }

    /// Whether a state machine has asked for this socket.
    #[must_use]
    pub const fn is_asked(self) -> bool {
        self.0 >> 63 == 1
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One way for frames to travel: a socket of the driver and the two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// The driver's socket.
    pub id: SocketId,
    /// The address on our side. Never unspecified (`0.0.0.0`): the driver reports the address a
    /// datagram arrived at.
    pub local: SocketAddr,
    /// The address on the other side.
    pub remote: SocketAddr,
    /// How frames travel.
    pub transport: Transport,
}

/// One whole frame that arrived.
#[derive(Debug)]
pub struct Received<'a> {
    /// The way it came.
    pub path: Path,
    /// The frame. It may be changed in place while it is being handled.
    pub data: &'a mut [u8],
}

/// What a state machine did with a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Handled {
    /// It belongs to somebody else; nothing was changed.
    NotMine,
    /// It was bad or not allowed; counted by reason in the machine's `stats()`.
    Dropped,
    /// It was taken. Drain transmits and events, then read the timeout.
    Consumed,
    /// It carries payload for the layer above. There is nothing to drain.
    Data {
        /// The peer the payload comes from: the remote address, or behind a relay the address
        /// that the relay names.
        from: SocketAddr,
        /// Where the payload stands within [`Received::data`].
        range: Range<usize>,
    },
}

/// One frame to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Transmit {
    /// The way it goes.
    pub path: Path,
    /// Where the frame stands in the buffer that the machine wrote to.
    pub range: Range<usize>,
}
