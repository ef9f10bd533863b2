//! Hash functions.

use core::fmt;

use super::library::{digest, hmac};

/// A hash function that certificates may be fingerprinted with (RFC 8122 §5) and key schedules
/// are built on. SHA-1 and MD5 are not here: they no longer prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in SDP (RFC 8122 §5), such as `sha-256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The length of a hash value in bytes: 32, 48 or 64.
    #[must_use]
    pub fn output_length(self) -> usize {
        self.digest_algorithm().output_len()
    }

    pub(crate) fn hash(self, data: &[u8]) -> impl AsRef<[u8]> + use<> {
        digest::digest(self.digest_algorithm(), data)
    }

    fn digest_algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    pub(super) fn hmac_algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// A hash of what is not complete yet.
#[derive(Clone)]
pub(crate) struct RunningHash(digest::Context);

impl RunningHash {
    pub(crate) fn new(hash: HashAlgorithm) -> Self {
        Self(digest::Context::new(hash.digest_algorithm()))
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The hash of what has come so far.
    pub(crate) fn value(&self) -> impl AsRef<[u8]> + use<> {
        self.0.clone().finish()
    }
}

impl fmt::Debug for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningHash")
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
