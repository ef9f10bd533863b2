//! `a=mid`: the name of a media section (RFC 5888 §4).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, token};

/// `a=mid`: the name of a media section (RFC 5888 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mid<'a> {
    /// The identification tag.
    pub tag: &'a str,
}

impl<'a> Typed<'a> for Mid<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(token("an identification tag").map(|tag| Self { tag }))
    }
}

impl fmt::Display for Mid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mid:{}", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_token() {
        let read = |value| Mid::read(Raw { name: "mid", value });
        assert_eq!(read(Some("a1")).unwrap().to_string(), "mid:a1");
        assert_eq!(read(Some("a 1")).unwrap_err().left, 2);
        assert!(read(Some("")).is_err() && read(Some("a,b")).is_err() && read(None).is_err());
    }
}
