//! `a=candidate`: one ICE candidate, not taken apart here (RFC 8839 §5.1).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, rest};

/// `a=candidate`: one ICE candidate, not taken apart here (RFC 8839 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// What follows `candidate:`. With `Display` it is the form of `RTCIceCandidate.candidate`.
    pub text: &'a str,
}

impl<'a> Candidate<'a> {
    /// A candidate in either form: with `candidate:` in front or without.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text: text.strip_prefix("candidate:").unwrap_or(text) }
    }
}

impl<'a> Typed<'a> for Candidate<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(rest("a candidate").map(|text| Self { text }))
    }
}

impl fmt::Display for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "candidate:{}", self.text)
    }
}
