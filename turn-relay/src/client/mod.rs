//! The client of a relay: one [`Allocation`], from the first request to its release.
//!
//! ```text
//!            Open            handle_opened         success
//!  new() ──► Opening ──────────► Allocating ──────────► Live ───► Releasing ──► Ended
//!               ▲                   │  401, 438: again    │ refreshed,           ▲
//!               └───────────────────┘                     │ moved (RFC 8016)     │
//!          300: the other server                          └──────────────────────┘
//!          437: another local port                          expired, lost, refused
//! ```
//!
//! - *Opening*: the driver was asked for a socket to the server, and has not answered.
//! - *Allocating*: an Allocate request is under way, without credentials first (RFC 8656 §7.1).
//! - *Live*: there is a relayed address. The machine keeps it, its permissions and its channels by
//!   requests of its own; what the owner wanted before is asked for now.
//! - *Releasing*: a Refresh with lifetime 0 is under way (RFC 8656 §8).
//! - *Ended*: [`Event::Ended`] said why. Nothing more happens, every socket was told to close.
//!
//! Each request is a [`stun_codec::Transaction`] with a purpose; its answer is read for that purpose
//! alone. An answer that does not prove to know the password counts as never seen, except 401 and
//! 438, which cannot prove it (RFC 8489 §9.2.5).
//!
//! Data goes the way that costs least: by ChannelData where a channel is bound, else by a Send
//! indication where the peer is permitted; over the peer's own connection where the relayed address
//! is one for TCP (RFC 6062).

mod allocation;
mod answer;
mod channels;
mod config;
mod event;
mod inbound;
mod lease;
mod login;
mod media;
mod mobility;
mod peers;
mod permissions;
mod phase;
mod refusal;
mod requests;
mod sockets;
mod stats;
mod streams;
mod wire;

pub use crate::icmp::Icmp;
pub use allocation::Allocation;
pub use config::{Config, ConfigError, Families};
pub use event::{Allocated, Cause, Event, Missing, Redirect};
pub use media::{SendError, TAILROOM};
pub use peers::PeerError;
pub use stats::Stats;
