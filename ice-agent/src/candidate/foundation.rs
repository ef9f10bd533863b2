//! Foundations: short labels that are equal for candidates that share their fate (RFC 8445
//! §5.1.1.3).

use std::fmt;
use std::str::FromStr;

use crate::credentials::is_ice_char;

/// Longest foundation in bytes (RFC 8839 §5.1).
const MAX: usize = 32;

/// A foundation: 1 to 32 characters of letters, digits, `+` and `/`. Held inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Foundation {
    len: u8,
    bytes: [u8; MAX],
}

/// The text is not a foundation: 1 to 32 letters, digits, `+` and `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a foundation is 1 to 32 letters, digits, '+' and '/'")]
pub struct InvalidFoundation;

impl Foundation {
    /// The foundation as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A foundation made of a letter and a number, as the agent gives to its own candidates.
    pub(crate) fn numbered(letter: u8, number: u32) -> Self {
        let mut bytes = [0; MAX];
        let mut digits = [0_u8; 10];
        let mut rest = number;
        let mut count = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        let text = std::iter::once(letter).chain(digits.into_iter().skip(10 - count));
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = from;
        }
        Self {
            len: 1 + count as u8,
            bytes,
        }
    }
}

impl FromStr for Foundation {
    type Err = InvalidFoundation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !(1..=MAX).contains(&text.len()) || !text.chars().all(is_ice_char) {
            return Err(InvalidFoundation);
        }
        let mut bytes = [0; MAX];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self {
            len: text.len() as u8,
            bytes,
        })
    }
}

impl fmt::Display for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foundation({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_decimals() {
        assert_eq!(Foundation::numbered(b'h', 0).as_str(), "h0");
        assert_eq!(
            Foundation::numbered(b's', 4_294_967_295).as_str(),
            "s4294967295"
        );
    }

    #[test]
    fn lengths_are_bounded() {
        assert!("".parse::<Foundation>().is_err());
        assert!("a".repeat(32).parse::<Foundation>().is_ok());
        assert!("a".repeat(33).parse::<Foundation>().is_err());
        assert!("a b".parse::<Foundation>().is_err());
    }
}
