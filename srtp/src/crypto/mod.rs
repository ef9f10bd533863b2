//! The cryptography this crate stands on. No other file names a library for it.

mod aes_cm;
mod aes_gcm;
mod hmac_sha1;
#[cfg(test)]
mod wycheproof_tests;

pub(crate) use aes_cm::AesCm;
pub(crate) use aes_gcm::AesGcm;
pub(crate) use hmac_sha1::HmacSha1;

/// A tag that is not the one of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongTag;

/// A message that the cipher cannot take. Lengths are checked before, so it does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsealable;
