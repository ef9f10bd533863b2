//! `o=`: who made the description, and its version (RFC 8866 §5.2).

use std::fmt;

use nom::Parser;

use super::address_fits;
use crate::grammar::{Invalid, run, space, token, whole, word};

/// `o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user's login, or `-`.
    pub username: &'a str,
    /// Decimal digits of any length; unique together with the other parts.
    pub session_id: &'a str,
    /// Decimal digits of any length; grows with every change of the description.
    pub session_version: &'a str,
    /// `IN` for the Internet.
    pub net_type: &'a str,
    /// `IP4` or `IP6`.
    pub addr_type: &'a str,
    /// An address or a domain name. Nothing is ever sent to it.
    pub address: &'a str,
}

impl<'a> Origin<'a> {
    pub(crate) fn read(value: &'a str) -> Result<Self, Invalid> {
        let digits = |expected| run(expected, |c| c.is_ascii_digit());
        let parts = (
            (word("a username"), space),
            (digits("a session id (digits)"), space),
            (digits("a session version (digits)"), space),
            (token("a network type"), space),
            (token("an address type"), space),
            word("an address"),
        );
        let (username, session_id, session_version, net_type, addr_type, address) = whole(
            value,
            parts.map(|(u, i, v, n, t, address)| (u.0, i.0, v.0, n.0, t.0, address)),
        )?;
        if !address_fits(addr_type, address) {
            return Err(Invalid::new(address, "an address of the stated type"));
        }
        Ok(Self {
            username,
            session_id,
            session_version,
            net_type,
            addr_type,
            address,
        })
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            username,
            session_id,
            session_version,
            net_type,
            addr_type,
            address,
        } = self;
        write!(
            f,
            "{username} {session_id} {session_version} {net_type} {addr_type} {address}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_survive() {
        let text = "- 99999999999999999999999999 18446744073709551615 IN IP4 0.0.0.0";
        assert_eq!(Origin::read(text).unwrap().to_string(), text);
    }

    #[test]
    fn the_address_fits_its_type() {
        assert_eq!(
            Origin::read("- 1 1 IN IP4 2001:db8::1").unwrap_err().left,
            11
        );
        assert!(Origin::read("- 1 1 IN IP4 203.0.113.256").is_err());
        assert!(Origin::read("- 1 1 IN IP6 host.example.com").is_ok());
    }
}
