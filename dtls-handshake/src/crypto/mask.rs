//! The mask that record numbers of DTLS 1.3 are encrypted with (RFC 9147 §4.2.3).

use core::fmt;

use super::library::aead::quic;
use super::{AeadAlgorithm, Refused};

/// How much of the ciphertext the mask is made from, in bytes.
pub(crate) const SAMPLE_LENGTH: usize = 16;

/// The key of one direction in one epoch. QUIC masks its packet numbers the same way
/// (RFC 9001 §5.4), so that the library has it by that name.
pub(crate) struct MaskKey(quic::HeaderProtectionKey);

impl MaskKey {
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self, Refused> {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &quic::AES_128,
            AeadAlgorithm::Aes256Gcm => &quic::AES_256,
            AeadAlgorithm::ChaCha20Poly1305 => &quic::CHACHA20,
        };
        Ok(Self(quic::HeaderProtectionKey::new(algorithm, key)?))
    }

    /// The first two bytes of the mask: record numbers travel with no more.
    pub(crate) fn mask(&self, sample: &[u8; SAMPLE_LENGTH]) -> Result<[u8; 2], Refused> {
        let [a, b, ..] = self.0.new_mask(sample)?;
        Ok([a, b])
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9001 A.2.
    #[test]
    fn the_mask_of_quic_is_the_mask_of_dtls() {
        let key = hex::decode("9f50449e04a0e810283a1e9933adedd2").unwrap();
        let sample = hex::decode("d1b1c98dd7689fb8ec11d242b123dc9b").unwrap();
        let mask = MaskKey::new(AeadAlgorithm::Aes128Gcm, &key).unwrap();
        assert_eq!(mask.mask(&sample.try_into().unwrap()), Ok([0x43, 0x7B]));
    }
}
