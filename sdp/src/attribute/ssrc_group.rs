//! `a=ssrc-group`: sources that belong together (RFC 5576 §4.2).

use std::fmt;

use nom::Parser;
use nom::combinator::recognize;
use nom::multi::many0_count;

use super::{Raw, Typed};
use crate::grammar::{Invalid, number, space, token};

/// `a=ssrc-group:<semantics> <ssrc> ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SsrcGroup<'a> {
    /// `FID`, `FEC`, `SIM` or another.
    pub semantics: &'a str,
    /// The sources, each behind a space.
    list: &'a str,
}

impl<'a> SsrcGroup<'a> {
    /// The sources.
    pub fn sources(&self) -> impl Iterator<Item = u32> {
        self.list.split(' ').filter_map(|source| source.parse().ok())
    }
}

impl<'a> Typed<'a> for SsrcGroup<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let list = recognize(many0_count((space, number::<u32>("a source number"))));
        let parts = (token("the meaning of the group"), list);
        raw.read(parts.map(|(semantics, list)| Self { semantics, list }))
    }
}

impl fmt::Display for SsrcGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssrc-group:{}{}", self.semantics, self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_its_sources() {
        let raw = Raw { name: "ssrc-group", value: Some("FID 2785421013 2841046100") };
        let group = SsrcGroup::read(raw).unwrap();
        assert_eq!(group.sources().collect::<Vec<_>>(), [2_785_421_013, 2_841_046_100]);
    }
}
