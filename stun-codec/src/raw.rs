//! Walking over the attributes of a message.

use core::iter::FusedIterator;

use crate::reader::Reader;
use crate::{AttributeType, RawAttribute};

/// The attributes of a message that count, in order.
///
/// What follows MESSAGE-INTEGRITY is left out, except MESSAGE-INTEGRITY-SHA256 and FINGERPRINT:
/// it is not protected and must be ignored (RFC 8489 §14.5). After MESSAGE-INTEGRITY-SHA256 only
/// FINGERPRINT counts (§14.6).
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    reader: Reader<'a>,
    protection: Protection,
}

/// Which integrity attributes have gone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    None,
    Sha1,
    Sha256,
}

impl<'a> Attributes<'a> {
    /// `reader` stands behind the header of a message whose structure has been checked.
    pub(crate) const fn new(reader: Reader<'a>) -> Self {
        Self {
            reader,
            protection: Protection::None,
        }
    }

    /// Whether an attribute counts at this place. Takes note of integrity attributes.
    pub(crate) fn admits(&mut self, attribute: AttributeType) -> bool {
        match (self.protection, attribute) {
            (_, AttributeType::FINGERPRINT) => true,
            (Protection::None, AttributeType::MESSAGE_INTEGRITY) => {
                self.protection = Protection::Sha1;
                true
            }
            (Protection::None | Protection::Sha1, AttributeType::MESSAGE_INTEGRITY_SHA256) => {
                self.protection = Protection::Sha256;
                true
            }
            (Protection::None, _) => true,
            (Protection::Sha1 | Protection::Sha256, _) => false,
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = RawAttribute<'a>;

    fn next(&mut self) -> Option<RawAttribute<'a>> {
        loop {
            let attribute = self.reader.attribute().ok()?;
            if self.admits(attribute.attribute_type) {
                return Some(attribute);
            }
        }
    }
}

impl FusedIterator for Attributes<'_> {}

/// The types of the comprehension-required attributes that were not understood
/// (RFC 8489 §6.3.1), in order, repeated where the message repeats them.
#[derive(Debug, Clone)]
pub struct UnknownRequired<'a> {
    attributes: Attributes<'a>,
    understood: fn(AttributeType) -> bool,
}

impl<'a> UnknownRequired<'a> {
    pub(crate) const fn new(
        attributes: Attributes<'a>,
        understood: fn(AttributeType) -> bool,
    ) -> Self {
        Self {
            attributes,
            understood,
        }
    }
}

impl Iterator for UnknownRequired<'_> {
    type Item = AttributeType;

    fn next(&mut self) -> Option<AttributeType> {
        let understood = self.understood;
        self.attributes
            .by_ref()
            .map(|attribute| attribute.attribute_type)
            .find(|&found| found.is_comprehension_required() && !understood(found))
    }
}

impl FusedIterator for UnknownRequired<'_> {}
