//! AES-GCM with a tag of 128 bits.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{Unsealable, WrongTag};

/// Length of the tag in bytes.
pub(crate) const TAG_LEN: usize = 16;

/// An expanded key. (`ring` does not wipe its keys when they are dropped.)
pub(crate) struct AesGcm(LessSafeKey);

impl AesGcm {
    /// Expands a key of 16 or 32 bytes; `None` for any other length.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return None,
        };
        UnboundKey::new(algorithm, key)
            .ok()
            .map(LessSafeKey::new)
            .map(Self)
    }

    /// Encrypts `data` in place and gives its tag. An `iv` is used for one packet only.
    #[inline]
    pub(crate) fn seal(
        &self,
        iv: [u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Unsealable> {
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), data);
        tag.ok()
            .and_then(|tag| tag.as_ref().try_into().ok())
            .ok_or(Unsealable)
    }

    /// Verifies and decrypts `data` in place, whose last bytes are the tag. When the tag is wrong
    /// the contents of `data` are lost.
    #[inline]
    pub(crate) fn open(
        &self,
        iv: [u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<(), WrongTag> {
        let nonce = Nonce::assume_unique_for_key(iv);
        match self.0.open_in_place(nonce, Aad::from(associated), data) {
            Ok(_) => Ok(()),
            Err(_) => Err(WrongTag),
        }
    }
}
