//! The primitives, as `crypto` wraps them.

use crate::crypto::{self, HashAlgorithm};
use crate::event::Version;

/// The PRF of TLS 1.2 (RFC 5246 §5).
pub fn prf(hash: HashAlgorithm, secret: &[u8], label: &str, seed: &[u8], out: &mut [u8]) {
    crypto::prf(hash, secret, label.as_bytes(), &[seed], out);
}

/// Reads the public key out of a certificate in DER. `false` when there is none.
#[must_use]
pub fn read_certificate(der: &[u8]) -> bool {
    matches!(crypto::public_key(der), Ok(Some(_)))
}

/// Whether a signature of this scheme verifies with the key in a certificate in DER, by the rules
/// of DTLS 1.2.
#[must_use]
pub fn signature_verifies(der: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
    let Ok(Some(key)) = crypto::public_key(der) else {
        return false;
    };
    key.verify(Version::Dtls12, scheme.into(), message, signature)
        .is_ok()
}
