//! ACCESS-TOKEN (RFC 7635 §6.2).

use crate::reader::Reader;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The token that an authorization server has made for a relay. Only these two can read it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessToken<'a> {
    /// The nonce of the cipher, at most 65,535 bytes.
    pub nonce: &'a [u8],
    /// The session key, a time and a lifetime, encrypted and authenticated.
    pub encrypted: &'a [u8],
}

impl core::fmt::Debug for AccessToken<'_> {
    /// Without the token, which is a credential.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

impl<'a> Decode<'a> for AccessToken<'a> {
    const TYPE: AttributeType = AttributeType::ACCESS_TOKEN;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(value, 0);
        let length = reader.u16()?;
        let nonce = reader.bytes(length.into())?;
        let encrypted = reader.rest();
        Ok(Self { nonce, encrypted })
    }
}

impl Encode for AccessToken<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let length = self.nonce.len();
        value.u16(
            u16::try_from(length).map_err(|_| EncodeError::ValueTooLong {
                attribute: Self::TYPE,
                length,
                limit: usize::from(u16::MAX),
            })?,
        );
        value.bytes(self.nonce);
        value.bytes(self.encrypted);
        Ok(())
    }
}
