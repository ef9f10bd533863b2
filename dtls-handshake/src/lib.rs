//! Sans-IO DTLS with use_srtp and key export: see [`Connection`].
#![forbid(unsafe_code)]

mod config;
mod connection;
mod crypto;
mod error;
mod event;
mod fingerprint;
mod handshake;
mod identity;
mod message;
mod peer;
mod record;
mod stats;
mod suite;
#[doc(hidden)]
pub mod testing;
mod v12;
mod wire;

pub use config::Config;
pub use connection::Connection;
pub use crypto::HashAlgorithm;
pub use error::{CloseCause, ExportError, IdentityError, Parameter, SendError};
pub use event::{Connected, Event, Handled, Version};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use identity::Identity;
pub use peer::VerifiedPeer;
pub use record::is_dtls;
pub use stats::{DropReason, Stats};
pub use wire::{AlertDescription, CipherSuite};
