//! `a=max-message-size`: the largest message over a data channel (RFC 8841 §6).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, number};

/// `a=max-message-size:<bytes>`; 0 means any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxMessageSize {
    /// In bytes.
    pub bytes: u64,
}

impl<'a> Typed<'a> for MaxMessageSize {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(number("a number of bytes").map(|bytes| Self { bytes }))
    }
}

impl fmt::Display for MaxMessageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-message-size:{}", self.bytes)
    }
}
