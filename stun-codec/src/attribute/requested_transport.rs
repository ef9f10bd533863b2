//! REQUESTED-TRANSPORT (RFC 8656 §18.8).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The transport of the relayed address, as a protocol number of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestedTransport(pub u8);

impl RequestedTransport {
    /// Datagrams (RFC 8656 §18.8).
    pub const UDP: Self = Self(17);
    /// Connections (RFC 6062 §4.1).
    pub const TCP: Self = Self(6);
}

impl Decode<'_> for RequestedTransport {
    const TYPE: AttributeType = AttributeType::REQUESTED_TRANSPORT;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        // The other three bytes are reserved, and ignored.
        fixed(Self::TYPE, value).map(|[protocol, _, _, _]| Self(protocol))
    }
}

impl Encode for RequestedTransport {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u8(self.0);
        value.bytes(&[0; 3]);
        Ok(())
    }
}
