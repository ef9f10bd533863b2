//! The server of a relay: one [`Relay`] for each worker, which shares nothing with the others but
//! [`Quota`].
//!
//! ```text
//! client ── Allocate ──► 401 ── Allocate with credentials ──► Open ── handle_opened ──► success
//!
//!           Send, ChannelData                                   datagrams
//! client ─────────────────────► Relay ─── relayed address ────────────────────► peers
//!           Data, ChannelData
//! ```
//!
//! - Every packet enters by [`Relay::handle_packet`], from clients and from peers alike. Data goes on at
//!   once, in the same buffer: [`Relayed::To`] says which bytes and where. Requests are answered by
//!   [`Relay::poll_transmit`].
//! - An allocation is found by its client's five-tuple (RFC 8656 §3.4), and from peers by the socket
//!   that they sent to: the machine asked for it by [`Event::Open`] and named it.
//! - Whoever has not shown that he is where he says he is costs no memory, and gets no more bytes than he
//!   sends. What he is told is a nonce, which works from his address alone; whoever brings it back is
//!   there.
//! - Whoever has shown who he is gets an allocation if [`Quota`] has room, and reaches the peers that
//!   [`PeerPolicy`] permits.
//! - A connection is told by [`Relay::handle_accepted`] and [`Relay::handle_closed`]; its frames are cut
//!   and padded by [`stun_codec::stream`]. Its allocation ends with it.
//!
//! What expires is looked at when it is due: a worker costs by what it does, not by what it has.

mod allocate;
mod allocation;
mod answer;
mod bandwidth;
mod config;
mod connections;
mod credentials;
mod crypto;
mod event;
mod five_tuple;
mod foreign;
mod icmp;
mod lookup;
mod media;
mod mobility;
mod operator;
mod outbox;
mod peer_requests;
mod peers;
mod policy;
mod quota;
mod ration;
mod refresh;
mod relay;
mod relayed;
mod request;
mod secrets;
mod slots;
mod sockets;
mod special;
mod stats;
mod streams;
mod ticket;
mod timers;

pub use crate::icmp::Icmp;
pub use config::{Config, ConfigError};
pub use credentials::{Credentials, Secret};
pub use event::{
    Allocated, AllocationId, Denied, EndCause, Ended, Event, LoginError, Lookup, LookupId, Refused,
};
pub use policy::PeerPolicy;
pub use quota::Quota;
pub use relay::Relay;
pub use relayed::{Relayed, TAILROOM};
pub use secrets::{Issued, SharedSecrets};
pub use stats::{Refusals, Session, Stats, Traffic};
