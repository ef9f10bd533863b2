//! SRTP and SRTCP (RFC 3711, RFC 7714) in place.
//!
//! A [`Sender`] turns RTP and RTCP packets into SRTP and SRTCP, a [`Receiver`] turns them back.
//! Both are plain values: packets in, packets out, in the caller's buffer, without allocation per
//! packet, without sockets, clocks or threads. Each holds the keys of one direction and the state
//! of every stream (SSRC) of that direction.
//!
//! How to drive it:
//! 1. Make a [`MasterKey`] for each direction: from a DTLS export ([`keys_from_dtls_export`]), from
//!    an `a=crypto` attribute ([`CryptoAttribute`]) or from key and salt bytes.
//! 2. For each packet to send, leave [`TRAILER_MAX`] bytes behind it and call
//!    [`Sender::protect_rtp`] or [`Sender::protect_rtcp`].
//! 3. For each packet that arrives, ask [`is_rtp_or_rtcp`] and [`is_rtcp`] where it belongs, then
//!    call [`Receiver::unprotect_rtp`] or [`Receiver::unprotect_rtcp`].
//! 4. Now and then ask `poll_event` of both: it tells when a master key is nearly used up, in time
//!    to give the receiver the next one ([`Receiver::add_key`]) and then the sender
//!    ([`Sender::change_key`]).
//!
//! A packet that is refused is an `Err` that says why, is counted in `stats()`, and changes no
//! other state: no stream appears, no roll-over counter and no replay window moves.
//!
//! What it is not: it knows no DTLS, and of SDP the value of `a=crypto` alone. It does not look into
//! RTCP or at RTP padding.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod crypto;
mod demux;
mod derive;
mod error;
mod export;
mod header;
#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod internals;
mod key;
mod key_ring;
mod key_use;
mod packet_index;
mod profile;
mod receiver;
mod replay;
mod rtp_stream;
mod sdes;
mod sender;
mod stats;
mod stream_table;
mod transform;

pub use config::Config;
pub use demux::{is_rtcp, is_rtp_or_rtcp};
pub use error::{
    AddKeyError, ConfigError, KeyError, Malformed, ProtectError, SetIndexError, UnknownProfile,
    UnprotectError,
};
pub use export::{ExportedKeys, keys_from_dtls_export};
pub use header::RtpHeader;
pub use key::MasterKey;
pub use key_use::Event;
pub use profile::{Profile, TRAILER_MAX};
pub use receiver::Receiver;
pub use sdes::{
    CryptoAttribute, CryptoSuite, FecOrder, InlineKey, Lifetime, Mki, SdesError, SdesKeyError,
    SessionExtension, SessionParameter,
};
pub use sender::Sender;
pub use stats::{ReceiverStats, SenderStats};
