//! THIRD-PARTY-AUTHORIZATION (RFC 7635 §6.1).

use super::text;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The name of the server, which the client shows to its authorization server to get an
/// [`AccessToken`](super::AccessToken). At most 763 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThirdPartyAuthorization<'a>(pub &'a str);

impl<'a> Decode<'a> for ThirdPartyAuthorization<'a> {
    const TYPE: AttributeType = AttributeType::THIRD_PARTY_AUTHORIZATION;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        text::decode(Self::TYPE, value).map(Self)
    }
}

impl Encode for ThirdPartyAuthorization<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        text::encode(Self::TYPE, self.0.as_bytes(), value)
    }
}
