//! The extension key_share (RFC 8446 §4.2.8).

use crate::wire::{DecodeError, Group, Reader, Writer};

const WHAT: &str = "key_share";

/// A public key of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyShare<'a> {
    pub(crate) group: Group,
    pub(crate) public_key: &'a [u8],
}

impl<'a> KeyShare<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let group = reader.u16(WHAT)?.into();
        let public_key = reader.vec16(WHAT)?;
        if public_key.is_empty() {
            return Err(DecodeError(WHAT));
        }
        Ok(Self { group, public_key })
    }

    /// The share of a ServerHello, which is the whole extension.
    pub(crate) fn read_only(mut body: Reader<'a>) -> Result<Self, DecodeError> {
        let share = Self::read(&mut body)?;
        body.finish(WHAT)?;
        Ok(share)
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(self.group.into());
        w.vec16(|w| w.bytes(self.public_key));
    }
}

/// The shares of a ClientHello, which may be none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyShares<'a> {
    list: Reader<'a>,
}

impl<'a> KeyShares<'a> {
    pub(crate) fn read(mut body: Reader<'a>) -> Result<Self, DecodeError> {
        let list = Reader::new(body.vec16(WHAT)?);
        body.finish(WHAT)?;
        let mut rest = list;
        while !rest.is_empty() {
            KeyShare::read(&mut rest)?;
        }
        Ok(Self { list })
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = KeyShare<'a>> {
        let mut rest = self.list;
        // All of them were read once.
        core::iter::from_fn(move || KeyShare::read(&mut rest).ok())
    }

    /// The share of this group.
    pub(crate) fn of(self, group: Group) -> Option<KeyShare<'a>> {
        self.iter().find(|share| share.group == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_and_not_empty() {
        let read = |bytes: &[u8]| KeyShares::read(Reader::new(bytes)).map(|s| s.iter().count());
        assert_eq!(read(&[0, 0]), Ok(0));
        assert_eq!(read(&[0, 10, 0, 29, 0, 1, 7, 0, 23, 0, 1, 8]), Ok(2));
        for malformed in [
            &[0, 4, 0, 29, 0, 0][..],
            &[0, 5, 0, 29, 0, 2, 7],
            &[0, 6, 0, 29, 0, 1, 7],
            &[0, 5, 0, 29, 0, 1, 7, 9],
        ] {
            assert_eq!(read(malformed), Err(DecodeError(WHAT)), "{malformed:?}");
        }
    }
}
