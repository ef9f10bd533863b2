//! NONCE (RFC 8489 §14.10).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The server's nonce, to be sent back exactly as it came; hence bytes and not text. At most
/// 763 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for Nonce<'a> {
    const TYPE: AttributeType = AttributeType::NONCE;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        if value.len() > text::LIMIT {
            return Err(DecodeError::ValueLength {
                attribute: Self::TYPE,
                found: value.len(),
            });
        }
        Ok(Self(value))
    }
}

impl Encode for Nonce<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode(Self::TYPE, self.0, value)
    }
}
