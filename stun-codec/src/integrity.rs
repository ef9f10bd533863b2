//! Keys, and the proof that a message was made with one.

use core::fmt;
use core::ops::Deref;

use crate::crypto::{self, Macs, SHA1_TAG, SHA256_TAG};
use crate::message::HEADER;
use crate::{AttributeType, Message, VerifyError};

/// The key of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256, made once per password.
///
/// It keeps the HMAC states that have absorbed the key, never the password. They are cleared on
/// drop and absent from `Debug`.
#[derive(Clone)]
pub struct IntegrityKey(Macs);

impl IntegrityKey {
    /// The key of the short-term mechanism, which ICE uses: the password itself
    /// (RFC 8489 §9.1.1). ICE passwords need no preparation.
    pub fn short_term(password: &str) -> Self {
        Self(Macs::new(password.as_bytes()))
    }

    /// The key of the long-term mechanism with its default algorithm:
    /// MD5 of `username:realm:password` (RFC 8489 §18.5.1.1). The three must already be prepared
    /// (SASLprep or OpaqueString); plain ASCII always is.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        let parts = [username, realm, password].map(str::as_bytes);
        Self(Macs::new(&*crypto::md5_joined(&parts)))
    }

    /// The key of the long-term mechanism where PASSWORD-ALGORITHM says SHA-256
    /// (RFC 8489 §18.5.1.2). As above otherwise.
    pub fn long_term_sha256(username: &str, realm: &str, password: &str) -> Self {
        let parts = [username, realm, password].map(str::as_bytes);
        Self(Macs::new(&*crypto::sha256_joined(&parts)))
    }

    /// A key that was made before, such as a store keeps instead of passwords: 16 bytes of MD5 or 32 of
    /// SHA-256.
    pub fn from_bytes(key: &[u8]) -> Self {
        Self(Macs::new(key))
    }

    pub(crate) fn sha1(&self, parts: &[&[u8]]) -> [u8; SHA1_TAG] {
        self.0.sha1(parts)
    }

    pub(crate) fn sha256(&self, parts: &[&[u8]]) -> [u8; SHA256_TAG] {
        self.0.sha256(parts)
    }
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}

/// How a message was protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MESSAGE-INTEGRITY (RFC 8489 §14.5).
    HmacSha1,
    /// MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6), untruncated.
    HmacSha256,
}

/// A message whose integrity attribute was made with the key: the proof that its sender holds it
/// and that no attribute in it was changed. It reads like the message itself.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    message: Message<'a>,
    algorithm: Algorithm,
}

impl<'a> Verified<'a> {
    /// The message.
    pub const fn message(&self) -> Message<'a> {
        self.message
    }

    /// What it was verified with: the answer must be protected likewise (RFC 8489 §9.1.3).
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl<'a> Deref for Verified<'a> {
    type Target = Message<'a>;

    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}

impl<'a> Message<'a> {
    /// Checks the integrity attribute in constant time.
    ///
    /// Where MESSAGE-INTEGRITY-SHA256 is present it alone decides: there is no falling back to
    /// the weaker one (RFC 8489 §9.1.3). Its truncated forms are not accepted. Attributes that
    /// the tag does not cover are never returned by [`Message::attributes`], so that everything
    /// readable in a [`Verified`] is proved, FINGERPRINT excepted.
    ///
    /// # Errors
    ///
    /// There is no integrity attribute, it is malformed, or it does not match.
    pub fn verify(&self, key: &IntegrityKey) -> Result<Verified<'a>, VerifyError> {
        let algorithm = if let Some((covered, tag)) = self.integrity_sha256() {
            let attribute = AttributeType::MESSAGE_INTEGRITY_SHA256;
            self.check(covered, tag, attribute, |parts| key.sha256(parts))?;
            Algorithm::HmacSha256
        } else if let Some((covered, tag)) = self.integrity() {
            let attribute = AttributeType::MESSAGE_INTEGRITY;
            self.check(covered, tag, attribute, |parts| key.sha1(parts))?;
            Algorithm::HmacSha1
        } else {
            return Err(VerifyError::Missing);
        };
        Ok(Verified {
            message: *self,
            algorithm,
        })
    }

    /// The tag covers everything before its attribute, with the length field as if the message
    /// ended with that attribute (RFC 8489 §14.5).
    fn check<const N: usize>(
        &self,
        covered: &[u8],
        tag: &[u8],
        attribute: AttributeType,
        compute: impl FnOnce(&[&[u8]]) -> [u8; N],
    ) -> Result<(), VerifyError> {
        if tag.len() != N {
            return Err(VerifyError::TagLength {
                attribute,
                found: tag.len(),
            });
        }
        let header = header_ending_at(self.header(), covered.len() + 4 + N);
        if crypto::equal(&compute(&[&header, covered]), tag) {
            Ok(())
        } else {
            Err(VerifyError::Mismatch { attribute })
        }
    }
}

/// The header with another length field. `length` is at most that of the message it came from.
fn header_ending_at(header: &[u8; HEADER], length: usize) -> [u8; HEADER] {
    let mut header = *header;
    let [_, _, high, low, ..] = &mut header;
    [*high, *low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    header
}
