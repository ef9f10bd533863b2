//! Certificates and keys in the forms in which they are stored.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::Refused;

/// A private key in DER: PKCS#8, PKCS#1 (RSA) or SEC 1 (ECDSA).
pub(crate) use rustls_pki_types::PrivateKeyDer as PrivateKey;

/// All certificates of a text (RFC 7468), in their order, or the index of the first that is
/// damaged.
pub(crate) fn read_certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, usize> {
    let certificates = CertificateDer::pem_slice_iter(text).enumerate();
    certificates
        .map(|(index, certificate)| Ok(certificate.map_err(|_| index)?.to_vec()))
        .collect()
}

/// The first private key of a text that is not encrypted.
pub(crate) fn read_private_key(text: &[u8]) -> Result<Zeroizing<PrivateKey<'static>>, Refused> {
    let key = PrivateKey::from_pem_slice(text).map_err(|_| Refused)?;
    Ok(Zeroizing::new(key))
}
