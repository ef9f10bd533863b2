//! Sans-IO DTLS 1.3 and 1.2 with `use_srtp` and key export.
//!
//! A [`Connection`] is one side: [`Connection::client`] begins, [`Connection::server`] waits. It
//! takes datagrams ([`Connection::handle_datagram`]) and time ([`Connection::handle_timeout`]) and
//! is drained by polling: [`Connection::poll_transmit`], [`Connection::poll_event`],
//! [`Connection::poll_data`], [`Connection::poll_timeout`]. It knows no addresses and does no IO.
//!
//! Each side has an [`Identity`], a self-signed certificate whose [`Fingerprint`] travels in the
//! session description (RFC 8122). The peer's certificate is compared with the fingerprints given
//! to [`Connection::set_peer_fingerprints`] inside the handshake; [`Event::Connected`] carries the
//! proof, a [`VerifiedPeer`], and [`Connection::export_keying_material`] takes it.
//!
//! It is not a general TLS library: there are no certificate authorities, no names, no
//! resumption, and only parameters that are sound today.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod connection;
mod crypto;
mod error;
mod event;
mod fingerprint;
mod handshake;
mod identity;
mod listener;
mod message;
mod negotiation;
mod peer;
mod record;
mod srtp;
mod stats;
mod suite;
#[doc(hidden)]
pub mod testing;
mod v12;
mod v13;
mod wire;

pub use config::{ClientCertificates, Config};
pub use connection::{Connection, SRTP_EXPORTER_LABEL};
pub use crypto::HashAlgorithm;
pub use error::{CloseCause, ExportError, IdentityError, Parameter, SendError, UpdateError};
pub use event::{Connected, Event, Handled, KeyUpdateRequest, Version};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use identity::Identity;
pub use listener::{Admission, Listener};
pub use peer::VerifiedPeer;
pub use record::{connection_id, is_dtls};
pub use stats::{DropReason, ListenerStats, Stats};
pub use wire::{AlertDescription, CipherSuite, Group};
