//! `a=content`: what a section shows (RFC 4796 §5).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, list, literal, token};

/// `a=content:<value>,<value>...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// The values, separated by commas.
    pub list: &'a str,
}

impl<'a> Content<'a> {
    /// The values: `slides`, `speaker`, `sl`, `main`, `alt` and others.
    pub fn values(&self) -> impl Iterator<Item = &'a str> {
        self.list.split(',')
    }
}

impl<'a> Typed<'a> for Content<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let values = list("values", literal(","), token("a value"));
        raw.read(values.map(|list| Self { list }))
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content:{}", self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_its_values() {
        let read = |value| Content::read(Raw { name: "content", value: Some(value) });
        let both = read("slides,x-own").unwrap();
        assert_eq!(both.values().collect::<Vec<_>>(), ["slides", "x-own"]);
        assert_eq!(both.to_string(), "content:slides,x-own");
        assert!(read("").is_err() && read("slides,").is_err() && read("a b").is_err());
    }
}
