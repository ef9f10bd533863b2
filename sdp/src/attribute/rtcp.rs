//! `a=rtcp`: where RTCP goes when it is not the next port (RFC 3605 §2.1).

use std::fmt;

use nom::combinator::opt;
use nom::sequence::preceded;

use super::{Raw, Typed};
use crate::field::Connection;
use crate::grammar::{Invalid, number, rest, space};

/// `a=rtcp:<port> [<nettype> <addrtype> <address>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp<'a> {
    /// The port.
    pub port: u16,
    /// The address; that of RTP where nothing is said.
    pub connection: Option<Connection<'a>>,
}

impl<'a> Typed<'a> for Rtcp<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let port = number("a port number (0 to 65535)");
        let address = opt(preceded(space, rest("an address")));
        let (port, address) = raw.read((port, address))?;
        let connection = address.map(Connection::read).transpose()?;
        Ok(Self { port, connection })
    }
}

impl fmt::Display for Rtcp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rtcp:{}", self.port)?;
        match &self.connection {
            Some(connection) => write!(f, " {connection}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_address() {
        let read = |value| Rtcp::read(Raw { name: "rtcp", value: Some(value) });
        assert_eq!(read("53020").unwrap(), Rtcp { port: 53020, connection: None });
        assert_eq!(read("9 IN IP4 0.0.0.0").unwrap().to_string(), "rtcp:9 IN IP4 0.0.0.0");
        assert!(read("70000").is_err() && read("9 IN IP4").is_err());
    }
}
