//! `a=extmap`: header extensions of RTP (RFC 8285 §8).

use std::fmt;

use nom::Parser;
use nom::combinator::{opt, verify};
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, expect, literal, number, rest, space, token, word};

/// `a=extmap:<id>[/<direction>] <uri> [<parameters>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extmap<'a> {
    /// 1 to 256, or 4096 to 4351 for negotiation only.
    pub id: u16,
    /// The direction, as it was written.
    pub direction: Option<&'a str>,
    /// What the extension is.
    pub uri: &'a str,
    /// Its parameters.
    pub parameters: Option<&'a str>,
}

impl<'a> Typed<'a> for Extmap<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let wanted = "an extension id (1 to 256, or 4096 to 4351)";
        let valid = |id: &u16| matches!(*id, 1..=256 | 4096..=4351);
        let id = expect(wanted, verify(number(wanted), valid));
        let direction = opt(preceded(literal("/"), token("a direction")));
        let parameters = opt(preceded(space, rest("parameters")));
        let parts = (id, direction, space, word("a URI"), parameters);
        raw.read(parts.map(|(id, direction, (), uri, parameters)| Self {
            id,
            direction,
            uri,
            parameters,
        }))
    }
}

impl fmt::Display for Extmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extmap:{}", self.id)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        write!(f, " {}", self.uri)?;
        match self.parameters {
            Some(parameters) => write!(f, " {parameters}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_in_range() {
        let read = |value| Extmap::read(Raw { name: "extmap", value: Some(value) });
        assert_eq!(read("2/sendonly urn:x").unwrap().to_string(), "extmap:2/sendonly urn:x");
        assert!(read("4096 urn:x").is_ok());
        assert_eq!(read("257 urn:x").unwrap_err().left, 9);
        assert!(read("0 urn:x").is_err());
    }
}
