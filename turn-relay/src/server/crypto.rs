//! The only file of the server that names the libraries for hashes and base64.

use base64ct::{Base64, Encoding};
use hmac::digest::Key;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// HMAC-SHA1 in base64: the password that goes with a name and a shared secret.
pub(super) fn hmac_sha1_base64(key: &[u8], text: &str) -> Zeroizing<String> {
    let tag = keyed::<Sha1>(key).chain_update(text.as_bytes()).finalize();
    Zeroizing::new(Base64::encode_string(&tag.into_bytes()))
}

/// HMAC-SHA256 over the parts, one behind the other.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed::<Sha256>(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares in a time that does not depend on where the difference is.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A key of any length, as one block: hashed first where it is longer (RFC 2104 §2).
fn keyed<D: EagerHash + Digest>(key: &[u8]) -> Hmac<D> {
    let mut block = Key::<Hmac<D>>::default();
    if let Some(head) = block.get_mut(..key.len()) {
        head.copy_from_slice(key);
    } else {
        let hashed = D::digest(key);
        block
            .iter_mut()
            .zip(hashed)
            .for_each(|(byte, hashed)| *byte = hashed);
    }
    let mac = Hmac::new(&block);
    block.as_mut_slice().zeroize();
    mac
}
