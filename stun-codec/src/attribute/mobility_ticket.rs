//! MOBILITY-TICKET (RFC 8016 §3.4).

use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Moves an allocation to another address of its client. Empty in the request that asks for one;
/// only the server knows what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MobilityTicket<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for MobilityTicket<'a> {
    const TYPE: AttributeType = AttributeType::MOBILITY_TICKET;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        Ok(Self(value))
    }
}

impl Encode for MobilityTicket<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(self.0);
        Ok(())
    }
}
