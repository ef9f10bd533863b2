//! XOR-PEER-ADDRESS (RFC 8656 §18.3).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The peer behind a relay, as the relay sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct XorPeerAddress(pub SocketAddr);

impl From<SocketAddr> for XorPeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for XorPeerAddress {
    const TYPE: AttributeType = AttributeType::XOR_PEER_ADDRESS;

    fn decode(value: &[u8], transaction_id: TransactionId) -> Result<Self, DecodeError> {
        let hidden = address::decode(Self::TYPE, value)?;
        Ok(Self(address::xor(hidden, transaction_id)))
    }
}

impl Encode for XorPeerAddress {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(address::xor(self.0, value.transaction_id()), value);
        Ok(())
    }
}
