//! A network in virtual time: hosts, NATs and firewalls, datagrams that are lost, repeated, delayed,
//! overtaken and corrupted on their way, and connections. It serves the tests and examples of this workspace.
//!
//! - [`Network`] carries datagrams between hosts. Time is told to it, and it says when the next
//!   datagram arrives; nothing sleeps.
//! - [`Weather`] is what happens to datagrams under way.
//! - [`NatKind`] is how a NAT maps and filters (RFC 4787), [`Firewall`] what gets through at all.
//! - [`StreamId`] is an end of a connection, as TCP makes it.
//! - [`Dice`] are the numbers that it draws. One seed gives the same network every time.
//!
//! It knows no protocol: a datagram is bytes between two socket addresses. It knows
//! no queues that fill up and no largest datagram either.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dice;
mod firewall;
mod nat;
mod network;
mod stream;
mod topology;
mod weather;

pub use dice::Dice;
pub use firewall::{Firewall, Ports};
pub use nat::{Dependence, NatKind};
pub use network::{Counts, Datagram, Network};
pub use stream::{CONNECT_TIMEOUT, StreamEvent, StreamId};
pub use topology::{HostId, NatId};
pub use weather::Weather;
