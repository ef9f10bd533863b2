//! Session keys from a master key (RFC 3711 §4.3, RFC 6188 §3.1.2, RFC 7714 §11).

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::crypto::AesCm;

/// Length of the session authentication key (RFC 3711 §5.2), in bytes.
const AUTH_KEY_LEN: usize = 20;

/// Bits of a session salt: 112 for AES-CM, of which AEAD uses the left 96.
const SALT_LEN: usize = 14;

/// Which keys are derived: the labels of RFC 3711 §4.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Rtp,
    Rtcp,
}

impl Protocol {
    /// Labels of encryption key, authentication key and salt.
    const fn labels(self) -> [u8; 3] {
        match self {
            Self::Rtp => [0, 1, 2],
            Self::Rtcp => [3, 4, 5],
        }
    }
}

/// Labels of encryption key and salt of header extension elements (RFC 6904 §3.2).
const HEADER_EXTENSION_LABELS: [u8; 2] = [6, 7];

/// A master key and salt, while keys are derived from them.
pub(crate) struct MasterSecret {
    generator: AesCm,
    salt: Zeroizing<u128>,
    key_len: usize,
    salt_len: usize,
}

impl MasterSecret {
    /// `None` when `key` is no AES key.
    pub(crate) fn new(key: &[u8], salt: &[u8]) -> Option<Self> {
        // The salt is a number of 112 bits. A 96-bit salt is multiplied by 2^16: zeros stand on
        // its right (RFC 7714 §11, erratum 4938).
        let mut padded = Zeroizing::new([0; SALT_LEN]);
        padded.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(Self {
            generator: AesCm::new(key)?,
            salt: Zeroizing::new(number(&padded)),
            key_len: key.len(),
            salt_len: salt.len(),
        })
    }

    /// Derives with a key derivation rate of 0: one set of keys for the life of the master key.
    /// The index that the derivation mixes in is then 0, and takes 48 bits for SRTCP as for SRTP
    /// (RFC 3711 §4.3.1, §4.3.2, erratum 3712).
    pub(crate) fn session_keys(&self, protocol: Protocol) -> SessionKeys {
        let [encryption_label, authentication_label, salt_label] = protocol.labels();
        let mut keys = SessionKeys::blank(self.key_len);
        self.derive(encryption_label, &mut keys.encryption);
        self.derive(authentication_label, &mut keys.authentication);
        self.derive(salt_label, &mut keys.salt);
        keys
    }

    /// The keys of header extension elements (RFC 6904 §3.2), for AES-CM whatever the profile (RFC
    /// 7714 §8.3).
    ///
    /// For AEAD no RFC says how long the salt is. As implementations agree, it is derived as long
    /// as the master salt, 96 bits, and has zeros on its right.
    pub(crate) fn header_extension_keys(&self) -> SessionKeys {
        let [encryption_label, salt_label] = HEADER_EXTENSION_LABELS;
        let mut keys = SessionKeys::blank(self.key_len);
        self.derive(encryption_label, &mut keys.encryption);
        let salt = keys.salt.get_mut(..self.salt_len);
        self.derive(salt_label, salt.unwrap_or_default());
        keys
    }

    /// The key stream of the master key from key_id XOR salt, where key_id is the label followed
    /// by the 48-bit index, then 16 bits that count the blocks (RFC 3711 §4.3.1, §4.3.3).
    pub(crate) fn derive(&self, label: u8, out: &mut [u8]) {
        let x = *self.salt ^ u128::from(label) << 48;
        self.generator.apply(x << 16, out);
    }
}

/// The session keys of one protocol. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SessionKeys {
    encryption: [u8; 32],
    encryption_len: usize,
    authentication: [u8; AUTH_KEY_LEN],
    salt: [u8; SALT_LEN],
}

impl SessionKeys {
    const fn blank(encryption_len: usize) -> Self {
        Self {
            encryption: [0; 32],
            encryption_len,
            authentication: [0; AUTH_KEY_LEN],
            salt: [0; SALT_LEN],
        }
    }

    #[cfg(any(test, feature = "__internals"))]
    #[allow(
        clippy::indexing_slicing,
        reason = "for tests, which check the lengths"
    )]
    pub(crate) fn from_parts(encryption: &[u8], salt_96: &[u8]) -> Self {
        let mut keys = Self::blank(encryption.len());
        keys.encryption[..encryption.len()].copy_from_slice(encryption);
        keys.salt[..12].copy_from_slice(salt_96);
        keys
    }

    pub(crate) fn encryption(&self) -> &[u8] {
        self.encryption
            .get(..self.encryption_len)
            .unwrap_or_default()
    }

    pub(crate) const fn authentication(&self) -> &[u8] {
        &self.authentication
    }

    /// The session salt of AES-CM as a number of 112 bits.
    pub(crate) fn salt_112(&self) -> u128 {
        number(&self.salt)
    }

    /// The session salt of AEAD as a number of 96 bits (RFC 7714 §11: a 96-bit salt is derived).
    pub(crate) fn salt_96(&self) -> u128 {
        self.salt_112() >> 16
    }
}

/// A salt as a number.
fn number(salt: &[u8; SALT_LEN]) -> u128 {
    salt.iter()
        .fold(0, |number, &byte| number << 8 | u128::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(key: &str, salt: &str) -> [SessionKeys; 2] {
        let (key, salt) = (hex::decode(key).unwrap(), hex::decode(salt).unwrap());
        let secret = MasterSecret::new(&key, &salt).unwrap();
        [Protocol::Rtp, Protocol::Rtcp].map(|protocol| secret.session_keys(protocol))
    }

    /// RFC 3711 appendix B.3; the RTCP keys follow from the same function with the other labels.
    #[test]
    fn rfc3711_b3() {
        let [rtp, rtcp] = derived(
            "e1f97a0d3e018be0d64fa32c06de4139",
            "0ec675ad498afeebb6960b3aabe6",
        );
        assert_eq!(
            hex::encode(rtp.encryption()),
            "c61e7a93744f39ee10734afe3ff7a087"
        );
        assert_eq!(
            hex::encode(rtp.authentication()),
            "cebe321f6ff7716b6fd4ab49af256a156d38baa4"
        );
        assert_eq!(hex::encode(rtp.salt), "30cbbc08863d8c85d49db34a9ae1");
        assert_eq!(rtp.salt_112(), 0x30cb_bc08_863d_8c85_d49d_b34a_9ae1);
        assert_eq!(
            hex::encode(rtcp.encryption()),
            "4c1aa45a81f73d61c800bbb00fbb1eaa"
        );
        assert_eq!(
            hex::encode(rtcp.authentication()),
            "8d54534feb49ae8e7993a6bd0b844fc323a93dfd"
        );
        assert_eq!(hex::encode(rtcp.salt), "9581c7ad87b3e530bf3e4454a8b3");
    }

    /// RFC 6188 section 7.2.
    #[test]
    fn rfc6188_7_2() {
        let [rtp, _] = derived(
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
        );
        assert_eq!(
            hex::encode(rtp.encryption()),
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"
        );
        assert_eq!(hex::encode(rtp.salt), "fa31791685ca444a9e07c6c64e93");
    }

    /// RFC 6904 appendix A.1.
    #[test]
    fn rfc6904_a_1() {
        let key = hex::decode("e1f97a0d3e018be0d64fa32c06de4139").unwrap();
        let salt = hex::decode("0ec675ad498afeebb6960b3aabe6").unwrap();
        let keys = MasterSecret::new(&key, &salt)
            .unwrap()
            .header_extension_keys();
        assert_eq!(
            hex::encode(keys.encryption()),
            "549752054d6fb708622c4a2e596a1b93"
        );
        assert_eq!(hex::encode(keys.salt), "ab01818174c40d39a3781f7c2d27");
    }

    /// The 96-bit master salt has zeros on its right (RFC 7714 §11, erratum 4938).
    #[test]
    fn a_96_bit_salt_is_padded_on_the_right() {
        let [rtp, rtcp] = derived(
            "000102030405060708090a0b0c0d0e0f",
            "a0a1a2a3a4a5a6a7a8a9aaab",
        );
        assert_eq!(
            hex::encode(rtp.encryption()),
            "077c6143cb221bc355ff23d5f984a16e"
        );
        assert_eq!(rtp.salt_96(), 0x9af3_e953_64eb_ac9c_99c5_a7c4);
        assert_eq!(
            hex::encode(rtcp.encryption()),
            "615dcd9042600666f6fd4d9e4fe4519f"
        );
        assert_eq!(rtcp.salt_96(), 0xfcca_937b_9112_a500_dac7_2269);
    }
}
