//! ICE-CONTROLLED (RFC 8445 §16.1).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The sender thinks it is controlled; the number breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IceControlled(pub u64);

impl Decode<'_> for IceControlled {
    const TYPE: AttributeType = AttributeType::ICE_CONTROLLED;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(u64::from_be_bytes).map(Self)
    }
}

impl Encode for IceControlled {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u64(self.0);
        Ok(())
    }
}
