//! TURN (RFC 8656): relayed addresses for those who cannot be reached directly.
//!
//! [`client::Allocation`] is the client. It opens no socket, reads no clock, and draws no randomness
//! of its own.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;

pub use stun_codec::stream::Framing;
pub use stun_codec::{
    Close, Family, HEADROOM, Handled, Local, Open, OpenError, Path, Port, Received, SocketId,
    Transmit, Transport, Wanted,
};
