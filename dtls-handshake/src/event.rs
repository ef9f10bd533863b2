//! What a connection tells its owner.

use core::fmt;

use crate::error::CloseCause;
use crate::peer::VerifiedPeer;
use crate::wire::{CipherSuite, Group};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is complete and the peer is who it should be. At most once.
    Connected(Connected),
    /// The connection is over. The last event. Data that came before can still be read with
    /// [`poll_data`](crate::Connection::poll_data), and what is to be said to the peer still comes
    /// out of [`poll_transmit`](crate::Connection::poll_transmit).
    Closed(CloseCause),
}

/// What the handshake settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// Who is on the other side: the proof that exporting keys takes.
    pub peer: VerifiedPeer,
    /// The protection profile for SRTP by its registered number (RFC 5764 §4.1.2); `None` when
    /// the two sides have none in common or do not use the extension.
    pub srtp_profile: Option<u16>,
    /// The master key identifier that stands in each packet of SRTP; empty when there is none
    /// (RFC 5764 §4.1.3).
    pub srtp_mki: Vec<u8>,
    /// The cipher suite of the records.
    pub cipher_suite: CipherSuite,
    /// The protocol version.
    pub version: Version,
    /// The group of the key exchange.
    pub group: Group,
}

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// DTLS 1.2 (RFC 6347).
    Dtls12,
    /// DTLS 1.3 (RFC 9147).
    Dtls13,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dtls12 => "DTLS 1.2",
            Self::Dtls13 => "DTLS 1.3",
        })
    }
}

/// What a change of keys asks of the peer (RFC 8446 §4.6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyUpdateRequest {
    /// Nothing: the keys of one direction change.
    NotRequested,
    /// To change its keys as well.
    Requested,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Handled {
    /// Nothing in it counted; the reasons are in [`stats`](crate::Connection::stats).
    Dropped,
    /// It was taken, at least in part: drain transmits, events and data, then read the timeout.
    Consumed,
}
