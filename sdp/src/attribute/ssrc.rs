//! `a=ssrc`: what is known of one source (RFC 5576 §4.1).

use std::fmt;

use nom::Parser;
use nom::combinator::opt;
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, literal, number, rest, space, token};

/// `a=ssrc:<ssrc> <attribute>[:<value>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ssrc<'a> {
    /// The source.
    pub ssrc: u32,
    /// `cname`, `msid` or another.
    pub attribute: &'a str,
    /// Its value.
    pub value: Option<&'a str>,
}

impl<'a> Typed<'a> for Ssrc<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let name = token("an attribute of the source");
        let value = opt(preceded(literal(":"), rest("a value")));
        let parts = (number("a source number"), space, name, value);
        raw.read(parts.map(|(ssrc, (), attribute, value)| Self { ssrc, attribute, value }))
    }
}

impl fmt::Display for Ssrc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssrc:{} {}", self.ssrc, self.attribute)?;
        match self.value {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_an_attribute() {
        let read = |value| Ssrc::read(Raw { name: "ssrc", value: Some(value) });
        let cname = read("2271517329 cname:mKDNt7SQf6pwDlIn").unwrap();
        assert_eq!((cname.attribute, cname.value), ("cname", Some("mKDNt7SQf6pwDlIn")));
        assert!(read("5150").is_err() && read("4294967296 cname:x").is_err());
    }
}
