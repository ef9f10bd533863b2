//! Certificate (RFC 5246 §7.4.2).

use crate::wire::{DecodeError, Reader, Writer};

/// The chain of one side, in DER, the leaf first; empty from a side that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// Known to be whole: certificates with their lengths.
    list: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "Certificate";
        let mut reader = Reader::new(body);
        let list = reader.vec24(what)?;
        reader.finish(what)?;
        let mut rest = Reader::new(list);
        while !rest.is_empty() {
            if rest.vec24(what)?.is_empty() {
                return Err(DecodeError(what));
            }
        }
        Ok(Self { list })
    }

    pub(crate) fn chain(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Reader::new(self.list);
        core::iter::from_fn(move || rest.vec24("Certificate").ok())
    }

    pub(crate) fn write<'b>(w: &mut Writer<'_>, chain: impl IntoIterator<Item = &'b [u8]>) {
        w.vec24(|w| {
            for certificate in chain {
                w.vec24(|w| w.bytes(certificate));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        let chain = [&b"der"[..], b"ca"];
        Certificate::write(&mut Writer::new(&mut bytes), chain);
        assert_eq!(hex::encode(&bytes), "00000b0000036465720000026361");
        let read = Certificate::read(&bytes).unwrap();
        assert_eq!(read.chain().collect::<Vec<_>>(), chain);
        for length in 0..bytes.len() {
            assert!(Certificate::read(&bytes[..length]).is_err());
        }
        assert!(Certificate::read(&[0, 0, 4, 0, 0, 2, 1]).is_err());
        assert!(Certificate::read(&[0, 0, 3, 0, 0, 0]).is_err());
        assert_eq!(Certificate::read(&[0, 0, 0]).unwrap().chain().count(), 0);
    }
}
