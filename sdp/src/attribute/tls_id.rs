//! `a=tls-id`: names the DTLS association (RFC 8842 §4).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, bounded, is_ice};

/// `a=tls-id`: names the DTLS association (RFC 8842 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsId<'a> {
    /// 20 to 255 characters.
    pub text: &'a str,
}

impl<'a> Typed<'a> for TlsId<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(bounded("20 to 255 of A-Z a-z 0-9 + / - _", |c| is_ice(c) || c == b'-' || c == b'_', 20, 255).map(|text| Self { text }))
    }
}

impl fmt::Display for TlsId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls-id:{}", self.text)
    }
}
