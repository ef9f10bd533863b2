//! Preparing what people type: the only file that names the library for it.

use alloc::borrow::Cow;

/// Why a name, realm or password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A character that nobody can type on purpose, or a mixture of writing directions
    /// (RFC 4013 §2.3, §2.4).
    #[error("a character or direction that names and passwords cannot have")]
    Prohibited,
    /// There is something else than ASCII, and the feature `saslprep` is off.
    #[error("letters other than ASCII need the feature saslprep")]
    NotAscii,
    /// More bytes than an attribute can hold.
    #[error("{length} bytes, and at most {limit} fit")]
    TooLong {
        /// Bytes there are.
        length: usize,
        /// Bytes there may be.
        limit: usize,
    },
}

/// The form of a name, realm or password that both sides compute with: SASLprep (RFC 4013), as RFC 5389
/// says and everybody does. RFC 8489 names OpaqueString (RFC 8265) instead; for all but a few letters
/// both give the same.
///
/// Printable ASCII stays as it is. Anything else needs the feature `saslprep`.
///
/// # Errors
///
/// The text has characters that are not allowed.
pub fn prepare(text: &str) -> Result<Cow<'_, str>, PrepareError> {
    if !text.is_ascii() {
        return prepare_unicode(text);
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(PrepareError::Prohibited);
    }
    Ok(Cow::Borrowed(text))
}

#[cfg(feature = "saslprep")]
fn prepare_unicode(text: &str) -> Result<Cow<'_, str>, PrepareError> {
    stringprep::saslprep(text).map_err(|_| PrepareError::Prohibited)
}

#[cfg(not(feature = "saslprep"))]
fn prepare_unicode(_: &str) -> Result<Cow<'_, str>, PrepareError> {
    Err(PrepareError::NotAscii)
}
