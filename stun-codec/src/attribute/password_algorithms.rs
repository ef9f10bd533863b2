//! PASSWORD-ALGORITHMS (RFC 8489 §14.11).

use core::fmt;

use super::PasswordAlgorithm;
use crate::reader::Reader;
use crate::{AttributeType, Decode, DecodeError, Encode, EncodeError, TransactionId, ValueWriter};

/// The algorithms that a server can make keys of passwords with, the best first. Its client sends
/// the list back as it came, which shows that nobody has shortened it (RFC 8489 §9.2.1).
#[derive(Clone, Copy)]
pub struct PasswordAlgorithms<'a>(Source<'a>);

/// Where the list comes from: nothing is copied.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The value of the attribute, which was read through once.
    Value(&'a [u8]),
    List(&'a [PasswordAlgorithm<'a>]),
}

impl<'a> PasswordAlgorithms<'a> {
    /// The list.
    pub fn iter(&self) -> impl Iterator<Item = PasswordAlgorithm<'a>> + use<'a> {
        let (value, list) = match self.0 {
            Source::Value(value) => (value, Default::default()),
            Source::List(list) => (Default::default(), list),
        };
        let mut reader = Reader::new(value, 0);
        core::iter::from_fn(move || PasswordAlgorithm::read(&mut reader).ok())
            .chain(list.iter().copied())
    }
}

impl PartialEq for PasswordAlgorithms<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for PasswordAlgorithms<'_> {}

impl fmt::Debug for PasswordAlgorithms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordAlgorithms")?;
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> From<&'a [PasswordAlgorithm<'a>]> for PasswordAlgorithms<'a> {
    fn from(list: &'a [PasswordAlgorithm<'a>]) -> Self {
        Self(Source::List(list))
    }
}

impl<'a> Decode<'a> for PasswordAlgorithms<'a> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHMS;

    fn decode(value: &'a [u8], _: TransactionId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(value, 0);
        while !reader.is_empty() {
            PasswordAlgorithm::read(&mut reader)?;
        }
        Ok(Self(Source::Value(value)))
    }
}

impl Encode for PasswordAlgorithms<'_> {
    fn attribute_type(&self) -> AttributeType {
        Self::TYPE
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        self.iter()
            .try_for_each(|algorithm| algorithm.encode(value))
    }
}
