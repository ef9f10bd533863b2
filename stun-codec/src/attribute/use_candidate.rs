//! USE-CANDIDATE (RFC 8445 §16.1).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The controlling agent nominates the pair of this check. Its value is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UseCandidate;

impl Decode<'_> for UseCandidate {
    const TYPE: AttributeType = AttributeType::USE_CANDIDATE;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(|[]| Self)
    }
}

impl Encode for UseCandidate {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, _: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}
