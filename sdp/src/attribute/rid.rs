//! `a=rid`: a restriction identifier (RFC 8851 §10).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::opt;
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, expect, literal, rest, run, space};

/// `a=rid:<id> <send|recv> [<restrictions>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rid<'a> {
    /// The identifier.
    pub id: &'a str,
    /// `send` or `recv`.
    pub direction: &'a str,
    /// `pt=...`, `max-width=...` and others.
    pub restrictions: Option<&'a str>,
}

impl<'a> Typed<'a> for Rid<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let id = run("an identifier", |c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        let direction = expect("send or recv", alt((literal("send"), literal("recv"))));
        let restrictions = opt(preceded(space, rest("restrictions")));
        let parts = (id, space, direction, restrictions);
        raw.read(parts.map(|(id, (), direction, restrictions)| Self {
            id,
            direction,
            restrictions,
        }))
    }
}

impl fmt::Display for Rid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rid:{} {}", self.id, self.direction)?;
        match self.restrictions {
            Some(restrictions) => write!(f, " {restrictions}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_restrictions() {
        let read = |value| Rid::read(Raw { name: "rid", value: Some(value) });
        assert_eq!(read("1 send pt=97").unwrap().restrictions, Some("pt=97"));
        assert!(read("1 both").is_err() && read("1 sendx").is_err());
    }
}
