//! Certificate (RFC 5246 §7.4.2).

use crate::wire::{DecodeError, Reader, Writer};

/// The chain of one side, reduced to what counts: peers are recognised by the fingerprint of the
/// first certificate, and nobody vouches for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// DER; `None` from a side that has none.
    pub(crate) first: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "Certificate";
        let mut reader = Reader::new(body);
        let mut list = Reader::new(reader.vec24(what)?);
        reader.finish(what)?;
        let mut first = None;
        while !list.is_empty() {
            let certificate = list.vec24(what)?;
            if certificate.is_empty() {
                return Err(DecodeError(what));
            }
            first = first.or(Some(certificate));
        }
        Ok(Self { first })
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.vec24(|w| {
            if let Some(certificate) = self.first {
                w.vec24(|w| w.bytes(certificate));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_chain_counts_and_all_have_to_parse() {
        let mut bytes = Vec::new();
        Certificate {
            first: Some(b"der"),
        }
        .write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes, [0, 0, 6, 0, 0, 3, b'd', b'e', b'r']);
        assert_eq!(Certificate::read(&bytes).unwrap().first, Some(&b"der"[..]));
        let chain = [0, 0, 8, 0, 0, 1, 1, 0, 0, 1, 2];
        assert_eq!(Certificate::read(&chain).unwrap().first, Some(&[1][..]));
        assert!(Certificate::read(&[0, 0, 4, 0, 0, 2, 1]).is_err());
        assert!(Certificate::read(&[0, 0, 3, 0, 0, 0]).is_err());
        assert_eq!(Certificate::read(&[0, 0, 0]).unwrap().first, None);
    }
}
