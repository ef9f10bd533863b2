//! Protection of DTLS 1.2 records with an AEAD (RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 7905 §2).

use super::header::RecordHeader;
use crate::crypto::{Aead, AeadAlgorithm, NONCE_LENGTH, Refused, Secret, TAG_LENGTH};

/// The part of a GCM nonce that comes from the key block.
const SALT_LENGTH: usize = 4;
/// The part of a GCM nonce that travels in front of the ciphertext.
const EXPLICIT_NONCE_LENGTH: usize = 8;

/// The key and nonce of one direction in one epoch.
#[derive(Debug)]
pub(crate) struct Protection {
    aead: Aead,
    nonces: Nonces,
}

/// Where nonces come from.
#[derive(Debug)]
enum Nonces {
    /// RFC 5288 §3: the salt, then eight bytes that travel with the record.
    Explicit(Secret<SALT_LENGTH>),
    /// RFC 7905 §2: the mask with the record number over its end. Nothing travels.
    Masked(Secret<NONCE_LENGTH>),
}

impl Protection {
    /// The most that the key block has for nonces, in bytes.
    pub(crate) const MAX_IV_LENGTH: usize = NONCE_LENGTH;

    /// What the key block has for the nonces of this algorithm, in bytes.
    pub(crate) fn iv_length(algorithm: AeadAlgorithm) -> usize {
        match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => SALT_LENGTH,
            AeadAlgorithm::ChaCha20Poly1305 => NONCE_LENGTH,
        }
    }

    /// Refused when `key` or `iv` have another length than the algorithm demands.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8], iv: &[u8]) -> Result<Self, Refused> {
        if iv.len() != Self::iv_length(algorithm) {
            return Err(Refused);
        }
        let nonces = match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => {
                Nonces::Explicit(Secret::filled(|salt| salt.copy_from_slice(iv)))
            }
            AeadAlgorithm::ChaCha20Poly1305 => {
                Nonces::Masked(Secret::filled(|mask| mask.copy_from_slice(iv)))
            }
        };
        Ok(Self {
            aead: Aead::new(algorithm, key)?,
            nonces,
        })
    }

    /// What is added to a payload, in bytes.
    pub(crate) fn overhead(&self) -> usize {
        self.prefix().len() + TAG_LENGTH
    }

    /// Room in front of the plaintext, to be filled by `seal`.
    pub(crate) fn prefix(&self) -> &'static [u8] {
        match self.nonces {
            Nonces::Explicit(_) => &[0; EXPLICIT_NONCE_LENGTH],
            Nonces::Masked(_) => &[],
        }
    }

    /// Decrypts a payload in place.
    pub(crate) fn open<'a>(
        &self,
        header: &RecordHeader,
        payload: &'a mut [u8],
    ) -> Result<&'a mut [u8], Refused> {
        let (nonce, ciphertext) = match &self.nonces {
            Nonces::Explicit(salt) => {
                let (explicit, ciphertext) = payload.split_first_chunk_mut().ok_or(Refused)?;
                (explicit_nonce(salt, *explicit), ciphertext)
            }
            Nonces::Masked(mask) => (masked_nonce(mask, header.number()), payload),
        };
        let length = ciphertext.len().checked_sub(TAG_LENGTH).ok_or(Refused)?;
        self.aead
            .open(nonce, &additional_data(header, length), ciphertext)
    }

    /// Encrypts in place what stands behind `prefix`, and returns the tag.
    pub(crate) fn seal(
        &self,
        header: &RecordHeader,
        payload: &mut [u8],
    ) -> Result<impl AsRef<[u8]> + use<>, Refused> {
        // Never twice under one key, because the record number never is.
        let (nonce, plaintext) = match &self.nonces {
            Nonces::Explicit(salt) => {
                let (explicit, plaintext) = payload.split_first_chunk_mut().ok_or(Refused)?;
                *explicit = header.number();
                (explicit_nonce(salt, *explicit), plaintext)
            }
            Nonces::Masked(mask) => (masked_nonce(mask, header.number()), payload),
        };
        let aad = additional_data(header, plaintext.len());
        self.aead.seal(nonce, &aad, plaintext)
    }
}

fn explicit_nonce(
    salt: &Secret<SALT_LENGTH>,
    explicit: [u8; EXPLICIT_NONCE_LENGTH],
) -> [u8; NONCE_LENGTH] {
    let mut nonce = [0; NONCE_LENGTH];
    for (to, from) in nonce.iter_mut().zip(salt.expose().iter().chain(&explicit)) {
        *to = *from;
    }
    nonce
}

fn masked_nonce(mask: &Secret<NONCE_LENGTH>, number: [u8; 8]) -> [u8; NONCE_LENGTH] {
    let mut nonce = *mask.expose();
    for (to, from) in nonce.iter_mut().rev().zip(number.iter().rev()) {
        *to ^= from;
    }
    nonce
}

/// Record number, type, version and the length of the plaintext.
fn additional_data(header: &RecordHeader, length: usize) -> [u8; 13] {
    let [v0, v1] = header.version.to_be_bytes();
    // A record is at most 2^14 + 2048 bytes long.
    let [l0, l1] = (length as u16).to_be_bytes();
    let [a, b, c, d, e, f, g, h] = header.number();
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        header.content.into(),
        v0,
        v1,
        l0,
        l1,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ContentType, DTLS_1_2};

    fn protection() -> Protection {
        let key: Vec<u8> = (0..16).collect();
        Protection::new(AeadAlgorithm::Aes128Gcm, &key, &[0xA0, 0xA1, 0xA2, 0xA3]).unwrap()
    }

    fn header(sequence: u64) -> RecordHeader {
        RecordHeader {
            content: ContentType::ApplicationData,
            version: DTLS_1_2,
            epoch: 1,
            sequence,
        }
    }

    /// The record was made by an independent implementation with this key.
    #[test]
    fn a_record_of_another_implementation_opens_and_ours_is_the_same() {
        let wire = hex::decode("0001000000000000f93265d26f443a4f9dea3705ade7ec0720e75cc0d0");
        let wire = wire.unwrap();
        let mut payload = wire.clone();
        let opened = protection().open(&header(0), &mut payload).unwrap();
        assert_eq!(opened, b"hello");

        let mut sealed = [protection().prefix(), b"hello"].concat();
        let tag = protection().seal(&header(0), &mut sealed).unwrap();
        sealed.extend(tag.as_ref());
        assert_eq!(sealed, wire);
    }

    #[test]
    fn every_header_field_is_authenticated() {
        let wire = hex::decode("0001000000000000f93265d26f443a4f9dea3705ade7ec0720e75cc0d0");
        let wire = wire.unwrap();
        let refused = |header: RecordHeader| protection().open(&header, &mut wire.clone()).is_err();
        assert!(refused(header(1)));
        assert!(refused(RecordHeader {
            epoch: 2,
            ..header(0)
        }));
        assert!(refused(RecordHeader {
            content: ContentType::Alert,
            ..header(0)
        }));
        assert!(refused(RecordHeader {
            version: 0xFEFF,
            ..header(0)
        }));
    }

    #[test]
    fn short_payloads_are_refused() {
        for length in 0..protection().overhead() {
            assert!(protection().open(&header(0), &mut vec![0; length]).is_err());
        }
    }

    /// Made by an independent implementation of the AEAD with the nonce of RFC 7905 §2 by hand.
    #[test]
    fn chacha20_has_no_explicit_nonce() {
        let key: Vec<u8> = (0..32).collect();
        let iv: Vec<u8> = (0xB0..0xBC).collect();
        let protection = Protection::new(AeadAlgorithm::ChaCha20Poly1305, &key, &iv).unwrap();
        let wire = hex::decode("0375e6985f746fc867e5493686e98278ef7e19090b").unwrap();
        let mut sealed = b"hello".to_vec();
        let tag = protection.seal(&header(0x0102), &mut sealed).unwrap();
        sealed.extend(tag.as_ref());
        assert_eq!(sealed, wire);
        assert_eq!(sealed.len(), 5 + protection.overhead());
        assert_eq!(
            protection.open(&header(0x0102), &mut sealed).unwrap(),
            b"hello"
        );
        assert!(protection.open(&header(0x0103), &mut wire.clone()).is_err());
    }

    #[test]
    fn keys_and_ivs_of_another_length_are_refused() {
        let new = |algorithm, key: usize, iv: usize| {
            Protection::new(algorithm, &vec![0; key], &vec![0; iv]).is_ok()
        };
        assert!(new(AeadAlgorithm::Aes256Gcm, 32, 4));
        assert!(!new(AeadAlgorithm::Aes256Gcm, 16, 4));
        assert!(!new(AeadAlgorithm::Aes256Gcm, 32, 12));
        assert!(!new(AeadAlgorithm::ChaCha20Poly1305, 32, 4));
    }
}
