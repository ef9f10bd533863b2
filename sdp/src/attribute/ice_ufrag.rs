//! `a=ice-ufrag`: the username fragment of ICE (RFC 8839 §5.4).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, bounded, is_ice};

/// `a=ice-ufrag`: the username fragment of ICE (RFC 8839 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IceUfrag<'a> {
    /// The username fragment, 4 to 256 characters.
    pub text: &'a str,
}

impl<'a> Typed<'a> for IceUfrag<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(bounded("4 to 256 of A-Z a-z 0-9 + /", is_ice, 4, 256).map(|text| Self { text }))
    }
}

impl fmt::Display for IceUfrag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ice-ufrag:{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_4_to_256_ice_characters() {
        let ok = |value: &str| IceUfrag::read(Raw { name: "", value: Some(value) }).is_ok();
        assert!(ok("8hhY") && ok(&"a".repeat(256)));
        assert!(!ok("8hh") && !ok(&"a".repeat(257)) && !ok("ET-n"));
    }
}
