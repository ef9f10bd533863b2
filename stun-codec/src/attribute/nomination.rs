//! NOMINATION (draft-thatcher-ice-renomination).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The controlling agent nominates the pair of this check; of several pairs that with the highest
/// number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nomination(pub u32);

impl Decode<'_> for Nomination {
    const TYPE: AttributeType = AttributeType::NOMINATION;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(u32::from_be_bytes).map(Self)
    }
}

impl Encode for Nomination {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.u32(self.0);
        Ok(())
    }
}
