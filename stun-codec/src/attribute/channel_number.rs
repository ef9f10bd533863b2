//! CHANNEL-NUMBER (RFC 8656 §18.1).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The channel that a peer is to have. Those that may be bound are 0x4000 to 0x4FFF
/// (RFC 8656 §12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelNumber(pub u16);

impl Decode<'_> for ChannelNumber {
    const TYPE: AttributeType = AttributeType::CHANNEL_NUMBER;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        // The other two bytes are reserved, and ignored.
        fixed(Self::TYPE, value).map(|[high, low, _, _]| Self(u16::from_be_bytes([high, low])))
    }
}

impl Encode for ChannelNumber {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u16(self.0);
        value.u16(0);
        Ok(())
    }
}
