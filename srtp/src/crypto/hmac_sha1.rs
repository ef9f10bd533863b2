//! HMAC-SHA1 under a key that is set once.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::{Unsealable, WrongTag};

/// Length of the whole tag in bytes; profiles use its left 4 or 10.
pub(crate) const TAG_LEN: usize = 20;

/// A keyed HMAC-SHA1. Holds the inner and outer midstates; each message works on a copy, so the
/// key is hashed once. Wiped when dropped (the libraries' `zeroize` feature).
pub(crate) struct HmacSha1(Hmac<Sha1>);

impl HmacSha1 {
    /// `None` never happens: HMAC takes keys of any length.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// The tag of `message` followed by `suffix`.
    #[inline]
    fn tag(&self, message: &[u8], suffix: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.update(suffix);
        mac.finalize().into_bytes().into()
    }

    /// Writes the left part of the tag of `message` followed by `suffix` into `place`, which holds
    /// no more than [`TAG_LEN`] bytes.
    #[inline]
    pub(crate) fn write_tag(
        &self,
        message: &[u8],
        suffix: &[u8],
        place: &mut [u8],
    ) -> Result<(), Unsealable> {
        let tag = self.tag(message, suffix);
        place.copy_from_slice(tag.get(..place.len()).ok_or(Unsealable)?);
        Ok(())
    }

    /// Whether `tag` is the left part of the tag of `message` followed by `suffix`; compared in
    /// constant time.
    #[inline]
    pub(crate) fn verify(&self, message: &[u8], suffix: &[u8], tag: &[u8]) -> Result<(), WrongTag> {
        let computed = self.tag(message, suffix);
        match computed.get(..tag.len()) {
            Some(left) if bool::from(left.ct_eq(tag)) => Ok(()),
            _ => Err(WrongTag),
        }
    }
}
