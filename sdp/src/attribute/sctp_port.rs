//! `a=sctp-port`: the port of SCTP inside DTLS (RFC 8841 §5).

use std::fmt;

use nom::Parser;

use super::{Raw, Typed};
use crate::grammar::{Invalid, number};

/// `a=sctp-port:<port>`; 0 closes the association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpPort {
    /// The port.
    pub port: u16,
}

impl<'a> Typed<'a> for SctpPort {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(number("a port number (0 to 65535)").map(|port| Self { port }))
    }
}

impl fmt::Display for SctpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sctp-port:{}", self.port)
    }
}
