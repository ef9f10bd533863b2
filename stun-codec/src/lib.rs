//! STUN messages (RFC 8489), the ICE attributes (RFC 8445), and the paths they travel on.
//!
//! This crate reads and writes messages; it opens no socket and reads no clock.
//!
//! - [`Message::parse`] borrows a datagram and checks its structure and its FINGERPRINT.
//!   [`Message::attribute`] reads one typed attribute; unknown ones stay readable as
//!   [`RawAttribute`].
//! - [`Message::verify`] turns a message into [`Verified`], the proof that its sender knew the
//!   [`IntegrityKey`].
//! - [`Builder`] appends a message to the caller's buffer, closes it with MESSAGE-INTEGRITY and
//!   FINGERPRINT, and allocates nothing of its own.
//! - [`credentials`] is the long-term mechanism on both sides: 401, 438 and their nonces.
//! - [`discovery`] finds out how a NAT maps and filters, and answers those who want to (RFC 5780).
//! - [`respond`] answers a Binding request without any state.
//! - [`transaction::Transaction`] (feature `std`) retransmits a request until its answer comes.
//! - [`path`] names where frames come from and go to, for every state machine that builds on STUN.
//!
//! Without the default feature `std` the crate is `no_std` and needs `alloc`; only [`transaction`],
//! the server's side of [`credentials`] and the asking side of [`discovery`] are missing then.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod attribute;
pub mod credentials;
pub mod discovery;
pub mod opening;
pub mod path;
pub mod stream;
#[cfg(feature = "std")]
pub mod transaction;

mod attribute_type;
mod builder;
mod channel_data;
mod crypto;
mod error;
mod integrity;
mod message;
mod message_type;
mod raw;
mod reader;
mod responder;
mod transaction_id;

pub use attribute::{Decode, Encode, RawAttribute};
pub use attribute_type::{AttributeType, Usage};
pub use builder::{Builder, Sealed, ValueWriter};
pub use channel_data::ChannelData;
pub use error::{DecodeError, EncodeError, VerifyError};
pub use integrity::{Algorithm, IntegrityKey, Verified};
pub use message::{Message, is_stun};
pub use message_type::{Class, Method};
pub use opening::{Close, Family, Local, Open, OpenError, Port, Wanted};
pub use path::{HEADROOM, Handled, Path, Received, SocketId, Transmit, Transport};
pub use raw::{Attributes, UnknownRequired};
pub use responder::respond;
#[cfg(feature = "std")]
pub use transaction::{Outcome, Timing, Transaction};
pub use transaction_id::TransactionId;
