//! TURN (RFC 8656): relayed addresses for those who cannot be reached directly.
//!
//! [`client::Allocation`] is the client, [`server::Relay`] the server. Neither opens a socket, reads a
//! clock, or draws randomness of its own.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;
pub mod server;

mod icmp;
mod indication;
mod random;

pub use stun_codec::stream::Framing;
pub use stun_codec::{
    Close, Family, HEADROOM, Handled, Local, Open, OpenError, Path, Port, Received, SocketId,
    Transmit, Transport, Wanted,
};
