//! The record layer of both versions: epochs, sequence numbers, protection, replay windows
//! (RFC 6347 §4.1, RFC 9147 §4).
//!
//! A direction has several epochs at a time: what was sent in one is sent again in it
//! (RFC 9147 §4.2.1), and what comes late comes in an old one. Each epoch has keys, numbers and a
//! window of its own.

mod ciphertext;
mod header;
mod keys;
mod layer;
mod number;
mod protection;
mod window;

pub(crate) use ciphertext::{Ciphertext, UnifiedHeader};
pub(crate) use header::{RECORD_HEADER_LENGTH, Record, RecordHeader, Records};
pub use header::{connection_id, is_dtls};
pub(crate) use keys::Keys;
pub(crate) use layer::{OpenedRecord, RecordLayer, Wear};
pub(crate) use number::{RecordNumber, reconstruct};
pub(crate) use protection::Protection;

/// The epoch of the unprotected part of the handshake.
pub(crate) const PLAIN: u64 = 0;
/// The epoch that a handshake of DTLS 1.2 leads to; renegotiation, which is refused, would lead
/// further.
pub(crate) const PROTECTED: u64 = 1;
/// The epoch of the protected part of a handshake of DTLS 1.3 (RFC 9147 §6.1).
pub(crate) const HANDSHAKE: u64 = 2;
/// The first epoch of data in DTLS 1.3; each key update leads one further.
pub(crate) const DATA: u64 = 3;
