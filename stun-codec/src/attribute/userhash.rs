//! USERHASH (RFC 8489 §14.4).

use super::fixed;
use crate::crypto;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// Stands for USERNAME where the name is to stay hidden: SHA-256 of `username:realm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Userhash(pub [u8; 32]);

impl Userhash {
    /// That of a user in a realm, both prepared as for
    /// [`IntegrityKey::long_term`](crate::IntegrityKey::long_term).
    #[must_use]
    pub fn new(username: &str, realm: &str) -> Self {
        Self(*crypto::sha256_joined(&[
            username.as_bytes(),
            realm.as_bytes(),
        ]))
    }
}

impl Decode<'_> for Userhash {
    const TYPE: AttributeType = AttributeType::USERHASH;

    fn decode(value: &[u8], _: TransactionId) -> Result<Self, DecodeError> {
        fixed(Self::TYPE, value).map(Self)
    }
}

impl Encode for Userhash {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(&self.0);
        Ok(())
    }
}
