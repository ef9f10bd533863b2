//! Records of DTLS 1.3 that are protected: DTLSCiphertext with its unified header, and the
//! encryption of record numbers (RFC 9147 §4 and §4.2.3).

use bytes::{BufMut, BytesMut};

use super::number::reconstruct;
use crate::crypto::{
    Aead, AeadAlgorithm, MaskKey, NONCE_LENGTH, Refused, SAMPLE_LENGTH, Secret, TAG_LENGTH,
};
use crate::wire::ContentType;

/// The bits of the first byte (RFC 9147 §4, Figure 3).
const FIXED_MASK: u8 = 0b1110_0000;
const FIXED: u8 = 0b0010_0000;
const CONNECTION_ID: u8 = 0b0001_0000;
const LONG_SEQUENCE: u8 = 0b0000_1000;
const LENGTH: u8 = 0b0000_0100;
const EPOCH: u8 = 0b0000_0011;

/// The length of the header that we write, in bytes: first byte, sequence number, length.
const WRITTEN_HEADER_LENGTH: usize = 5;

/// Whether a record with this first byte is one of these (RFC 9147 §4.1).
pub(super) fn is_unified(first: u8) -> bool {
    first & FIXED_MASK == FIXED
}

/// Where things stand in such a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnifiedHeader {
    /// The low two bits of the epoch.
    pub(crate) epoch_bits: u8,
    /// The length of the sequence number in bytes: 1 or 2.
    sequence_length: usize,
    /// The length of the header in bytes.
    length: usize,
}

impl UnifiedHeader {
    /// The header of the record at the front of `bytes`, and how long the record is.
    /// `None` when it is cut, or has a connection ID: nobody was given one.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, rest) = bytes.split_first()?;
        // RFC 9147 §9: a receiver that negotiated none rejects records with a connection ID.
        if first & CONNECTION_ID != 0 {
            return None;
        }
        let sequence_length = if first & LONG_SEQUENCE == 0 { 1 } else { 2 };
        let (_, rest) = rest.split_at_checked(sequence_length)?;
        let (length, ciphertext_length) = if first & LENGTH == 0 {
            (1 + sequence_length, rest.len())
        } else {
            let announced = u16::from_be_bytes(*rest.first_chunk()?);
            (3 + sequence_length, usize::from(announced))
        };
        let header = Self {
            epoch_bits: first & EPOCH,
            sequence_length,
            length,
        };
        Some((header, length + ciphertext_length))
    }
}

/// What stands in a record that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    pub(crate) sequence: u64,
    /// `None` when there is nothing but padding.
    pub(crate) content: Option<ContentType>,
    pub(crate) payload: &'a mut [u8],
}

/// The keys of one direction in one epoch.
#[derive(Debug)]
pub(crate) struct Ciphertext {
    aead: Aead,
    mask: MaskKey,
    iv: Secret<NONCE_LENGTH>,
}

impl Ciphertext {
    /// What protection adds to a payload, header and content type included, in bytes.
    pub(crate) const OVERHEAD: usize = WRITTEN_HEADER_LENGTH + 1 + TAG_LENGTH;

    pub(crate) fn new(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: Secret<NONCE_LENGTH>,
        number_key: &[u8],
    ) -> Result<Self, Refused> {
        Ok(Self {
            aead: Aead::new(algorithm, key)?,
            mask: MaskKey::new(algorithm, number_key)?,
            iv,
        })
    }

    /// Appends a record whose payload is given in parts, with 16 bits of its sequence number and
    /// its length.
    pub(super) fn seal(
        &self,
        epoch: u64,
        sequence: u64,
        content: ContentType,
        parts: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<(), Refused> {
        let start = out.len();
        let length = parts.iter().map(|part| part.len()).sum::<usize>() + 1 + TAG_LENGTH;
        out.put_u8(FIXED | LONG_SEQUENCE | LENGTH | epoch as u8 & EPOCH);
        out.put_u16(sequence as u16);
        out.put_u16(u16::try_from(length).map_err(|_| Refused)?);
        parts.iter().for_each(|part| out.put_slice(part));
        out.put_u8(content.into());
        let record = out.get_mut(start..).unwrap_or_default();
        let (header, plaintext) = record
            .split_first_chunk_mut::<WRITTEN_HEADER_LENGTH>()
            .ok_or(Refused)?;
        let tag = self.aead.seal(self.nonce(sequence), header, plaintext)?;
        out.put_slice(tag.as_ref());
        let record = out.get_mut(start..).unwrap_or_default();
        self.apply_mask(record, WRITTEN_HEADER_LENGTH, 2)
    }

    /// Opens a record in place. `expected` is one more than the highest number that was opened in
    /// this epoch.
    pub(super) fn open<'a>(
        &self,
        header: UnifiedHeader,
        expected: u64,
        record: &'a mut [u8],
    ) -> Result<Opened<'a>, Refused> {
        let UnifiedHeader {
            sequence_length,
            length,
            ..
        } = header;
        // RFC 9147 §4.2.3: what is shorter than a sample is as if its tag did not verify.
        self.apply_mask(record, length, sequence_length)?;
        let (header, ciphertext) = record.split_at_mut_checked(length).ok_or(Refused)?;
        let low = header
            .iter()
            .skip(1)
            .take(sequence_length)
            .fold(0, |low, byte| low << 8 | u16::from(*byte));
        let sequence = reconstruct(expected, low, 8 * sequence_length as u32);
        let plaintext = self.aead.open(self.nonce(sequence), header, ciphertext)?;
        // RFC 8446 §5.4: the type is the last byte that is not zero.
        let end = plaintext.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        let (payload, rest) = plaintext.split_at_mut_checked(end).ok_or(Refused)?;
        Ok(Opened {
            sequence,
            content: rest
                .first()
                .filter(|byte| **byte != 0)
                .map(|byte| (*byte).into()),
            payload,
        })
    }

    /// Encrypts or decrypts the sequence number.
    fn apply_mask(
        &self,
        record: &mut [u8],
        header_length: usize,
        sequence_length: usize,
    ) -> Result<(), Refused> {
        let (header, ciphertext) = record.split_at_mut_checked(header_length).ok_or(Refused)?;
        let sample: &[u8; SAMPLE_LENGTH] = ciphertext.first_chunk().ok_or(Refused)?;
        let mask = self.mask.mask(sample)?;
        for (byte, mask) in header.iter_mut().skip(1).take(sequence_length).zip(mask) {
            *byte ^= mask;
        }
        Ok(())
    }

    /// RFC 8446 §5.3, with the sequence number alone (RFC 9147 §4).
    fn nonce(&self, sequence: u64) -> [u8; NONCE_LENGTH] {
        let mut nonce = *self.iv.expose();
        for (to, from) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
            *to ^= from;
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Record, Records};
    use super::*;

    /// Keys as a traffic secret of the bytes 0, 1, 2 gives them.
    fn keys(algorithm: AeadAlgorithm, key: &str, iv: &str, number_key: &str) -> Ciphertext {
        let bytes = |text| hex::decode(text).unwrap();
        let iv = Secret::filled(|out| out.copy_from_slice(&bytes(iv)));
        Ciphertext::new(algorithm, &bytes(key), iv, &bytes(number_key)).unwrap()
    }

    fn aes_128() -> Ciphertext {
        let key = "cc95abc258d309424ddbf7cba68bd77e";
        let number_key = "c5b1a0649ea4fdafbe7e256665068222";
        keys(
            AeadAlgorithm::Aes128Gcm,
            key,
            "6d3299305dd209fc865cf8f1",
            number_key,
        )
    }

    fn opened(keys: &Ciphertext, expected: u64, record: &str) -> Option<(u64, u8, Vec<u8>)> {
        let mut record = hex::decode(record).unwrap();
        let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut record).next() else {
            return None;
        };
        let opened = keys.open(header, expected, bytes).ok()?;
        Some((
            opened.sequence,
            opened.content?.into(),
            opened.payload.to_vec(),
        ))
    }

    /// Computed by an independent implementation of RFC 9147.
    #[test]
    fn records_of_every_form_open() {
        let hello = |sequence| Some((sequence, 23, b"hello".to_vec()));
        let record = "2f35330016b3ea09f90b483f02a6651f61120377bf456974f00766";
        assert_eq!(opened(&aes_128(), 0, record), hello(0));
        // Eight bits of the number 261, and no length.
        let record = "230e31e6c9ea35029b06ade51fdb7edccdd64c8a2e81b9b8";
        assert_eq!(opened(&aes_128(), 260, record), hello(261));
        assert_eq!(opened(&aes_128(), 0, record), None);
        // Sixteen bits of 131070, no length, seven bytes of padding.
        let record = "2b65e9928ac802d15f18cf04ac418ba839c0afea8f9717182c3e0f7bde4fc6ee";
        assert_eq!(opened(&aes_128(), 131_070, record), hello(131_070));
        // With a connection ID, which nobody was given.
        let record = "3fc1d0c1d021dd00193d312b60bcf77740da4684bf82ee985ae917fd2d588b117fc0";
        assert_eq!(opened(&aes_128(), 7, record), None);
        // Too short for a sample.
        assert_eq!(
            opened(&aes_128(), 0, "2f3533000f000102030405060708090a0b0c0d0e"),
            None
        );
    }

    #[test]
    fn what_is_written_is_what_others_write() {
        let aes_256 = keys(
            AeadAlgorithm::Aes256Gcm,
            "d6732c55efc102933ffe3af6922bdb7fe44d18f2b7307173758bfeb457a6f9bb",
            "8ae6b315daa064c6dfa5f10a",
            "fc6f78156052e019518fb3ea0d77c796ca2da8796cc26b8e42c5b5395a72af1d",
        );
        let chacha20 = keys(
            AeadAlgorithm::ChaCha20Poly1305,
            "fa36130205a96cbeb292e37361db797a5292833e60912c992462e04b0eba0ecd",
            "6d3299305dd209fc865cf8f1",
            "534890654f2b1ca72683f148cdbae6a98ffeaaad7e23fc9e693486e2a92b6892",
        );
        for (keys, sequence, expected) in [
            (
                aes_128(),
                0,
                "2f35330016b3ea09f90b483f02a6651f61120377bf456974f00766",
            ),
            (
                aes_256,
                1,
                "2f3ff4001685e59d49e5a62e1e8c84c5403ee6735046044da16f2d",
            ),
            (
                chacha20,
                1,
                "2f98fc0016e311521ea6a59705f5d063297c83a3a061cff1bedabe",
            ),
        ] {
            let mut out = BytesMut::new();
            let content = ContentType::ApplicationData;
            keys.seal(3, sequence, content, &[b"he", b"llo"], &mut out)
                .unwrap();
            assert_eq!(hex::encode(&out), expected);
            assert_eq!(opened(&keys, 0, expected).unwrap().2, b"hello");
        }
    }

    #[test]
    fn a_record_of_padding_alone_has_no_content() {
        let keys = aes_128();
        let mut out = BytesMut::new();
        keys.seal(3, 0, ContentType::Unknown(0), &[&[0; 9]], &mut out)
            .unwrap();
        let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut out).next() else {
            panic!();
        };
        let opened = keys.open(header, 0, bytes).unwrap();
        assert_eq!((opened.content, opened.payload.len()), (None, 0));
    }
}
