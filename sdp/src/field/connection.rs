//! `c=`: where media goes (RFC 8866 §5.7).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use nom::combinator::opt;
use nom::sequence::preceded;

use super::address_fits;
use crate::grammar::{Invalid, literal, number, run, space, token, whole};

/// `c=<nettype> <addrtype> <address>[/<ttl>][/<number of addresses>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'a> {
    /// `IN` for the Internet.
    pub net_type: &'a str,
    /// `IP4` or `IP6`.
    pub addr_type: &'a str,
    /// The address or domain name, without what follows a slash.
    pub address: &'a str,
    /// Time to live of an IPv4 multicast address.
    pub ttl: Option<u8>,
    /// Number of consecutive multicast addresses.
    pub count: Option<u32>,
}

impl<'a> Connection<'a> {
    pub(crate) fn read(value: &'a str) -> Result<Self, Invalid> {
        let net_and_type = (
            token("a network type"),
            space,
            token("an address type"),
            space,
        );
        let address = run("an address", |c| c != b' ' && c != b'/');
        let suffix = |expected| opt(preceded(literal("/"), number::<u32>(expected)));
        let parts = (
            net_and_type,
            address,
            suffix("a number"),
            suffix("a number"),
        );
        let ((net_type, _, addr_type, _), address, first, second) = whole(value, parts)?;

        let tail = value.rsplit(' ').next().unwrap_or_default();
        if !address_fits(addr_type, address) {
            return Err(Invalid::new(tail, "an address of the stated type"));
        }
        // Only an IPv4 address has a TTL, and it stands before the count.
        let (ttl, count) = match addr_type {
            "IP4" => (first, second),
            _ if second.is_some() => return Err(Invalid::new(tail, "an address without TTL")),
            _ => (None, first),
        };
        let multicast = address
            .parse::<Ipv4Addr>()
            .is_ok_and(|ip| ip.is_multicast());
        if multicast && ttl.is_none() {
            return Err(Invalid::new(tail, "a multicast address with its TTL"));
        }
        if count == Some(0) {
            return Err(Invalid::new(tail, "at least one address"));
        }
        let ttl = ttl.map(u8::try_from).transpose();
        let ttl = ttl.map_err(|_| Invalid::new(tail, "a TTL up to 255"))?;
        Ok(Self {
            net_type,
            addr_type,
            address,
            ttl,
            count,
        })
    }

    /// The address, where it is one and not a domain name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }

    /// Whether a TTL stands on an address that is not multicast, which RFC 8866 §5.7 forbids.
    pub(crate) fn has_needless_ttl(&self) -> bool {
        self.ttl.is_some() && !self.ip().is_some_and(|ip| ip.is_multicast())
    }
}

impl fmt::Display for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            net_type,
            addr_type,
            address,
            ttl,
            count,
        } = self;
        write!(f, "{net_type} {addr_type} {address}")?;
        if let Some(ttl) = ttl {
            write!(f, "/{ttl}")?;
        }
        match count {
            Some(count) => write!(f, "/{count}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multicast_and_unicast() {
        for text in [
            "IN IP4 224.2.36.42/127/3",
            "IN IP4 1.2.3.4",
            "IN IP6 ff15::101/3",
        ] {
            assert_eq!(Connection::read(text).unwrap().to_string(), text);
        }
        for text in [
            "IN IP4 224.2.1.1",
            "IN IP4 224.2.1.1/127/0",
            "IN IP6 ff15::101/127/3",
        ] {
            assert!(Connection::read(text).is_err(), "{text}");
        }
        assert!(
            Connection::read("IN IP4 203.0.113.1/127")
                .unwrap()
                .has_needless_ttl()
        );
    }
}
