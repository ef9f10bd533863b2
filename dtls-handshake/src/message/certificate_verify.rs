//! CertificateVerify (RFC 5246 §7.4.8).

use crate::wire::{DecodeError, Reader, SignatureScheme, Writer};

/// A signature over the handshake so far.
#[derive(Debug)]
pub(crate) struct CertificateVerify<'a> {
    pub(crate) scheme: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> CertificateVerify<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "CertificateVerify";
        let mut reader = Reader::new(body);
        let scheme = reader.u16(what)?.into();
        let signature = reader.vec16(what)?;
        reader.finish(what)?;
        Ok(Self { scheme, signature })
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.u16(self.scheme.into());
        w.vec16(|w| w.bytes(self.signature));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        let message = CertificateVerify {
            scheme: SignatureScheme::Ed25519,
            signature: b"sig",
        };
        message.write(&mut Writer::new(&mut bytes));
        let read = CertificateVerify::read(&bytes).unwrap();
        assert_eq!(
            (read.scheme, read.signature),
            (SignatureScheme::Ed25519, &b"sig"[..])
        );
        for length in 0..bytes.len() {
            assert!(CertificateVerify::read(&bytes[..length]).is_err());
        }
    }
}
