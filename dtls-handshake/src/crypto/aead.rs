//! Authenticated encryption of records.

use core::fmt;

use super::Refused;
use super::library::aead;

/// The length of the tag of every AEAD here, in bytes.
pub(crate) const TAG_LENGTH: usize = 16;
/// The length of the nonce of every AEAD here, in bytes.
pub(crate) const NONCE_LENGTH: usize = 12;

/// Which AEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AeadAlgorithm {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl AeadAlgorithm {
    /// The longest key of all, in bytes.
    pub(crate) const MAX_KEY_LENGTH: usize = 32;

    /// The length of the key in bytes.
    pub(crate) fn key_length(self) -> usize {
        self.algorithm().key_len()
    }

    fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// A key for one direction.
pub(crate) struct Aead(aead::LessSafeKey);

impl Aead {
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, Refused> {
        Ok(Self(aead::LessSafeKey::new(aead::UnboundKey::new(
            algorithm.algorithm(),
            key,
        )?)))
    }

    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LENGTH],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<impl AsRef<[u8]> + use<>, Refused> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        Ok(self
            .0
            .seal_in_place_separate_tag(nonce, aead::Aad::from(aad), in_out)?)
    }

    /// Decrypts in place what is followed by its tag, and returns the plaintext.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE_LENGTH],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], Refused> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        Ok(self.0.open_in_place(nonce, aead::Aad::from(aad), in_out)?)
    }
}

impl fmt::Debug for Aead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aead")
    }
}
