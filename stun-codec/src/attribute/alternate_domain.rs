//! ALTERNATE-DOMAIN (RFC 8489 §14.16).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The domain name of the server in ALTERNATE-SERVER, for the check of its certificate. At most
/// 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlternateDomain<'a>(pub &'a str);

/// The longest domain name, in bytes (RFC 8489 §14.16).
const LIMIT: usize = 255;

impl<'a> Decode<'a> for AlternateDomain<'a> {
    const TYPE: AttributeType = AttributeType::ALTERNATE_DOMAIN;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        text::decode_within(LIMIT, Self::TYPE, value).map(Self)
    }
}

impl Encode for AlternateDomain<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode_within(LIMIT, Self::TYPE, self.0.as_bytes(), value)
    }
}
