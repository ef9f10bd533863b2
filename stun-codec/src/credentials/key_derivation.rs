//! How a key is made of a password (RFC 8489 §18.5).

use core::fmt;

use crate::IntegrityKey;
use crate::attribute::PasswordAlgorithm;

/// How the key of a long-term credential is made of its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// RFC 8489 §18.5.1.1: all that RFC 5389 knew.
    Md5,
    /// RFC 8489 §18.5.1.2.
    Sha256,
}

impl KeyDerivation {
    /// The key. All three must be prepared (see [`prepare`](super::prepare)).
    #[must_use]
    pub fn key(self, username: &str, realm: &str, password: &str) -> IntegrityKey {
        match self {
            Self::Md5 => IntegrityKey::long_term(username, realm, password),
            Self::Sha256 => IntegrityKey::long_term_sha256(username, realm, password),
        }
    }

    /// The attribute that names it.
    #[must_use]
    pub const fn attribute(self) -> PasswordAlgorithm<'static> {
        match self {
            Self::Md5 => PasswordAlgorithm::MD5,
            Self::Sha256 => PasswordAlgorithm::SHA256,
        }
    }

    /// The one that an attribute names, if it is known here. Neither has parameters.
    #[must_use]
    pub fn of(attribute: PasswordAlgorithm<'_>) -> Option<Self> {
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|known| known.attribute() == attribute)
    }
}

impl fmt::Display for KeyDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        })
    }
}
