//! CHANGE-REQUEST (RFC 5780 §7.2).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// From where the server is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChangeRequest {
    /// From its other IP address.
    pub ip: bool,
    /// From its other port.
    pub port: bool,
}

const CHANGE_IP: u8 = 0x04;
const CHANGE_PORT: u8 = 0x02;

impl ChangeRequest {
    const fn from_flags(flags: u8) -> Self {
        Self {
            ip: flags & CHANGE_IP != 0,
            port: flags & CHANGE_PORT != 0,
        }
    }
}

impl Decode<'_> for ChangeRequest {
    const TYPE: AttributeType = AttributeType::CHANGE_REQUEST;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(|[_, _, _, flags]| Self::from_flags(flags))
    }
}

impl Encode for ChangeRequest {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let ip = if self.ip { CHANGE_IP } else { 0 };
        let port = if self.port { CHANGE_PORT } else { 0 };
        value.u32(u32::from(ip | port));
        Ok(())
    }
}
