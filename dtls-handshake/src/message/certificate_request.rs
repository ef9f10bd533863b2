//! CertificateRequest (RFC 5246 §7.4.4).

use crate::crypto::KeyKind;
use crate::wire::{DecodeError, List16, Reader, SignatureScheme, Writer};

/// ClientCertificateType rsa_sign (RFC 5246 §7.4.4).
const RSA_SIGN: u8 = 1;
/// ClientCertificateType ecdsa_sign (RFC 8422 §5.5), which stands for Ed25519 as well.
const ECDSA_SIGN: u8 = 64;

/// What a server accepts from a client. The list of authorities is not looked at: certificates
/// are self-signed.
#[derive(Debug)]
pub(crate) struct CertificateRequest<'a> {
    types: &'a [u8],
    schemes: List16<'a>,
}

impl<'a> CertificateRequest<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "CertificateRequest";
        let mut reader = Reader::new(body);
        let types = reader.vec8(what)?;
        let schemes = reader.list16(what)?;
        let mut authorities = Reader::new(reader.vec16(what)?);
        reader.finish(what)?;
        while !authorities.is_empty() {
            authorities.vec16(what)?;
        }
        Ok(Self { types, schemes })
    }

    /// The schemes of signatures that are accepted, when keys of this kind are.
    pub(crate) fn schemes_for(&self, kind: KeyKind) -> Option<List16<'a>> {
        let wanted = match kind {
            KeyKind::Rsa => RSA_SIGN,
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Ed25519 => ECDSA_SIGN,
        };
        self.types.contains(&wanted).then_some(self.schemes)
    }

    pub(crate) fn write(w: &mut Writer<'_>, schemes: &[SignatureScheme]) {
        w.vec8(|w| w.bytes(&[ECDSA_SIGN, RSA_SIGN]));
        w.list16(schemes.iter().map(|scheme| u16::from(*scheme)));
        w.vec16(|_| {});
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
        for kind in [KeyKind::EcdsaP384, KeyKind::Rsa] {
            let schemes = request.schemes_for(kind).unwrap();
            assert!(schemes.contains(0x0403) && !schemes.contains(0x0503));
        }
        for length in 0..bytes.len() {
            assert!(CertificateRequest::read(&bytes[..length]).is_err());
        }
        let rsa_only = CertificateRequest::read(&[1, RSA_SIGN, 0, 2, 4, 3, 0, 0]).unwrap();
        assert!(rsa_only.schemes_for(KeyKind::Ed25519).is_none());
        assert!(rsa_only.schemes_for(KeyKind::Rsa).is_some());
        assert!(CertificateRequest::read(&[1, 64, 0, 2, 4, 3, 0, 2, 0, 1]).is_err());
    }
}
