//! ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.11).

use super::address;
use crate::{
    AttributeType, Decode, DecodeError, Encode, EncodeError, Family, TransactionId, ValueWriter,
};

/// A relayed address of this family is wanted besides that of IPv4. A request may say IPv6 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AdditionalAddressFamily(pub Family);

impl Decode<'_> for AdditionalAddressFamily {
    const TYPE: AttributeType = AttributeType::ADDITIONAL_ADDRESS_FAMILY;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode_family(Self::TYPE, value).map(Self)
    }
}

impl Encode for AdditionalAddressFamily {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode_family(self.0, value);
        Ok(())
    }
}
