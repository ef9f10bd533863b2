//! `a=fmtp`: parameters of a format (RFC 8866 §6.15).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, rest, space, token};

/// `a=fmtp:<format> <parameters>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fmtp<'a> {
    /// The format; a payload type for RTP.
    pub format: &'a str,
    /// Its parameters as one text; their syntax is the format's own.
    pub parameters: &'a str,
}

impl<'a> Fmtp<'a> {
    /// The parameters of the common form `name=value;name=value`. One without `=` has an empty
    /// value.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let parts = self.parameters.split(';').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| part.split_once('=').unwrap_or((part, "")))
    }
}

impl<'a> Typed<'a> for Fmtp<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let parts = (token("a format"), space, rest("parameters"));
        raw.read(parts.map(|(format, (), parameters)| Self { format, parameters }))
    }
}

impl fmt::Display for Fmtp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fmtp:{} {}", self.format, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_need_not_be_pairs() {
        let read = |value| Fmtp::read(Raw { name: "fmtp", value: Some(value) });
        assert_eq!(read("97 0-15").unwrap().parameters, "0-15");
        let opus = read("111 minptime=10; useinbandfec=1").unwrap();
        let pairs: Vec<_> = opus.pairs().collect();
        assert_eq!(pairs, [("minptime", "10"), ("useinbandfec", "1")]);
        assert_eq!(read("96").unwrap_err().expected, "a space");
    }
}
