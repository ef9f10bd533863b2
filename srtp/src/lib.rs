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
//! 2. For each packet to send, leave [`TRAILER_MAX`] bytes behind it, and with an MKI its length on
//!    top ([`Sender::rtp_overhead`]), and call [`Sender::protect_rtp`] or [`Sender::protect_rtcp`].
//! 3. For each packet that arrives, ask [`is_rtp_or_rtcp`] and [`is_rtcp`] where it belongs, then
//!    call [`Receiver::unprotect_rtp`] or [`Receiver::unprotect_rtcp`].
//! 4. Now and then ask `poll_event` of both: it tells when a master key is nearly used up, in time
//!    to give the receiver the next one ([`Receiver::add_key`]) and then the sender
//!    ([`Sender::change_key`]).
//!
//! A packet that is refused is an `Err` that says why, is counted in `stats()`, and changes no
//! other state: no stream appears, no roll-over counter and no replay window moves.
//!
//! # Roll-over counters
//!
//! The index of an RTP packet has 48 bits: a roll-over counter (ROC) above the sequence number.
//! Only the latter stands in the packet, so both sides count roll-overs for each SSRC
//! (RFC 3711 §3.3.1). The rules, for [`Sender`] and [`Receiver`] alike:
//!
//! - A stream begins with its first packet, at ROC 0, whatever its sequence number. If it begins just
//!   before its first roll-over and the packets up to it are lost, the receiver is one roll-over
//!   behind (RFC 3711 §3.3.1): a source that begins below 2^15 is safe from that.
//! - From there on the index of a packet is the one nearest to the highest so far, among the ROC of
//!   that one, one less and one more. At a distance of exactly 2^15 it is taken to be of the same
//!   ROC. So a stream is followed over leaps of up to 2^15 - 1 numbers (11 minutes of audio lost, at
//!   50 packets a second), and over silence of any length, in which no sequence number is used.
//! - `roc` reads the ROC of the highest index. `set_roc` says the ROC of the next packet, whatever
//!   its sequence number: of a stream that begins late (what the signalling or the former holder of
//!   the stream knows), or of one that has lost count. It may go up and not down, so that no
//!   index is used twice. The present one, told again, helps over a leap within a roll-over; a
//!   sequence number that is not ahead is followed as ever, as the telling may have come just
//!   before a roll-over.
//! - A receiver has lost count after a leap of 2^15 numbers or more, lost or never sent: packets
//!   are refused as [`WrongTag`](UnprotectError::WrongTag), or as
//!   [`TooOld`](UnprotectError::TooOld) when the nearest index lies behind the window. It does not
//!   try other counters by itself: each try would be one more guess for a forger, and one more
//!   tag to compute. `set_roc` helps, or a new SSRC.
//! - A sender whose source leaps back, or forth by more than 2^15, is refused
//!   ([`SequenceTooOld`](ProtectError::SequenceTooOld) or
//!   [`SequenceReused`](ProtectError::SequenceReused)). `set_roc` with the next ROC lets it go on,
//!   if the receivers are told the same; a new SSRC needs no telling.
//! - A change of keys resets nothing (RFC 3711 §3.3.1). A stream that was
//!   [forgotten](Receiver::forget_idle) begins anew. So does every stream when a session description
//!   moves the media to another address with a new key (RFC 4568 §7.1.4): that takes a new
//!   [`Sender`] and [`Receiver`].
//! - After ROC 2^32 - 1 there is none: [`KeyExhausted`](UnprotectError::KeyExhausted).
//!
//! SRTCP packets carry their index, of 31 bits; there is nothing to estimate, and
//! [`Sender::set_next_rtcp_index`] continues what another sender has begun.
//!
//! # Limits
//!
//! What it is not: it knows no DTLS, and of SDP the value of `a=crypto` alone. It does not look into
//! RTCP or at RTP padding.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
#[cfg(feature = "bytes")]
mod bytes_mut;
mod config;
mod crypto;
mod demux;
mod derive;
mod error;
mod event;
mod export;
mod header;
mod header_extension;
#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod internals;
mod key;
mod key_ring;
mod key_use;
mod last_index;
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

pub use batch::BatchPacket;
pub use config::Config;
pub use demux::{is_rtcp, is_rtp_or_rtcp};
pub use error::{
    AddKeyError, ConfigError, KeyError, Malformed, ProtectError, SetIndexError, UnknownProfile,
    UnprotectError,
};
pub use event::Event;
pub use export::{ExportedKeys, keys_from_dtls_export};
pub use header::RtpHeader;
pub use header_extension::{ExtensionIds, HeaderExtensions};
pub use key::MasterKey;
pub use profile::{Profile, TRAILER_MAX};
pub use receiver::Receiver;
pub use sdes::{
    CryptoAttribute, CryptoSuite, FecOrder, InlineKey, Lifetime, Mki, SdesError, SdesKeyError,
    SessionExtension, SessionParameter,
};
pub use sender::Sender;
pub use stats::{ReceiverStats, SenderStats};
