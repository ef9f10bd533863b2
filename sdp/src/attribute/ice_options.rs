//! `a=ice-options`: extensions of ICE that the writer supports (RFC 8839 §5.6).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, list, space, token};

/// `a=ice-options:<tag> ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IceOptions<'a> {
    /// The tags, separated by spaces.
    pub list: &'a str,
}

impl<'a> IceOptions<'a> {
    /// The tags: `trickle`, `ice2`, `renomination` and others.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> {
        self.list.split(' ')
    }
}

impl<'a> Typed<'a> for IceOptions<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let tags = list("an option", space, token("an option"));
        raw.read(tags.map(|list| Self { list }))
    }
}

impl fmt::Display for IceOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ice-options:{}", self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_at_least_one_tag() {
        let read = |value| IceOptions::read(Raw { name: "ice-options", value: Some(value) });
        assert_eq!(read("trickle ice2").unwrap().tags().collect::<Vec<_>>(), ["trickle", "ice2"]);
        assert!(read("").is_err());
    }
}
