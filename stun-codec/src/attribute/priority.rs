//! PRIORITY (RFC 8445 §16.1).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The priority that a peer-reflexive candidate learned from this check would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u32);

impl Decode<'_> for Priority {
    const TYPE: AttributeType = AttributeType::PRIORITY;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(u32::from_be_bytes).map(Self)
    }
}

impl Encode for Priority {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u32(self.0);
        Ok(())
    }
}
