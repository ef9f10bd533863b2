//! AES in counter mode: the cipher of AES_CM profiles and of every key derivation.

use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use ctr::flavors::Ctr128BE;

/// Length of an AES block in bytes.
const BLOCK_LEN: usize = 16;

/// An expanded AES key. Wiped when dropped (the libraries' `zeroize` feature).
#[expect(
    clippy::large_enum_variant,
    reason = "few, and always behind a pointer"
)]
pub(crate) enum AesCm {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl AesCm {
    /// Expands a key of 16 or 32 bytes; `None` for any other length.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128Enc::new_from_slice(key).ok().map(Self::Aes128),
            32 => Aes256Enc::new_from_slice(key).ok().map(Self::Aes256),
            _ => None,
        }
    }

    /// Adds the key stream that begins at `iv` to `data` (RFC 3711 §4.1.1).
    ///
    /// The low 16 bits of `iv` are zero and count the blocks: `data` stays under 2^16 blocks.
    #[inline]
    pub(crate) fn apply(&self, iv: u128, data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => apply(cipher, iv, data),
            Self::Aes256(cipher) => apply(cipher, iv, data),
        }
    }

    /// Adds the key stream from its byte `offset` on to `data`.
    pub(crate) fn apply_at(&self, iv: u128, offset: usize, data: &mut [u8]) {
        let iv = iv.wrapping_add((offset / BLOCK_LEN) as u128);
        let begun = offset % BLOCK_LEN;
        let (head, rest) = data.split_at_mut(data.len().min(BLOCK_LEN - begun));
        let mut block = [0; BLOCK_LEN];
        self.apply(iv, &mut block);
        for (byte, key) in head.iter_mut().zip(block.iter().skip(begun)) {
            *byte ^= key;
        }
        self.apply(iv.wrapping_add(1), rest);
    }
}

#[inline]
fn apply<C>(cipher: &C, iv: u128, data: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let iv = iv.to_be_bytes().into();
    CtrCore::<&C, Ctr128BE>::inner_iv_init(cipher, &iv).apply_keystream_partial(data.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 appendix B.2: the printed blocks of the key stream.
    #[test]
    fn rfc3711_b2() {
        let key = hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap();
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_0000;
        let mut stream = vec![0; 0xff02 * 16];
        AesCm::new(&key).unwrap().apply(iv, &mut stream);
        let blocks = [
            (0, "e03ead0935c95e80e166b16dd92b4eb4"),
            (1, "d23513162b02d0f72a43a2fe4a5f97ab"),
            (2, "41e95b3bb0a2e8dd477901e4fca894c0"),
            (0xfeff, "ec8cdf7398607cb0f2d21675ea9ea1e4"),
            (0xff00, "362b7c3c6773516318a077d7fc5073ae"),
            (0xff01, "6a2cc3787889374fbeb4c81b17ba6c44"),
        ];
        for (number, block) in blocks {
            assert_eq!(
                hex::encode(&stream[number * 16..][..16]),
                block,
                "block {number}"
            );
        }
    }

    #[test]
    fn the_key_stream_from_any_byte_on() {
        let (cipher, iv) = (AesCm::new(&[7; 16]).unwrap(), 5 << 16);
        let mut stream = [0; 100];
        cipher.apply(iv, &mut stream);
        for offset in 0..stream.len() {
            for end in offset..=stream.len() {
                let mut part = vec![0; end - offset];
                cipher.apply_at(iv, offset, &mut part);
                assert_eq!(part, stream[offset..end]);
            }
        }
    }

    /// RFC 6188 section 7.1.
    #[test]
    fn rfc6188_7_1() {
        let key = "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98";
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_0000;
        let mut stream = [0; 32];
        AesCm::new(&hex::decode(key).unwrap())
            .unwrap()
            .apply(iv, &mut stream);
        assert_eq!(
            hex::encode(stream),
            "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac"
        );
    }
}
