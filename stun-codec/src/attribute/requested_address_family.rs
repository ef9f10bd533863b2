//! REQUESTED-ADDRESS-FAMILY (RFC 8656 §18.6).

use super::address;
use crate::{
    AttributeType, Decode, DecodeError, Encode, EncodeError, Family, TransactionId, ValueWriter,
};

/// The family that the relayed address is to be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestedAddressFamily(pub Family);

impl Decode<'_> for RequestedAddressFamily {
    const TYPE: AttributeType = AttributeType::REQUESTED_ADDRESS_FAMILY;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode_family(Self::TYPE, value).map(Self)
    }
}

impl Encode for RequestedAddressFamily {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode_family(self.0, value);
        Ok(())
    }
}
