//! XOR-MAPPED-ADDRESS (RFC 8489 §14.2).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The address a request came from, as the server saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct XorMappedAddress(pub SocketAddr);

impl From<SocketAddr> for XorMappedAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for XorMappedAddress {
    const TYPE: AttributeType = AttributeType::XOR_MAPPED_ADDRESS;

    fn decode(value: &[u8], transaction_id: TransactionId) -> Result<Self, DecodeError> {
        let hidden = address::decode(Self::TYPE, value)?;
        Ok(Self(address::xor(hidden, transaction_id)))
    }
}

impl Encode for XorMappedAddress {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(address::xor(self.0, value.transaction_id()), value);
        Ok(())
    }
}
