//! CertificateRequest (RFC 8446 §4.3.2).

use super::super::extension::{read_extensions, read_list16, write_extension};
use crate::wire::{DecodeError, ExtensionType, List16, Reader, SignatureScheme, Writer};

/// What a server accepts from a client.
#[derive(Debug)]
pub(crate) struct CertificateRequest<'a> {
    pub(crate) context: &'a [u8],
    pub(crate) schemes: Option<List16<'a>>,
}

impl<'a> CertificateRequest<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let context = reader.vec8("CertificateRequest")?;
        let mut schemes = None;
        if reader.is_empty() {
            return Err(DecodeError("CertificateRequest"));
        }
        read_extensions(&mut reader, |kind, body| {
            if kind == ExtensionType::SignatureAlgorithms {
                schemes = Some(read_list16(body, "signature_algorithms")?);
            }
            // RFC 8446 §4.3.2: what is not recognised is ignored.
            Ok(())
        })?;
        reader.finish("CertificateRequest")?;
        Ok(Self { context, schemes })
    }

    /// In a handshake the context is empty.
    pub(crate) fn write(w: &mut Writer<'_>, schemes: &[SignatureScheme]) {
        w.vec8(|_| {});
        w.vec16(|w| {
            write_extension(w, ExtensionType::SignatureAlgorithms, |w| {
                w.list16(schemes.iter().map(|scheme| u16::from(*scheme)));
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        CertificateRequest::write(
            &mut Writer::new(&mut bytes),
            &[SignatureScheme::EcdsaSha256],
        );
        let request = CertificateRequest::read(&bytes).unwrap();
        assert!(request.context.is_empty());
        assert!(request.schemes.unwrap().contains(0x0403));
        for length in 0..bytes.len() {
            assert!(CertificateRequest::read(&bytes[..length]).is_err());
        }
        assert!(
            CertificateRequest::read(&[0, 0, 0])
                .unwrap()
                .schemes
                .is_none()
        );
    }
}
