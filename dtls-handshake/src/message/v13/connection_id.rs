//! NewConnectionId and RequestConnectionId (RFC 9147 §9).

use crate::wire::{DecodeError, Reader, Writer};

/// When new connection IDs are to be used.
const IMMEDIATE: u8 = 0;
const SPARE: u8 = 1;

/// The sender has other connection IDs for what it receives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewConnectionId<'a> {
    /// The first of them; those behind it are discarded.
    pub(crate) first: Option<&'a [u8]>,
    /// Whether one has to be used from now on; `None` for a value that means nothing.
    pub(crate) immediate: Option<bool>,
}

impl<'a> NewConnectionId<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "NewConnectionId";
        let mut reader = Reader::new(body);
        let mut ids = Reader::new(reader.vec16(what)?);
        let usage = reader.u8(what)?;
        reader.finish(what)?;
        let mut first = None;
        while !ids.is_empty() {
            let id = ids.vec8(what)?;
            first = first.or(Some(id));
        }
        let immediate = match usage {
            IMMEDIATE => Some(true),
            SPARE => Some(false),
            _ => None,
        };
        Ok(Self { first, immediate })
    }

    /// The answer to a request by a side that has no others.
    pub(crate) fn write_none(w: &mut Writer<'_>) {
        w.vec16(|_| {});
        w.u8(SPARE);
    }
}

/// RequestConnectionId: how many are wanted does not matter to a side that has no others.
pub(crate) fn read_request_connection_id(body: &[u8]) -> Result<(), DecodeError> {
    let what = "RequestConnectionId";
    let mut reader = Reader::new(body);
    reader.u8(what)?;
    reader.finish(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_and_its_use_are_read() {
        let body = [0, 6, 2, 7, 8, 0, 1, 9, 0];
        let read = NewConnectionId::read(&body).unwrap();
        assert_eq!(
            (read.first, read.immediate),
            (Some(&[7, 8][..]), Some(true))
        );
        for length in 0..body.len() {
            assert!(NewConnectionId::read(&body[..length]).is_err());
        }
        assert!(NewConnectionId::read(&[0, 2, 2, 7, 0]).is_err());
        let unknown = NewConnectionId::read(&[0, 0, 2]).unwrap();
        assert_eq!((unknown.first, unknown.immediate), (None, None));
        let mut none = Vec::new();
        NewConnectionId::write_none(&mut Writer::new(&mut none));
        let none = NewConnectionId::read(&none).unwrap();
        assert_eq!((none.first, none.immediate), (None, Some(false)));
    }

    #[test]
    fn a_request_is_one_byte() {
        assert!(read_request_connection_id(&[3]).is_ok());
        assert!(read_request_connection_id(&[]).is_err());
        assert!(read_request_connection_id(&[3, 3]).is_err());
    }
}
