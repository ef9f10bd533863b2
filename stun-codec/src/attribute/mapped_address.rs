//! MAPPED-ADDRESS (RFC 8489 §14.1).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The address a request came from, in plain. Kept for old clients; middleboxes may rewrite it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MappedAddress(pub SocketAddr);

impl From<SocketAddr> for MappedAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for MappedAddress {
    const TYPE: AttributeType = AttributeType::MAPPED_ADDRESS;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for MappedAddress {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(self.0, value);
        Ok(())
    }
}
