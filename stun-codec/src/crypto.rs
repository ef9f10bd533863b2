//! The only file that names the libraries for hashes, HMAC and CRC-32.

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

/// One HMAC-SHA256 with a key that is not used again.
#[cfg(feature = "std")]
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; SHA256_TAG] {
    tag(&keyed::<Sha256>(key), parts).into()
}

/// Compares in a time that does not depend on where the difference is.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// MD5 over the parts joined by colons.
pub(crate) fn md5_joined(parts: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(joined::<Md5>(parts).into())
}

/// SHA-256 over the parts joined by colons.
pub(crate) fn sha256_joined(parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(joined::<Sha256>(parts).into())
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Output<D> {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    digest.finalize()
}

/// The CRC-32 of ITU V.42. In one piece: the library is slow on the last bytes of each.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &[&[u8]] = &[b"Test Using Larger Than Block-Size Key - Hash Key First"];

    #[test]
    fn hmac_of_short_and_long_keys() {
        // RFC 2202 §3, cases 1 and 6.
        assert_eq!(
            hex::encode(Macs::new(&[0x0b; 20]).sha1(&[b"Hi ", b"There"])),
            "b617318655057264e28bc0b6fb378c8ef146be00"
        );
        assert_eq!(
            hex::encode(Macs::new(&[0xaa; 80]).sha1(LONG)),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        );
        // RFC 4231 §4.2 and §4.7.
        assert_eq!(
            hex::encode(Macs::new(&[0x0b; 20]).sha256(&[b"Hi There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex::encode(Macs::new(&[0xaa; 131]).sha256(LONG)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
