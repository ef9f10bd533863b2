//! Certificate (RFC 8446 §4.4.2).

use crate::wire::{DecodeError, Reader, Writer};

/// The chain of one side, and what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// The context of the CertificateRequest that it answers.
    pub(crate) context: &'a [u8],
    /// Known to be whole: certificates and extensions, each with its length.
    list: &'a [u8],
    /// Whether a certificate has an extension; none is ever asked for.
    pub(crate) has_extensions: bool,
}

impl<'a> Certificate<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "Certificate";
        let mut reader = Reader::new(body);
        let context = reader.vec8(what)?;
        let list = reader.vec24(what)?;
        reader.finish(what)?;
        let mut has_extensions = false;
        let mut rest = Reader::new(list);
        while !rest.is_empty() {
            if rest.vec24(what)?.is_empty() {
                return Err(DecodeError(what));
            }
            let mut extensions = Reader::new(rest.vec16(what)?);
            while !extensions.is_empty() {
                extensions.u16(what)?;
                extensions.vec16(what)?;
                has_extensions = true;
            }
        }
        Ok(Self {
            context,
            list,
            has_extensions,
        })
    }

    /// In DER, the leaf first; empty from a side that has none.
    pub(crate) fn chain(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Reader::new(self.list);
        core::iter::from_fn(move || {
            let certificate = rest.vec24("Certificate").ok()?;
            rest.vec16("Certificate").ok()?;
            Some(certificate)
        })
    }

    /// In a handshake the context is empty.
    pub(crate) fn write<'b>(w: &mut Writer<'_>, chain: impl IntoIterator<Item = &'b [u8]>) {
        w.vec8(|_| {});
        w.vec24(|w| {
            for certificate in chain {
                w.vec24(|w| w.bytes(certificate));
                w.vec16(|_| {});
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for chain in [&[][..], &[&b"der"[..], b"ca"]] {
            let mut bytes = Vec::new();
            Certificate::write(&mut Writer::new(&mut bytes), chain.iter().copied());
            let read = Certificate::read(&bytes).unwrap();
            assert_eq!(read.chain().collect::<Vec<_>>(), chain);
            assert!(read.context.is_empty() && !read.has_extensions);
            for length in 0..bytes.len() {
                assert!(Certificate::read(&bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn extensions_are_noticed() {
        let bytes = [1, 9, 0, 0, 10, 0, 0, 1, 7, 0, 4, 0, 5, 0, 0];
        let read = Certificate::read(&bytes).unwrap();
        assert_eq!(read.chain().collect::<Vec<_>>(), [[7]]);
        assert_eq!(read.context, [9]);
        assert!(read.has_extensions);
    }
}
