//! `b=`: proposed bandwidth (RFC 8866 §5.8).

use std::fmt;

use nom::Parser;

use crate::grammar::{Invalid, literal, number, token, whole};

/// `b=<bwtype>:<bandwidth>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth<'a> {
    /// `CT`, `AS`, `TIAS`, `RS`, `RR` or another; unknown ones are ignored.
    pub kind: &'a str,
    /// In kilobits per second for `CT` and `AS`, in bits per second for `TIAS`, `RS` and `RR`.
    pub value: u64,
}

impl<'a> Bandwidth<'a> {
    pub(crate) fn read(value: &'a str) -> Result<Self, Invalid> {
        let parts = (
            token("a bandwidth type"),
            literal(":"),
            number("a bandwidth (digits)"),
        );
        whole(value, parts.map(|(kind, _, value)| Self { kind, value }))
    }
}

impl fmt::Display for Bandwidth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_only() {
        assert_eq!(
            Bandwidth::read("AS:128").unwrap(),
            Bandwidth {
                kind: "AS",
                value: 128
            }
        );
        assert_eq!(Bandwidth::read("AS:1.5").unwrap_err().left, 2);
    }
}
