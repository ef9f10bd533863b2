//! Protection of DTLS 1.2 records with an AEAD (RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 7905 §2), and
//! with connection IDs (RFC 9146 §4 and §5).

use super::header::RecordHeader;
use crate::crypto::{Aead, AeadAlgorithm, NONCE_LENGTH, Refused, Secret, TAG_LENGTH};
use crate::wire::ContentType;

/// The part of a GCM nonce that comes from the key block.
const SALT_LENGTH: usize = 4;
/// Of records with the longest connection ID: placeholder, type, length of the ID, type, version,
/// number, ID, length.
const MAX_AAD_LENGTH: usize = 8 + 1 + 1 + 1 + 2 + 8 + 255 + 2;
/// The part of a GCM nonce that travels in front of the ciphertext.
const EXPLICIT_NONCE_LENGTH: usize = 8;

/// The key and nonce of one direction in one epoch.
#[derive(Debug)]
pub(crate) struct Protection {
    aead: Aead,
    nonces: Nonces,
    /// What each record of this direction has in its header; empty: the header has none, and the
    /// form of records is that of RFC 6347.
    connection_id: Vec<u8>,
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
            connection_id: Vec::new(),
        })
    }

    /// From here on each record has this connection ID, unless it is empty.
    pub(super) fn set_connection_id(&mut self, connection_id: &[u8]) {
        self.connection_id = connection_id.to_vec();
    }

    pub(crate) fn connection_id(&self) -> &[u8] {
        &self.connection_id
    }

    /// What stands in the header for a record of this content: that is hidden where there is a
    /// connection ID.
    pub(crate) fn outer_content(&self, content: ContentType) -> ContentType {
        match self.connection_id.is_empty() {
            true => content,
            false => ContentType::ConnectionId,
        }
    }

    /// What is added to a payload and its header, in bytes.
    pub(crate) fn overhead(&self) -> usize {
        self.connection_id.len() + self.expansion()
    }

    /// By how much a protected payload is longer than a plain one, in bytes.
    pub(crate) fn expansion(&self) -> usize {
        let hidden_type = usize::from(!self.connection_id.is_empty());
        self.prefix().len() + hidden_type + TAG_LENGTH
    }

    /// Room in front of the plaintext, to be filled by `seal`.
    pub(crate) fn prefix(&self) -> &'static [u8] {
        match self.nonces {
            Nonces::Explicit(_) => &[0; EXPLICIT_NONCE_LENGTH],
            Nonces::Masked(_) => &[],
        }
    }

    /// What stands behind the plaintext before it is sealed: the content, where the header does
    /// not tell it. No padding follows.
    pub(crate) fn suffix(&self, content: ContentType) -> Option<u8> {
        (!self.connection_id.is_empty()).then(|| content.into())
    }

    /// Decrypts a payload in place, and says what it is: `None` when there is nothing but padding.
    pub(crate) fn open<'a>(
        &self,
        header: &RecordHeader,
        payload: &'a mut [u8],
    ) -> Result<(Option<ContentType>, &'a mut [u8]), Refused> {
        let (nonce, ciphertext) = match &self.nonces {
            Nonces::Explicit(salt) => {
                let (explicit, ciphertext) = payload.split_first_chunk_mut().ok_or(Refused)?;
                (explicit_nonce(salt, *explicit), ciphertext)
            }
            Nonces::Masked(mask) => (masked_nonce(mask, header.number()), payload),
        };
        let length = ciphertext.len().checked_sub(TAG_LENGTH).ok_or(Refused)?;
        let mut room = [0; MAX_AAD_LENGTH];
        let aad = self.additional_data(header, length, &mut room);
        let plaintext = self.aead.open(nonce, aad, ciphertext)?;
        if self.connection_id.is_empty() {
            return Ok((Some(header.content), plaintext));
        }
        // RFC 9146 §4: the type is the last byte that is not zero; what follows is padding.
        let end = plaintext.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        let (content, rest) = plaintext.split_at_mut_checked(end).ok_or(Refused)?;
        let kind = rest.first().filter(|byte| **byte != 0);
        Ok((kind.map(|kind| (*kind).into()), content))
    }

    /// Encrypts in place what stands behind `prefix`, `suffix` included, and returns the tag.
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
        let mut room = [0; MAX_AAD_LENGTH];
        let aad = self.additional_data(header, plaintext.len(), &mut room);
        self.aead.seal(nonce, aad, plaintext)
    }

    /// What the tag covers beside the payload, of which `length` bytes are encrypted
    /// (RFC 5246 §6.2.3.3, RFC 9146 §5.3).
    fn additional_data<'a>(
        &self,
        header: &RecordHeader,
        length: usize,
        room: &'a mut [u8; MAX_AAD_LENGTH],
    ) -> &'a [u8] {
        let content = u8::from(header.content);
        let version = header.version.to_be_bytes();
        // A record is at most 2^14 + 2048 bytes long.
        let length = (length as u16).to_be_bytes();
        let number = header.number();
        let id = &self.connection_id;
        let id_length = [id.len() as u8];
        let parts: [&[u8]; 8] = if id.is_empty() {
            [&number, &[content], &version, &length, &[], &[], &[], &[]]
        } else {
            [
                &[0xFF; 8],
                &[content],
                &id_length,
                &[content],
                &version,
                &number,
                id,
                &length,
            ]
        };
        let mut written = 0;
        for (to, from) in room.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
            written += 1;
        }
        room.get(..written).unwrap_or_default()
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
        let (content, plain) = opened;
        let expected = (Some(ContentType::ApplicationData), &b"hello"[..]);
        assert_eq!((content, &plain[..]), expected);

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
        let opened = protection.open(&header(0x0102), &mut sealed).unwrap();
        assert_eq!(opened.1, b"hello");
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

    /// Made by an independent implementation of the AEAD, with the additional data of RFC 9146
    /// §5.3 by hand: content, its type, two bytes of padding.
    #[test]
    fn a_connection_id_is_authenticated_and_hides_the_type() {
        let id = vec![0x0A, 0x0B, 0x0C];
        let mut protection = protection();
        protection.set_connection_id(&id);
        let header = RecordHeader {
            content: protection.outer_content(ContentType::ApplicationData),
            ..header(0)
        };
        assert_eq!(header.content, ContentType::ConnectionId);
        let wire = hex::decode("0001000000000000f93265d26f0123bf373ad8ae7c53a55f45586b74a1a6b41f")
            .unwrap();
        let mut payload = wire.clone();
        let (content, plain) = protection.open(&header, &mut payload).unwrap();
        assert_eq!(
            (content, &plain[..]),
            (Some(ContentType::Handshake), &b"hello"[..])
        );
        for other in [vec![], vec![0x0A, 0x0B], vec![0x0A, 0x0B, 0x0D]] {
            let mut other_protection = self::protection();
            other_protection.set_connection_id(&other);
            let other = other_protection;
            assert!(other.open(&header, &mut wire.clone()).is_err());
        }

        let kind = protection.suffix(ContentType::Alert).unwrap();
        let mut sealed = [protection.prefix(), b"hello", &[kind]].concat();
        let tag = protection.seal(&header, &mut sealed).unwrap();
        sealed.extend(tag.as_ref());
        assert_eq!(sealed.len() + id.len(), 5 + protection.overhead());
        let (content, plain) = protection.open(&header, &mut sealed).unwrap();
        assert_eq!(
            (content, &plain[..]),
            (Some(ContentType::Alert), &b"hello"[..])
        );
    }
}
