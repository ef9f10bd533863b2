//! Authentication codes under a key that never leaves this side.

use super::library::hmac;

/// The length of a tag in bytes: what is guessed with one try in 2^128.
pub(crate) const MAC_LENGTH: usize = 16;

/// A key for HMAC-SHA-256, of which the first half is used.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Another key, made of this one.
    pub(crate) fn derive(&self, label: &[u8]) -> Self {
        let key = hmac::sign(&self.0, label);
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// The tag of a message in parts. Their lengths are not authenticated: they have to follow
    /// from the parts.
    pub(crate) fn tag<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; MAC_LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let whole = context.sign();
        let half = whole.as_ref().first_chunk();
        half.copied().unwrap_or([0; MAC_LENGTH])
    }
}

impl core::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MacKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.2, test case 1, whose key is padded to 32 bytes with zeros: to HMAC the same.
    #[test]
    fn the_first_half_of_hmac_sha256() {
        let mut key = [0; 32];
        key[..20].fill(0x0B);
        let key = MacKey::new(&key);
        let tag = key.tag([&b"Hi "[..], b"There"]);
        assert_eq!(hex::encode(tag), "b0344c61d8db38535ca8afceaf0bf12b");
        assert_ne!(
            key.derive(b"a").tag([&b"x"[..]]),
            key.derive(b"b").tag([&b"x"[..]])
        );
    }
}
