//! SOFTWARE (RFC 8489 §14.14).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Who made the message, for diagnosis only. At most 763 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Software<'a>(pub &'a str);

impl<'a> Decode<'a> for Software<'a> {
    const TYPE: AttributeType = AttributeType::SOFTWARE;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        text::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for Software<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode(Self::TYPE, self.0.as_bytes(), value)
    }
}
