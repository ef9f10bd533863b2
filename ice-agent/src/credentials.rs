//! The ufrag and password of one side (RFC 8445 §5.3, RFC 8839 §5.4).

use std::fmt;

use zeroize::Zeroize;

use crate::random::Random;

/// Random characters of a local ufrag after the caller's prefix: 48 bits (RFC 8445 §5.3 asks
/// for 24).
const UFRAG_RANDOM: usize = 8;

/// Characters of a local password: 144 bits (RFC 8445 §5.3 asks for 128).
const PASSWORD_RANDOM: usize = 24;

/// Longest prefix that a caller may put in front of the random part of the ufrag.
pub(crate) const MAX_PREFIX: usize = 24;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether `c` may stand in a ufrag, a password or a foundation (RFC 8839 §5.1).
pub(crate) fn is_ice_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

/// The ufrag and password of one side. The password is absent from `Debug`, and overwritten when
/// the value is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The ufrag and right behind it the password.
    text: String,
    /// Length of the ufrag.
    split: usize,
}

/// A ufrag or password breaks RFC 8839 §5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The ufrag is too short or too long.
    #[error("ice-ufrag has {0} characters instead of 4 to 256")]
    UfragLength(usize),
    /// The password is too short or too long.
    #[error("ice-pwd has {0} characters instead of 22 to 256")]
    PasswordLength(usize),
    /// A character of the ufrag is not allowed.
    #[error("ice-ufrag may have letters, digits, '+' and '/' only; character {0} is another")]
    UfragCharacter(usize),
    /// A character of the password is not allowed.
    #[error("ice-pwd may have letters, digits, '+' and '/' only; character {0} is another")]
    PasswordCharacter(usize),
}

impl Credentials {
    /// Credentials as they were signalled: the ufrag has 4 to 256 characters, the password 22 to
    /// 256.
    ///
    /// # Errors
    /// When a length is out of range, or a character is not a letter, a digit, `+` or `/`
    /// (RFC 8839 §5.4).
    pub fn new(
        ufrag: impl AsRef<str>,
        password: impl AsRef<str>,
    ) -> Result<Self, CredentialsError> {
        let credentials = Self::of(ufrag.as_ref(), password.as_ref());
        let (ufrag, password) = (credentials.ufrag(), credentials.password());
        if !(4..=256).contains(&ufrag.len()) {
            return Err(CredentialsError::UfragLength(ufrag.len()));
        }
        if !(22..=256).contains(&password.len()) {
            return Err(CredentialsError::PasswordLength(password.len()));
        }
        if let Some(at) = ufrag.chars().position(|c| !is_ice_char(c)) {
            return Err(CredentialsError::UfragCharacter(at));
        }
        if let Some(at) = password.chars().position(|c| !is_ice_char(c)) {
            return Err(CredentialsError::PasswordCharacter(at));
        }
        Ok(credentials)
    }

    /// Fresh credentials whose ufrag begins with `prefix`.
    pub(crate) fn generate(prefix: &str, random: &mut Random) -> Self {
        let split = prefix.len() + UFRAG_RANDOM;
        let mut text = String::with_capacity(split + PASSWORD_RANDOM);
        text.push_str(prefix);
        text.extend((0..UFRAG_RANDOM + PASSWORD_RANDOM).map(|_| letter(random)));
        Self { text, split }
    }

    fn of(ufrag: &str, password: &str) -> Self {
        // With room for both, so that no copy of the password is left behind.
        let mut text = String::with_capacity(ufrag.len() + password.len());
        text.push_str(ufrag);
        text.push_str(password);
        let split = ufrag.len();
        Self { text, split }
    }

    /// Whether a part is the same.
    pub(crate) fn has_part_of(&self, other: &Self) -> bool {
        self.ufrag() == other.ufrag() || self.password() == other.password()
    }

    /// The ufrag.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        self.text.get(..self.split).unwrap_or_default()
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        self.text.get(self.split..).unwrap_or_default()
    }
}

fn letter(random: &mut Random) -> char {
    let at = usize::from(random.byte() % 64);
    ALPHABET.get(at).copied().map_or('A', char::from)
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ones_are_valid_and_debug_hides_the_password() {
        let mut random = Random::new([7; 32]);
        let made = Credentials::generate("w3+", &mut random);
        assert!(made.ufrag().starts_with("w3+"));
        assert_eq!(
            Credentials::new(made.ufrag(), made.password()),
            Ok(made.clone())
        );
        assert_ne!(made, Credentials::generate("w3+", &mut random));
        assert!(!format!("{made:?}").contains(made.password()));
    }

    #[test]
    fn lengths_and_characters_are_checked() {
        let pwd = "p".repeat(22);
        assert_eq!(
            Credentials::new("abc", &pwd),
            Err(CredentialsError::UfragLength(3))
        );
        assert_eq!(
            Credentials::new("abcd", "p"),
            Err(CredentialsError::PasswordLength(1))
        );
        assert_eq!(
            Credentials::new("ab:d", &pwd),
            Err(CredentialsError::UfragCharacter(2))
        );
        let bad = format!("{pwd} ");
        assert_eq!(
            Credentials::new("abcd", bad),
            Err(CredentialsError::PasswordCharacter(22))
        );
    }
}
