//! `a=label`: a name by which something outside the description refers to a section (RFC 4574 §4).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, token};

/// `a=label:<pointer>` (RFC 4574 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// The name; a token.
    pub text: &'a str,
}

impl<'a> Typed<'a> for Label<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(token("a label").map(|text| Self { text }))
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label:{}", self.text)
    }
}
