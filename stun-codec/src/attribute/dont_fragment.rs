//! DONT-FRAGMENT (RFC 8656 §18.9).

use super::fixed;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// What the relay sends on is not to be fragmented. Its value is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DontFragment;

impl Decode<'_> for DontFragment {
    const TYPE: AttributeType = AttributeType::DONT_FRAGMENT;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(|[]| Self)
    }
}

impl Encode for DontFragment {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, _: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}
