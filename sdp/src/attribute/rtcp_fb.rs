//! `a=rtcp-fb`: feedback messages that the writer can use (RFC 4585 §4.2).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, rest, space, token};

/// `a=rtcp-fb:<payload type or *> <feedback>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtcpFb<'a> {
    /// The payload type, or `*` for all.
    pub format: &'a str,
    /// `nack`, `nack pli`, `ccm fir`, `transport-cc` and others.
    pub feedback: &'a str,
}

impl<'a> Typed<'a> for RtcpFb<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let parts = (token("a payload type or *"), space, rest("a feedback type"));
        raw.read(parts.map(|(format, (), feedback)| Self { format, feedback }))
    }
}

impl fmt::Display for RtcpFb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rtcp-fb:{} {}", self.format, self.feedback)
    }
}
