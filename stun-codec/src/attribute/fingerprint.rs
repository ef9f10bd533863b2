//! FINGERPRINT (RFC 8489 §14.7).

use super::fixed;
use crate::crypto;
use crate::message::{HEADER, Tag};
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
pub(crate) fn of(parts: &[&[u8]]) -> u32 {
    crypto::crc32(parts) ^ MASK
}

/// Checks a FINGERPRINT that is the last attribute: the header's length field is then the one the
/// checksum was made under.
pub(crate) fn check(header: &[u8; HEADER], body: &[u8], tag: Tag<'_>) -> Result<(), DecodeError> {
    let found = u32::from_be_bytes(fixed(AttributeType::FINGERPRINT, tag.value)?);
    let covered = body.get(..tag.offset).unwrap_or_default();
    let expected = of(&[header, covered]);
    if found == expected {
        Ok(())
    } else {
        let offset = HEADER + tag.offset;
        Err(DecodeError::Fingerprint {
            offset,
            expected,
            found,
        })
    }
}
