//! What became of a packet.

use stun_codec::Transmit;

use crate::indication;

/// Bytes that a caller of [`Relay::handle_packet`](super::Relay::handle_packet) leaves free behind a
/// frame, for the padding of a Data indication (RFC 8489 §14).
pub const TAILROOM: usize = indication::TAILROOM;

/// What [`Relay::handle_packet`](super::Relay::handle_packet) did with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Relayed {
    /// It goes on: which range of the same buffer, and on which path. There is nothing to drain.
    To(Transmit),
    /// The same, and no router may fragment it (RFC 8656 §14). Only where
    /// [`Config::with_dont_fragment`](super::Config::with_dont_fragment) says that this can be done.
    ToWhole(Transmit),
    /// It was taken. Drain transmits and events, then read the timeout.
    Consumed,
    /// It was bad or not allowed; counted by reason in [`Stats`](super::Stats).
    Dropped,
    /// It is neither STUN nor ChannelData, or came at a socket that is not known here; nothing was
    /// changed.
    NotMine,
    /// It is for the worker of this index, not for the one that was asked. Hand it over as it is, with a path on which that worker can answer; where it
    /// came on a connection, together with the connection. Over UDP the same is said of all that its
    /// client sends from then on.
    Elsewhere(u8),
}
