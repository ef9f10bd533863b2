//! ICMP (RFC 8656 §18.13).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The ICMP message that came instead of what a relay's client had sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// Its type, of ICMP or ICMPv6 as the peer's address is.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Where something was too big: the MTU of the next hop, in bytes. Otherwise 0.
    pub data: u32,
}

impl Decode<'_> for Icmp {
    const TYPE: AttributeType = AttributeType::ICMP;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        // The first two bytes are reserved, and ignored.
        fixed(Self::TYPE, value).map(|[_, _, kind, code, d0, d1, d2, d3]| Self {
            kind,
            code,
            data: u32::from_be_bytes([d0, d1, d2, d3]),
        })
    }
}

impl Encode for Icmp {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u16(0);
        value.u8(self.kind);
        value.u8(self.code);
        value.u32(self.data);
        Ok(())
    }
}
