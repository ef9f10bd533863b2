//! The names of a call: its id, unguessable, and the entity tag of its ICE session.

use std::fmt::{self, Write as _};
use std::str::FromStr;

/// A call id: 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId([u8; 16]);

impl CallId {
    /// A fresh id from the system's randomness.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for CallId {
    /// The first four bytes only: whoever knows an id may end the call.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        f.write_str("CallId(")?;
        write_hex(f, &[a, b, c, d])?;
        f.write_str("…)")
    }
}

/// The text is no call id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a call id: expected 32 hexadecimal digits")]
pub struct InvalidCallId;

impl FromStr for CallId {
    type Err = InvalidCallId;

    fn from_str(text: &str) -> Result<Self, InvalidCallId> {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(lower_hex) {
            return Err(InvalidCallId);
        }
        u128::from_str_radix(text, 16)
            .map(|n| Self(n.to_be_bytes()))
            .map_err(|_| InvalidCallId)
    }
}

/// The entity tag of a call's ICE session (RFC 9725 §4.3.1), written with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// A fresh tag from the system's randomness.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        let mut text = String::with_capacity(18);
        let _ = write!(text, "\"{:016x}\"", u64::from_be_bytes(bytes));
        Ok(Self(text))
    }

    /// The tag with its quotes, as it stands in `ETag` and `If-Match`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        let id = CallId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "0",
            "+1234567890123456789012345678901",
            &"G".repeat(32),
            &"A".repeat(32),
        ] {
            assert_eq!(bad.parse::<CallId>(), Err(InvalidCallId), "{bad}");
        }
    }

    #[test]
    fn debug_does_not_give_the_id_away() {
        let id = CallId::random().unwrap();
        assert!(!format!("{id:?}").contains(&id.to_string()));
    }
}
