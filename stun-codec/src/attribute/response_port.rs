//! RESPONSE-PORT (RFC 5780 §7.5).

use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The port that the server is to answer to, at the address that the request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponsePort(pub u16);

impl Decode<'_> for ResponsePort {
    const TYPE: AttributeType = AttributeType::RESPONSE_PORT;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        match value {
            // Padded within the value, or by the padding of every attribute: both are seen.
            [high, low] | [high, low, _, _] => Ok(Self(u16::from_be_bytes([*high, *low]))),
            _ => Err(DecodeError::ValueLength {
                attribute: Self::TYPE,
                found: value.len(),
            }),
        }
    }
}

impl Encode for ResponsePort {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u16(self.0);
        value.u16(0);
        Ok(())
    }
}
