//! GOOG-NETWORK-INFO (registered without a document).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Over which of its networks a browser sends, and what that network costs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GoogNetworkInfo {
    /// The browser's number for the network.
    pub network: u16,
    /// 0 for a wired network to 999; the lower the better.
    pub cost: u16,
}

impl Decode<'_> for GoogNetworkInfo {
    const TYPE: AttributeType = AttributeType::GOOG_NETWORK_INFO;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(|[n0, n1, c0, c1]| Self {
            network: u16::from_be_bytes([n0, n1]),
            cost: u16::from_be_bytes([c0, c1]),
        })
    }
}

impl Encode for GoogNetworkInfo {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u16(self.network);
        value.u16(self.cost);
        Ok(())
    }
}
