//! The primitives, as `crypto` wraps them.

use crate::crypto::{self, Aead, Expander, HashAlgorithm, MaskKey};
use crate::event::Version;
use crate::suite::Suite;

/// The PRF of TLS 1.2 (RFC 5246 §5).
pub fn prf(hash: HashAlgorithm, secret: &[u8], label: &str, seed: &[u8], out: &mut [u8]) {
    crypto::prf(hash, secret, label.as_bytes(), &[seed], out);
}

/// HKDF-Extract (RFC 5869 §2.2).
#[must_use]
pub fn hkdf_extract(hash: HashAlgorithm, salt: &[u8], input: &[u8]) -> Vec<u8> {
    let mut out = vec![0; hash.output_length()];
    crypto::hkdf_extract(hash, salt, input, &mut out);
    out
}

/// HKDF-Expand (RFC 5869 §2.3).
#[must_use]
pub fn hkdf_expand(hash: HashAlgorithm, secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    Expander::new(hash, secret).expand(&[info], &mut out);
    out
}

/// HKDF-Expand-Label with the prefix of DTLS (RFC 9147 §5.9).
#[must_use]
pub fn hkdf_expand_label(
    hash: HashAlgorithm,
    secret: &[u8],
    label: &str,
    context: &[u8],
    length: usize,
) -> Vec<u8> {
    let mut out = vec![0; length];
    Expander::new(hash, secret).expand_label(label.as_bytes(), context, &mut out);
    out
}

/// HMAC.
#[must_use]
pub fn hmac(hash: HashAlgorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    crypto::hmac(hash, key, message).as_ref().to_vec()
}

/// The hash function of a cipher suite.
#[must_use]
pub fn suite_hash(cipher_suite: u16) -> Option<HashAlgorithm> {
    Some(Suite::by_id(cipher_suite.into())?.hash)
}

/// What a ciphertext with its tag says, when it verifies with the AEAD of a cipher suite.
#[must_use]
pub fn aead_open(
    cipher_suite: u16,
    key: &[u8],
    nonce: [u8; 12],
    additional_data: &[u8],
    ciphertext: &[u8],
) -> Option<Vec<u8>> {
    let suite = Suite::by_id(cipher_suite.into())?;
    let mut data = ciphertext.to_vec();
    let key = Aead::new(suite.aead, key).ok()?;
    let plain = key.open(nonce, additional_data, &mut data).ok()?;
    Some(plain.to_vec())
}

/// The first two bytes of the mask over the numbers of records (RFC 9147 §4.2.3).
#[must_use]
pub fn record_number_mask(cipher_suite: u16, key: &[u8], sample: &[u8; 16]) -> Option<[u8; 2]> {
    let suite = Suite::by_id(cipher_suite.into())?;
    MaskKey::new(suite.aead, key).ok()?.mask(sample).ok()
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
