//! A name that can be dialled.

use std::fmt;
use std::str::FromStr;

/// The user part of a SIP URI (RFC 3261 §25.1, `user`), in its safe reading: letters, digits and
/// `-_.!~*'()`, with an optional `+` in front; 1 to 64 bytes.
///
/// The grammar's `&`, `=`, `$`, `,`, `;`, `?`, `/` and `%` escapes are refused, because servers
/// disagree about what they mean. Such a name cannot carry a host, URI parameters, URI headers or
/// a line break into a SIP message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User(String);

/// The longest name, in bytes.
const LONGEST: usize = 64;

impl User {
    /// The name under which the gateway itself calls.
    #[must_use]
    pub fn gateway() -> Self {
        Self("crosspoint".to_owned())
    }

    /// The name as it stands in the URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with a name that cannot be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUser {
    /// There is nothing to dial.
    #[error("it is empty")]
    Empty,
    /// More than 64 bytes.
    #[error("it is longer than 64 bytes")]
    TooLong,
    /// It names a host; calls go to the configured server only.
    #[error("it names a host; only a user at the configured SIP server can be dialled")]
    Host,
    /// It has URI parameters or headers.
    #[error("it has URI parameters or headers (';' or '?')")]
    Parameters,
    /// It has a control character.
    #[error("it has a control character")]
    Control,
    /// It has white space.
    #[error("it has white space")]
    Space,
    /// `+` is only allowed in front of a number.
    #[error("'+' may only stand at the start")]
    Plus,
    /// It has another character that cannot stand in a name.
    #[error("only letters, digits and -_.!~*'() can be dialled")]
    Character,
}

impl InvalidUser {
    fn of(c: char) -> Option<Self> {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => None,
            '-' | '_' | '.' | '!' | '~' | '*' | '\'' | '(' | ')' => None,
            '@' | ':' | '[' | ']' => Some(Self::Host),
            ';' | '?' => Some(Self::Parameters),
            '+' => Some(Self::Plus),
            c if c.is_control() => Some(Self::Control),
            c if c.is_whitespace() => Some(Self::Space),
            _ => Some(Self::Character),
        }
    }
}

impl TryFrom<&str> for User {
    type Error = InvalidUser;

    fn try_from(text: &str) -> Result<Self, InvalidUser> {
        if text.len() > LONGEST {
            return Err(InvalidUser::TooLong);
        }
        let rest = text.strip_prefix('+').unwrap_or(text);
        if rest.is_empty() {
            return Err(InvalidUser::Empty);
        }
        match rest.chars().find_map(InvalidUser::of) {
            Some(problem) => Err(problem),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl FromStr for User {
    type Err = InvalidUser;

    fn from_str(text: &str) -> Result<Self, InvalidUser> {
        Self::try_from(text)
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_numbers_can_be_dialled() {
        for good in [
            "echo",
            "+49301234",
            "*97",
            "alice.b-c_d!~'()",
            "0",
            &"9".repeat(64),
        ] {
            assert_eq!(
                User::try_from(good).map(|u| u.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (bad, problem) in [
            ("", InvalidUser::Empty),
            ("+", InvalidUser::Empty),
            ("a@evil.example", InvalidUser::Host),
            ("sip:a", InvalidUser::Host),
            ("a;maddr=10.0.0.1", InvalidUser::Parameters),
            ("a?Subject=x", InvalidUser::Parameters),
            ("a\r\nVia: x", InvalidUser::Control),
            ("a\0", InvalidUser::Control),
            ("a b", InvalidUser::Space),
            ("a\u{2003}b", InvalidUser::Space),
            ("++1", InvalidUser::Plus),
            ("1+1", InvalidUser::Plus),
            ("a%40b", InvalidUser::Character),
            ("a,b", InvalidUser::Character),
            ("a/b", InvalidUser::Character),
            ("a<b>", InvalidUser::Character),
            ("ümlaut", InvalidUser::Character),
        ] {
            assert_eq!(User::try_from(bad), Err(problem), "{bad:?}");
        }
        assert_eq!(User::try_from(&*"9".repeat(65)), Err(InvalidUser::TooLong));
    }

    proptest! {
        /// No string can bring anything but harmless characters into a message.
        #[test]
        fn nothing_can_be_smuggled_in(text in any::<String>()) {
            if let Ok(user) = User::try_from(&*text) {
                prop_assert!((1..=64).contains(&user.as_str().len()));
                let harmless = |b: u8| b.is_ascii_alphanumeric() || b"+-_.!~*'()".contains(&b);
                prop_assert!(user.as_str().bytes().all(harmless));
            }
        }

        #[test]
        fn one_bad_character_spoils_a_name(
            head in "[a-z0-9]{0,20}", bad in "[^a-zA-Z0-9_.!~*'()-]", tail in "[a-z0-9]{0,20}",
        ) {
            let text = format!("{head}{bad}{tail}");
            prop_assume!(!(head.is_empty() && bad == "+" && !tail.is_empty()));
            prop_assert!(User::try_from(&*text).is_err());
        }
    }
}
