//! Bearer tokens: who may call.
//!
//! Secrets leave memory when they are dropped, are compared in constant time, and do not appear
//! in `Debug`.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The shortest token, in characters.
const MIN_LEN: usize = 16;

/// Text that must not be seen.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a text secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }

            // A secret of digits only, without its quotes, must not be told either.
            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::invalid_type(Unexpected::Other("integer"), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A bearer token and whose it is.
#[derive(Debug, Clone)]
pub struct Token {
    name: Arc<str>,
    secret: Secret,
}

impl Token {
    /// Checks a token: at least 16 characters, of those that a header can carry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(name: &str, secret: Secret) -> Result<Self, &'static str> {
        // RFC 6750 §2.1, `b64token`.
        let sendable = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        if name.is_empty() {
            return Err("the token has no name");
        }
        if name.chars().any(char::is_control) {
            return Err("the name has control characters");
        }
        if secret.reveal().len() < MIN_LEN {
            return Err("the token is shorter than 16 characters");
        }
        if !secret.reveal().bytes().all(sendable) {
            return Err("the token has characters other than letters, digits and -._~+/=");
        }
        Ok(Self {
            name: name.into(),
            secret,
        })
    }
}

/// All tokens, with names and secrets that differ.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one.
    ///
    /// # Errors
    /// When its name or its secret is there already.
    pub fn add(&mut self, token: Token) -> Result<(), &'static str> {
        if self.0.iter().any(|other| other.name == token.name) {
            return Err("there are two tokens of this name");
        }
        if self.find(token.secret.reveal()).is_some() {
            return Err("another name has the same token");
        }
        self.0.push(token);
        Ok(())
    }

    /// The name of the token that was presented. The time it takes tells at most its length.
    #[must_use]
    pub fn find(&self, presented: &str) -> Option<&Arc<str>> {
        let presented = presented.as_bytes();
        let same = |token: &Token| bool::from(token.secret.reveal().as_bytes().ct_eq(presented));
        // All are compared, so that the time does not tell which one was near.
        let compare = |found, token| {
            if same(token) {
                Some(&token.name)
            } else {
                found
            }
        };
        self.0.iter().fold(None, compare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str, secret: &str) -> Result<Token, &'static str> {
        Token::new(name, Secret::new(secret))
    }

    #[test]
    fn a_token_is_found_whole_only() {
        let mut tokens = Tokens::default();
        tokens.add(token("a", "0123456789abcdef").unwrap()).unwrap();
        tokens.add(token("b", "0123456789abcdeg").unwrap()).unwrap();
        assert_eq!(tokens.find("0123456789abcdef").map(|n| &**n), Some("a"));
        assert_eq!(tokens.find("0123456789abcdeg").map(|n| &**n), Some("b"));
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789ABCDEF",
        ] {
            assert_eq!(tokens.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weak_and_doubled_tokens_are_refused() {
        assert!(token("a", "0123456789abcde").is_err());
        assert!(token("", "0123456789abcdef").is_err());
        assert!(token("a\n", "0123456789abcdef").is_err());
        assert!(token("a", "0123456789 bcdef").is_err());
        let mut tokens = Tokens::default();
        tokens.add(token("a", "0123456789abcdef").unwrap()).unwrap();
        assert!(tokens.add(token("a", "fedcba9876543210").unwrap()).is_err());
        assert!(tokens.add(token("b", "0123456789abcdef").unwrap()).is_err());
    }

    #[test]
    fn debug_hides_the_secret() {
        let shown = format!("{:?}", token("alice", "0123456789abcdef").unwrap());
        assert!(
            shown.contains("alice") && !shown.contains("0123"),
            "{shown}"
        );
    }
}
