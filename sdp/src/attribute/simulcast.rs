//! `a=simulcast`: several versions of one source (RFC 8853 §5.1).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{opt, recognize};
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::grammar::{Invalid, Step, expect, list, literal, run, space};

/// `a=simulcast:<send|recv> <list> [<recv|send> <list>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulcast<'a> {
    /// What follows `simulcast:`, well formed.
    pub text: &'a str,
}

impl<'a> Simulcast<'a> {
    /// The restriction identifiers of both directions, without the `~` of paused ones.
    pub fn ids(&self) -> impl Iterator<Item = &'a str> {
        let lists = self.text.split(' ').skip(1).step_by(2);
        lists.flat_map(|list| list.split([';', ','])).map(|id| id.trim_start_matches('~'))
    }
}

impl<'a> Typed<'a> for Simulcast<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let both = recognize((streams, opt(preceded(space, streams))));
        raw.read(both.map(|text| Self { text }))
    }
}

/// `sc-send` or `sc-recv`.
fn streams(input: &str) -> Step<'_, &str> {
    let direction = expect("send or recv", alt((literal("send"), literal("recv"))));
    recognize((direction, space, list("identifiers", literal(";"), alternatives))).parse(input)
}

/// Versions of which one is sent, each with `~` in front while it is paused.
fn alternatives(input: &str) -> Step<'_, &str> {
    list("identifiers", literal(","), version)(input)
}

fn version(input: &str) -> Step<'_, &str> {
    let id = run("an identifier", |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    recognize((opt(literal("~")), id)).parse(input)
}

impl fmt::Display for Simulcast<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulcast:{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists() {
        let read = |value| Simulcast::read(Raw { name: "simulcast", value: Some(value) });
        let both = read("recv 1;2 send ~3,4").unwrap();
        assert_eq!(both.ids().collect::<Vec<_>>(), ["1", "2", "3", "4"]);
        for wrong in ["send 1;;1", "send 1;", "send 1; 2", "send", "both 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
