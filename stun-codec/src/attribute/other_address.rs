//! OTHER-ADDRESS (RFC 5780 §7.4).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The server's other IP address and other port: where it sends from when asked to change both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OtherAddress(pub SocketAddr);

impl From<SocketAddr> for OtherAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for OtherAddress {
    const TYPE: AttributeType = AttributeType::OTHER_ADDRESS;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for OtherAddress {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(self.0, value);
        Ok(())
    }
}
