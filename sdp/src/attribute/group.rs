//! `a=group`: media sections that belong together (RFC 5888 §5), above all BUNDLE (RFC 9143).

use std::fmt;

use nom::Parser;
use nom::combinator::recognize;
use nom::multi::many0_count;

use super::{Raw, Typed};
use crate::grammar::{Invalid, space, token};

/// `a=group:<semantics> <mid> ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// `BUNDLE`, `LS` or another.
    pub semantics: &'a str,
    /// The identification tags, each behind a space.
    list: &'a str,
}

impl<'a> Group<'a> {
    /// A group of the sections in `mids`, separated by single spaces.
    ///
    /// # Errors
    /// When one of them is not a token (RFC 5888 §4).
    pub fn new(semantics_and_mids: &'a str) -> Result<Self, Invalid> {
        Self::read(Raw { name: "group", value: Some(semantics_and_mids) })
    }

    /// Whether the group is a BUNDLE: its sections share one transport (RFC 9143).
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.semantics == "BUNDLE"
    }

    /// The identification tags of the sections, the tagged section first.
    pub fn mids(&self) -> impl Iterator<Item = &'a str> {
        self.list.split(' ').skip(1)
    }
}

impl<'a> Typed<'a> for Group<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let list = recognize(many0_count((space, token("an identification tag"))));
        let parts = (token("the meaning of the group"), list);
        raw.read(parts.map(|(semantics, list)| Self { semantics, list }))
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group:{}{}", self.semantics, self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_its_sections() {
        let group = Group::new("BUNDLE a1 d1").unwrap();
        assert!(group.is_bundle());
        assert_eq!(group.mids().collect::<Vec<_>>(), ["a1", "d1"]);
        assert_eq!(group.to_string(), "group:BUNDLE a1 d1");
        assert_eq!(Group::new("BUNDLE").unwrap().mids().count(), 0);
        assert!(Group::new("BUNDLE a  b").is_err());
    }
}
