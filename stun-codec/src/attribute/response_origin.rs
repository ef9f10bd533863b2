//! RESPONSE-ORIGIN (RFC 5780 §7.3).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The address that the response was sent from. Where it is another than the one it came from, a
/// NAT stands before the server as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseOrigin(pub SocketAddr);

impl From<SocketAddr> for ResponseOrigin {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for ResponseOrigin {
    const TYPE: AttributeType = AttributeType::RESPONSE_ORIGIN;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for ResponseOrigin {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(self.0, value);
        Ok(())
    }
}
