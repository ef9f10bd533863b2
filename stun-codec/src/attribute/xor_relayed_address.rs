//! XOR-RELAYED-ADDRESS (RFC 8656 §18.5).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The address that a relay has allocated to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct XorRelayedAddress(pub SocketAddr);

impl From<SocketAddr> for XorRelayedAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for XorRelayedAddress {
    const TYPE: AttributeType = AttributeType::XOR_RELAYED_ADDRESS;

    fn decode(value: &[u8], transaction_id: TransactionId) -> Result<Self, DecodeError> {
        let hidden = address::decode(Self::TYPE, value)?;
        Ok(Self(address::xor(hidden, transaction_id)))
    }
}

impl Encode for XorRelayedAddress {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(address::xor(self.0, value.transaction_id()), value);
        Ok(())
    }
}
