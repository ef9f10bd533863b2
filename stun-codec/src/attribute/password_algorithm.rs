//! PASSWORD-ALGORITHM (RFC 8489 §14.12).

use crate::reader::Reader;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// How the client made the key of a long-term credential from its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordAlgorithm<'a> {
    /// The registered number (RFC 8489 §18.5).
    pub algorithm: u16,
    /// What the algorithm needs besides; empty for both registered ones.
    pub parameters: &'a [u8],
}

impl PasswordAlgorithm<'static> {
    /// [`IntegrityKey::long_term`](crate::IntegrityKey::long_term) (RFC 8489 §18.5.1.1).
    pub const MD5: Self = Self {
        algorithm: 1,
        parameters: &[],
    };
    /// [`IntegrityKey::long_term_sha256`](crate::IntegrityKey::long_term_sha256)
    /// (RFC 8489 §18.5.1.2).
    pub const SHA256: Self = Self {
        algorithm: 2,
        parameters: &[],
    };
}

impl<'a> PasswordAlgorithm<'a> {
    /// Number, length, parameters, padding: the shape of an attribute.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let entry = reader.attribute()?;
        Ok(Self {
            algorithm: entry.attribute_type.0,
            parameters: entry.value,
        })
    }
}

impl<'a> Decode<'a> for PasswordAlgorithm<'a> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHM;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(value, 0);
        let algorithm = Self::read(&mut reader)?;
        if !reader.is_empty() {
            return Err(DecodeError::ValueLength {
                attribute: Self::TYPE,
                found: value.len(),
            });
        }
        Ok(algorithm)
    }
}

impl Encode for PasswordAlgorithm<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let length = self.parameters.len();
        let announced = u16::try_from(length).map_err(|_| EncodeError::ValueTooLong {
            attribute: Self::TYPE,
            length,
            limit: usize::from(u16::MAX),
        })?;
        value.u16(self.algorithm);
        value.u16(announced);
        value.bytes(self.parameters);
        value.bytes(
            [0; 3]
                .get(..length.next_multiple_of(4) - length)
                .unwrap_or_default(),
        );
        Ok(())
    }
}
