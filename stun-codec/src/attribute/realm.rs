//! REALM (RFC 8489 §14.9).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The realm of a long-term credential, without quotes. At most 763 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Realm<'a>(pub &'a str);

impl<'a> Decode<'a> for Realm<'a> {
    const TYPE: AttributeType = AttributeType::REALM;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        text::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for Realm<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode(Self::TYPE, self.0.as_bytes(), value)
    }
}
