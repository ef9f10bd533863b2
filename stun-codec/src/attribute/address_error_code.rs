//! ADDRESS-ERROR-CODE (RFC 8656 §18.12).

use super::{ErrorCode, address, error_code};
use crate::{
    AttributeType, Decode, DecodeError, Encode, EncodeError, Family, TransactionId, ValueWriter,
};

/// Why a relay has allocated no address of one of the families that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressErrorCode<'a> {
    /// The family that is missing.
    pub family: Family,
    /// 440 or 508.
    pub error: ErrorCode<'a>,
}

impl<'a> Decode<'a> for AddressErrorCode<'a> {
    const TYPE: AttributeType = AttributeType::ADDRESS_ERROR_CODE;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        let error = error_code::decode(Self::TYPE, value)?;
        let family = value.first().copied().unwrap_or_default();
        let family = address::family(Self::TYPE, family)?;
        Ok(Self { family, error })
    }
}

impl Encode for AddressErrorCode<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        error_code::encode(address::number(self.family), self.error, value)
    }
}
