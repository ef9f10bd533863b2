//! USERNAME (RFC 8489 §14.3).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Whose password protects the message. In ICE: the receiver's fragment, a colon, the sender's
/// (RFC 8445 §7.2.2). At most 763 bytes, which leaves room for the two longest fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Username<'a>(pub &'a str);

impl<'a> Decode<'a> for Username<'a> {
    const TYPE: AttributeType = AttributeType::USERNAME;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        text::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for Username<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode(Self::TYPE, self.0.as_bytes(), value)
    }
}
