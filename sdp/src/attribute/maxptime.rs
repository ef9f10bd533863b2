//! `a=maxptime`: the most media one packet may hold (RFC 8866 §6.5).

use std::fmt;
use std::time::Duration;

use nom::Parser;

use super::ptime::{milliseconds, write_milliseconds};
use super::{Raw, Typed};
use crate::grammar::Invalid;

/// `a=maxptime:<milliseconds>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maxptime {
    /// The most media in one packet; not zero.
    pub duration: Duration,
}

impl<'a> Typed<'a> for Maxptime {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(milliseconds.map(|duration| Self { duration }))
    }
}

impl fmt::Display for Maxptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("maxptime:")?;
        write_milliseconds(self.duration, f)
    }
}
