//! PADDING (RFC 5780 §7.6).

use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Makes a message so long that it is cut into fragments. What it holds does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Padding<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for Padding<'a> {
    const TYPE: AttributeType = AttributeType::PADDING;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        Ok(Self(value))
    }
}

impl Encode for Padding<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(self.0);
        Ok(())
    }
}
