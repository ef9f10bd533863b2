//! Cryptography. Only this folder names the libraries behind it: ring or aws-lc-rs, by feature.
//!
//! Ephemeral keys and ECDSA nonces come from the library's own system randomness: it takes no
//! other. Everything else that is random comes from the seed of the connection.

mod aead;
mod agreement;
mod certificate;
mod generate;
mod hash;
mod hkdf;
mod kem;
mod library;
mod mac;
mod mask;
mod pem;
mod prf;
mod secret;
mod share;
mod signature;
mod signing;
#[cfg(test)]
mod wycheproof_tests;

pub(crate) use aead::{Aead, AeadAlgorithm, NONCE_LENGTH, TAG_LENGTH};
pub(crate) use agreement::KeyExchange;
pub(crate) use certificate::public_key;
pub(crate) use generate::generate_self_signed;
pub use hash::HashAlgorithm;
pub(crate) use hash::RunningHash;
pub(crate) use hkdf::{Expander, MAX_LABEL_LENGTH, hkdf_extract, hmac};
pub(crate) use mac::{MAC_LENGTH, MacKey};
pub(crate) use mask::{MaskKey, SAMPLE_LENGTH};
pub(crate) use pem::{PrivateKey, read_certificates, read_private_key};
pub(crate) use prf::prf;
pub(crate) use secret::Secret;
pub(crate) use share::{ClientShare, GROUPS, answer_share};
pub(crate) use signature::{KeyKind, PublicKey};
pub(crate) use signing::SigningKey;

/// The library refused: a key, point, signature or tag is not acceptable, or the system has no
/// randomness. It says no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl From<library::error::Unspecified> for Refused {
    fn from(_: library::error::Unspecified) -> Self {
        Self
    }
}

impl From<library::error::KeyRejected> for Refused {
    fn from(_: library::error::KeyRejected) -> Self {
        Self
    }
}
