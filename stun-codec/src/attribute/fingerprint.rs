//! FINGERPRINT (RFC 8489 §14.7).

use super::fixed;
use crate::crypto;
use crate::reader::Reader;
use crate::{AttributeType, Decode, DecodeError, TransactionId};

/// What the CRC is combined with, so that it differs from other uses of CRC-32: "STUN".
const MASK: u32 = 0x5354_554e;

/// The checksum of the message, as it stands on the wire. It was checked when the message was
/// parsed, and is written by [`Builder::fingerprint`](crate::Builder::fingerprint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u32);

impl Decode<'_> for Fingerprint {
    const TYPE: AttributeType = AttributeType::FINGERPRINT;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(u32::from_be_bytes).map(Self)
    }
}

/// The checksum over everything before the attribute, under a length field that counts it.
pub(crate) fn of(covered: &[u8]) -> u32 {
    crypto::crc32(covered) ^ MASK
}

/// Checks a FINGERPRINT that begins at `offset` of a message, and that nothing is left behind it: the
/// header's length field is then the one the checksum was made under.
#[inline]
pub(crate) fn check_last(
    message: &[u8],
    offset: usize,
    mut behind: Reader<'_>,
) -> Result<(), DecodeError> {
    let (covered, rest) = message.split_at_checked(offset).unwrap_or_default();
    let tag = Reader::new(rest, offset).attribute()?;
    let found = u32::from_be_bytes(fixed(tag.attribute_type, tag.value)?);
    let expected = of(covered);
    if found != expected {
        return Err(DecodeError::Fingerprint {
            offset,
            expected,
            found,
        });
    }
    if behind.is_empty() {
        return Ok(());
    }
    let offset = behind.offset();
    let attribute = behind.attribute()?.attribute_type;
    Err(DecodeError::AfterFingerprint { attribute, offset })
}
