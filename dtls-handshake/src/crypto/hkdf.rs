//! HKDF (RFC 5869), and HKDF-Expand-Label with the prefix of DTLS 1.3 (RFC 8446 §7.1,
//! RFC 9147 §5.9).
//!
//! On HMAC and not on the library's HKDF, which keeps its secrets to itself: here they go on into
//! the next extraction and into key logs.

use zeroize::Zeroize;

use super::HashAlgorithm;
use super::library::hmac;

/// There is no space at its end (RFC 9147 §5.9).
const LABEL_PREFIX: &[u8] = b"dtls13";
/// The longest label that fits behind the prefix, in bytes.
pub(crate) const MAX_LABEL_LENGTH: usize = 255 - LABEL_PREFIX.len();

/// HKDF-Extract: as many bytes as the hash function gives, at the front of `out`.
pub(crate) fn hkdf_extract(hash: HashAlgorithm, salt: &[u8], input: &[u8], out: &mut [u8]) {
    let key = hmac::Key::new(hash.hmac_algorithm(), salt);
    copy(hmac::sign(&key, input).as_ref(), out);
}

/// A secret that is expanded, once or more often.
pub(crate) struct Expander {
    hash: HashAlgorithm,
    key: hmac::Key,
}

impl Expander {
    pub(crate) fn new(hash: HashAlgorithm, secret: &[u8]) -> Self {
        let key = hmac::Key::new(hash.hmac_algorithm(), secret);
        Self { hash, key }
    }

    /// HKDF-Expand-Label. `label` has at most [`MAX_LABEL_LENGTH`] bytes, `context` 255, `out` 255
    /// times what the hash function gives.
    pub(crate) fn expand_label(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        let [.., l0, l1] = out.len().to_be_bytes();
        let label_length = [(LABEL_PREFIX.len() + label.len()) as u8];
        let context_length = [context.len() as u8];
        let info: [&[u8]; 6] = [
            &[l0, l1],
            &label_length,
            LABEL_PREFIX,
            label,
            &context_length,
            context,
        ];
        self.expand(&info, out);
    }

    /// HKDF-Expand, with what is expanded in parts; `out` has at most 255 times the bytes that the
    /// hash function gives.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        // T(i) = HMAC(T(i-1) + info + i), T(0) is empty (RFC 5869 §2.3).
        let mut block = [0; 64];
        let mut block_length = 0;
        for (chunk, counter) in out.chunks_mut(self.hash.output_length()).zip(1..=u8::MAX) {
            let mut context = hmac::Context::with_key(&self.key);
            context.update(block.get(..block_length).unwrap_or_default());
            info.iter().for_each(|part| context.update(part));
            context.update(&[counter]);
            let tag = context.sign();
            block_length = tag.as_ref().len();
            copy(tag.as_ref(), &mut block);
            copy(tag.as_ref(), chunk);
        }
        block.zeroize();
    }
}

/// HMAC, as Finished wants it (RFC 8446 §4.4.4).
pub(crate) fn hmac(hash: HashAlgorithm, key: &[u8], message: &[u8]) -> impl AsRef<[u8]> + use<> {
    hmac::sign(&hmac::Key::new(hash.hmac_algorithm(), key), message)
}

fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869 A.1, the extraction.
    #[test]
    fn extraction() {
        let mut out = [0; 32];
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        hkdf_extract(HashAlgorithm::Sha256, &salt, &[0x0B; 22], &mut out);
        assert_eq!(
            hex::encode(out),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        );
    }

    #[test]
    fn long_outputs_begin_as_short_ones_of_another_length_do_not() {
        let expand = |length| {
            let mut out = vec![0; length];
            Expander::new(HashAlgorithm::Sha384, &[1; 48]).expand_label(b"key", b"", &mut out);
            out
        };
        // The length is part of what is expanded.
        assert_ne!(expand(100)[..32], expand(32));
        assert_eq!(expand(100), expand(100));
        assert_ne!(expand(100)[..48], expand(100)[48..96]);
    }
}
