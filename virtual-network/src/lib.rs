//! A network in virtual time: hosts and NATs, and datagrams that are lost, repeated, delayed,
//! overtaken and corrupted on their way. It serves the tests and examples of this workspace.
//!
//! - [`Network`] carries datagrams between hosts. Time is told to it, and it says when the next
//!   datagram arrives; nothing sleeps.
//! - [`Weather`] is what happens to datagrams under way.
//! - [`NatKind`] is how a NAT maps and filters (RFC 4787).
//! - [`Dice`] are the numbers that it draws. One seed gives the same network every time.
//!
//! It knows no protocol: a datagram is bytes between two socket addresses. It knows no streams,
//! no queues that fill up and no largest datagram either.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dice;
mod nat;
mod network;
mod weather;

pub use dice::Dice;
pub use nat::{Dependence, NatKind};
pub use network::{Counts, Datagram, HostId, NatId, Network};
pub use weather::Weather;
