//! Protection of DTLS 1.2 records with an AEAD (RFC 5246 §6.2.3.3, RFC 5288 §3).

use super::header::RecordHeader;
use crate::crypto::{Aead, AeadAlgorithm, NONCE_LENGTH, Refused, Secret, TAG_LENGTH};

/// The part of the nonce that comes from the key block.
pub(crate) const IMPLICIT_IV_LENGTH: usize = 4;
/// The part of the nonce that travels in front of the ciphertext.
const EXPLICIT_NONCE_LENGTH: usize = 8;

/// The key and nonce of one direction in one epoch.
#[derive(Debug)]
pub(crate) struct Protection {
    aead: Aead,
    implicit_iv: Secret<IMPLICIT_IV_LENGTH>,
}

impl Protection {
    /// What protection adds to a payload, in bytes.
    pub(crate) const OVERHEAD: usize = EXPLICIT_NONCE_LENGTH + TAG_LENGTH;

    pub(crate) fn new(
        algorithm: AeadAlgorithm,
        key: &[u8],
        implicit_iv: &[u8; IMPLICIT_IV_LENGTH],
    ) -> Result<Self, Refused> {
        Ok(Self {
            aead: Aead::new(algorithm, key)?,
            implicit_iv: Secret::filled(|iv| *iv = *implicit_iv),
        })
    }

    /// Decrypts a payload in place.
    pub(crate) fn open<'a>(
        &self,
        header: &RecordHeader,
        payload: &'a mut [u8],
    ) -> Result<&'a mut [u8], Refused> {
        let (explicit, ciphertext) = payload
            .split_first_chunk_mut::<EXPLICIT_NONCE_LENGTH>()
            .ok_or(Refused)?;
        let length = ciphertext.len().checked_sub(TAG_LENGTH).ok_or(Refused)?;
        let nonce = self.nonce(explicit);
        self.aead
            .open(nonce, &additional_data(header, length), ciphertext)
    }

    /// Encrypts in place what stands behind room for the explicit nonce, and returns the tag.
    pub(crate) fn seal(
        &self,
        header: &RecordHeader,
        payload: &mut [u8],
    ) -> Result<impl AsRef<[u8]> + use<>, Refused> {
        let (explicit, plaintext) = payload
            .split_first_chunk_mut::<EXPLICIT_NONCE_LENGTH>()
            .ok_or(Refused)?;
        // Never twice under one key, because the record number never is.
        *explicit = header.number();
        let nonce = self.nonce(explicit);
        let aad = additional_data(header, plaintext.len());
        self.aead.seal(nonce, &aad, plaintext)
    }

    /// Room in front of the plaintext, to be filled by `seal`.
    pub(crate) const PREFIX: [u8; EXPLICIT_NONCE_LENGTH] = [0; EXPLICIT_NONCE_LENGTH];

    fn nonce(&self, explicit: &[u8; EXPLICIT_NONCE_LENGTH]) -> [u8; NONCE_LENGTH] {
        let mut nonce = [0; NONCE_LENGTH];
        let parts = self.implicit_iv.expose().iter().chain(explicit);
        for (to, from) in nonce.iter_mut().zip(parts) {
            *to = *from;
        }
        nonce
    }
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

        let mut sealed = [&Protection::PREFIX[..], b"hello"].concat();
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
        for length in 0..Protection::OVERHEAD {
            assert!(protection().open(&header(0), &mut vec![0; length]).is_err());
        }
    }
}
