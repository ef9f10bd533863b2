//! The only file that names the libraries for HMAC, MD5 and CRC-32.

use hmac::digest::{Key, Output};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Length of an HMAC-SHA1 tag in bytes.
pub(crate) const SHA1_TAG: usize = 20;

/// Length of an HMAC-SHA256 tag in bytes.
pub(crate) const SHA256_TAG: usize = 32;

/// Both HMACs of one key, with the key already absorbed: each tag starts from a copy. The
/// libraries clear them on drop.
#[derive(Clone)]
pub(crate) struct Macs {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl Macs {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            sha1: keyed(key),
            sha256: keyed(key),
        }
    }

    pub(crate) fn sha1(&self, parts: &[&[u8]]) -> [u8; SHA1_TAG] {
        tag(&self.sha1, parts).into()
    }

    pub(crate) fn sha256(&self, parts: &[&[u8]]) -> [u8; SHA256_TAG] {
        tag(&self.sha256, parts).into()
    }
}

/// Absorbs a key of any length: padded with zeros to one block, hashed first where it is longer
/// than that (RFC 2104 §2). Going through a whole block has no failure to handle.
fn keyed<D: EagerHash + Digest>(key: &[u8]) -> Hmac<D> {
    let mut block = Key::<Hmac<D>>::default();
    if let Some(head) = block.get_mut(..key.len()) {
        head.copy_from_slice(key);
    } else {
        block
            .iter_mut()
            .zip(D::digest(key))
            .for_each(|(byte, hashed)| *byte = hashed);
    }
    let mac = Hmac::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

fn tag<M: Mac + Clone>(keyed: &M, parts: &[&[u8]]) -> Output<M> {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes()
}

/// Compares in a time that does not depend on where the difference is.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// MD5 over the parts joined by colons.
pub(crate) fn md5_joined(parts: [&[u8]; 3]) -> Zeroizing<[u8; 16]> {
    let [username, realm, password] = parts;
    let mut md5 = Md5::new();
    md5.update(username);
    md5.update(b":");
    md5.update(realm);
    md5.update(b":");
    md5.update(password);
    Zeroizing::new(md5.finalize().into())
}

/// The CRC-32 of ITU V.42 over the parts one after the other.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}
