//! Records of DTLS 1.3 that are protected: DTLSCiphertext with its unified header, and the
//! encryption of record numbers (RFC 9147 §4 and §4.2.3).

use bytes::{BufMut, BytesMut};
use zeroize::Zeroizing;

use super::number::reconstruct;
use crate::crypto::{
    Aead, AeadAlgorithm, MaskKey, NONCE_LENGTH, Refused, SAMPLE_LENGTH, TAG_LENGTH,
};
use crate::stats::DropReason;
use crate::wire::ContentType;

/// The bits of the first byte (RFC 9147 §4, Figure 3).
const FIXED_MASK: u8 = 0b1110_0000;
const FIXED: u8 = 0b0010_0000;
const HAS_CONNECTION_ID: u8 = 0b0001_0000;
const LONG_SEQUENCE: u8 = 0b0000_1000;
const LENGTH: u8 = 0b0000_0100;
const EPOCH: u8 = 0b0000_0011;

/// The length of the header that we write without connection ID, in bytes: first byte, sequence
/// number, length.
const WRITTEN_HEADER_LENGTH: usize = 5;

/// Whether a record with this first byte is one of these (RFC 9147 §4.1).
pub(super) fn is_unified(first: u8) -> bool {
    first & FIXED_MASK == FIXED
}

/// Whether it is, and has a connection ID.
pub(super) fn is_identified(first: u8) -> bool {
    is_unified(first) && first & HAS_CONNECTION_ID != 0
}

/// Where things stand in such a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnifiedHeader {
    /// The low two bits of the epoch.
    pub(crate) epoch_bits: u8,
    /// Whether it has a connection ID.
    pub(crate) is_identified: bool,
    /// Where the sequence number stands.
    sequence_at: usize,
    /// The length of the sequence number in bytes: 1 or 2.
    sequence_length: usize,
    /// The length of the header in bytes.
    length: usize,
}

impl UnifiedHeader {
    /// The header of the record at the front of `bytes`, and how long the record is. The connection
    /// ID that is given away is told: nothing in the header says how long one is.
    pub(super) fn read(bytes: &[u8], connection_id: &[u8]) -> Result<(Self, usize), DropReason> {
        let cut = DropReason::TruncatedRecord;
        let (&first, rest) = bytes.split_first().ok_or(cut)?;
        let is_identified = first & HAS_CONNECTION_ID != 0;
        let rest = match (is_identified, connection_id) {
            (false, _) => rest,
            // RFC 9147 §9: a receiver that negotiated none rejects records that have one.
            (true, []) => return Err(DropReason::WrongConnectionId),
            (true, ours) => rest
                .strip_prefix(ours)
                .ok_or(DropReason::WrongConnectionId)?,
        };
        let sequence_at = bytes.len() - rest.len();
        let sequence_length = if first & LONG_SEQUENCE == 0 { 1 } else { 2 };
        let (_, rest) = rest.split_at_checked(sequence_length).ok_or(cut)?;
        let (length, ciphertext_length) = if first & LENGTH == 0 {
            (sequence_at + sequence_length, rest.len())
        } else {
            let announced = u16::from_be_bytes(*rest.first_chunk().ok_or(cut)?);
            (sequence_at + sequence_length + 2, usize::from(announced))
        };
        let header = Self {
            epoch_bits: first & EPOCH,
            is_identified,
            sequence_at,
            sequence_length,
            length,
        };
        Ok((header, length + ciphertext_length))
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
    iv: Zeroizing<[u8; NONCE_LENGTH]>,
    /// What the header of each record that is written has; empty: nothing.
    connection_id: Vec<u8>,
}

impl Ciphertext {
    pub(crate) fn new(
        algorithm: AeadAlgorithm,
        key: &[u8],
        iv: Zeroizing<[u8; NONCE_LENGTH]>,
        number_key: &[u8],
    ) -> Result<Self, Refused> {
        Ok(Self {
            aead: Aead::new(algorithm, key)?,
            mask: MaskKey::new(algorithm, number_key)?,
            iv,
            connection_id: Vec::new(),
        })
    }

    /// From here on each record that is written has this connection ID, unless it is empty.
    pub(super) fn set_connection_id(&mut self, connection_id: &[u8]) {
        self.connection_id = connection_id.to_vec();
    }

    /// What protection adds to a payload, header and content type included, in bytes.
    pub(super) fn overhead(&self) -> usize {
        self.header_length() + 1 + TAG_LENGTH
    }

    fn header_length(&self) -> usize {
        WRITTEN_HEADER_LENGTH + self.connection_id.len()
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
        let identified = match self.connection_id.is_empty() {
            true => 0,
            false => HAS_CONNECTION_ID,
        };
        out.put_u8(FIXED | identified | LONG_SEQUENCE | LENGTH | epoch as u8 & EPOCH);
        out.put_slice(&self.connection_id);
        out.put_u16(sequence as u16);
        out.put_u16(u16::try_from(length).map_err(|_| Refused)?);
        parts.iter().for_each(|part| out.put_slice(part));
        out.put_u8(content.into());
        let record = out.get_mut(start..).unwrap_or_default();
        let (header, plaintext) = record
            .split_at_mut_checked(self.header_length())
            .ok_or(Refused)?;
        let tag = self.aead.seal(self.nonce(sequence), header, plaintext)?;
        out.put_slice(tag.as_ref());
        let record = out.get_mut(start..).unwrap_or_default();
        self.apply_mask(
            record,
            self.header_length(),
            1 + self.connection_id.len(),
            2,
        )
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
            sequence_at,
            sequence_length,
            length,
            ..
        } = header;
        // RFC 9147 §4.2.3: what is shorter than a sample is as if its tag did not verify.
        self.apply_mask(record, length, sequence_at, sequence_length)?;
        let (header, ciphertext) = record.split_at_mut_checked(length).ok_or(Refused)?;
        let low = header
            .iter()
            .skip(sequence_at)
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
        sequence_at: usize,
        sequence_length: usize,
    ) -> Result<(), Refused> {
        let (header, ciphertext) = record.split_at_mut_checked(header_length).ok_or(Refused)?;
        let sample: &[u8; SAMPLE_LENGTH] = ciphertext.first_chunk().ok_or(Refused)?;
        let mask = self.mask.mask(sample)?;
        let sequence = header.iter_mut().skip(sequence_at).take(sequence_length);
        for (byte, mask) in sequence.zip(mask) {
            *byte ^= mask;
        }
        Ok(())
    }

    /// RFC 8446 §5.3, with the sequence number alone (RFC 9147 §4).
    fn nonce(&self, sequence: u64) -> [u8; NONCE_LENGTH] {
        let mut nonce = *self.iv;
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

    const ID: [u8; 4] = [0xC1, 0xD0, 0xC1, 0xD0];
    const IDENTIFIED: &str = "3fc1d0c1d021dd00193d312b60bcf77740da4684bf82ee985ae917fd2d588b117fc0";

    /// Keys as a traffic secret of the bytes 0, 1, 2 gives them.
    fn keys(algorithm: AeadAlgorithm, key: &str, iv: &str, number_key: &str) -> Ciphertext {
        let bytes = |text| hex::decode(text).unwrap();
        let iv = Zeroizing::new(bytes(iv).try_into().unwrap());
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
        let mut records = Records::new(&mut record).expecting(&ID);
        let Some(Ok(Record::Unified { header, bytes })) = records.next() else {
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
        // With a connection ID, and with another.
        let identified = Some((7, 23, b"with cid".to_vec()));
        assert_eq!(opened(&aes_128(), 7, IDENTIFIED), identified);
        assert_eq!(
            opened(&aes_128(), 7, &IDENTIFIED.replace("c1d0", "c1d1")),
            None
        );
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
