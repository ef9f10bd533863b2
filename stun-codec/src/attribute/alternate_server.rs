//! ALTERNATE-SERVER (RFC 8489 §14.15).

use core::net::SocketAddr;

use super::address;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The server to try instead; comes with error 300.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlternateServer(pub SocketAddr);

impl From<SocketAddr> for AlternateServer {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl Decode<'_> for AlternateServer {
    const TYPE: AttributeType = AttributeType::ALTERNATE_SERVER;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        address::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for AlternateServer {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        address::encode(self.0, value);
        Ok(())
    }
}
