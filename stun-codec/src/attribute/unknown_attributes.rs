//! UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).

use core::fmt;

use crate::UnknownRequired;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The attribute types that were not understood; comes with error 420.
///
/// To write it, make it from [`Message::unknown_required`](crate::Message::unknown_required).
#[derive(Clone)]
pub struct UnknownAttributes<'a>(Source<'a>);

/// Where the list comes from: nothing is copied.
#[derive(Clone)]
enum Source<'a> {
    /// The value of the attribute.
    Value(&'a [[u8; 2]]),
    /// The message that is being refused.
    Refused(UnknownRequired<'a>),
}

impl<'a> UnknownAttributes<'a> {
    /// The types in the list.
    pub fn iter(&self) -> impl Iterator<Item = AttributeType> + use<'a> {
        let (value, refused) = match &self.0 {
            Source::Value(value) => (*value, None),
            Source::Refused(unknown) => (Default::default(), Some(unknown.clone())),
        };
        value
            .iter()
            .map(|wire| AttributeType(u16::from_be_bytes(*wire)))
            .chain(refused.into_iter().flatten())
    }
}

impl fmt::Debug for UnknownAttributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnknownAttributes")?;
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> From<UnknownRequired<'a>> for UnknownAttributes<'a> {
    fn from(unknown: UnknownRequired<'a>) -> Self {
        Self(Source::Refused(unknown))
    }
}

impl<'a> Decode<'a> for UnknownAttributes<'a> {
    const TYPE: AttributeType = AttributeType::UNKNOWN_ATTRIBUTES;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        match value.as_chunks() {
            (types, []) => Ok(Self(Source::Value(types))),
            _ => Err(DecodeError::ValueLength {
                attribute: Self::TYPE,
                found: value.len(),
            }),
        }
    }
}

impl Encode for UnknownAttributes<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        self.iter().for_each(|unknown| value.u16(unknown.0));
        Ok(())
    }
}
