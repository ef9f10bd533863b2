//! EVEN-PORT (RFC 8656 §18.7).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The relayed port is to be even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EvenPort {
    /// The next higher port is to be kept for a later allocation.
    pub reserve_next: bool,
}

impl Decode<'_> for EvenPort {
    const TYPE: AttributeType = AttributeType::EVEN_PORT;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        // The other seven bits are reserved, and ignored.
        fixed(Self::TYPE, value).map(|[flags]| Self {
            reserve_next: flags & 0x80 != 0,
        })
    }
}

impl Encode for EvenPort {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u8(if self.reserve_next { 0x80 } else { 0 });
        Ok(())
    }
}
