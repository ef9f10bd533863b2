//! `a=source-filter`: whose packets are taken (RFC 4570 §3).

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::verify;

use super::{Raw, Typed};
use crate::field::address_fits;
use crate::grammar::{Invalid, expect, list, literal, space, token, word};

/// `a=source-filter: <incl|excl> <nettype> <addrtype> <destination> <source> ...`. Behind the colon
/// stands a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFilter<'a> {
    /// Whether the sources are the only ones taken, or the ones not taken.
    pub mode: FilterMode,
    /// `IN` for the Internet.
    pub net_type: &'a str,
    /// `IP4`, `IP6`, or `*` where the addresses are domain names of both.
    pub addr_type: &'a str,
    /// The address that the filter is for, or `*` for every one in `c=`.
    pub destination: &'a str,
    /// The sources, separated by spaces.
    list: &'a str,
}

/// What a source filter does with its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterMode {
    /// Only these are taken.
    Include,
    /// All but these are taken.
    Exclude,
}

impl<'a> SourceFilter<'a> {
    /// The sources: addresses or domain names.
    pub fn sources(&self) -> impl Iterator<Item = &'a str> {
        self.list.split(' ')
    }
}

impl<'a> Typed<'a> for SourceFilter<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        let include = literal("incl").map(|_| FilterMode::Include);
        let exclude = literal("excl").map(|_| FilterMode::Exclude);
        let sources = list("source addresses", space, word("a source address"));
        let parts = (
            (space, expect("incl or excl", alt((include, exclude))), space),
            (token("a network type"), space, token("an address type"), space),
            (word("a destination address"), space),
            sources,
        );
        let filter = parts.map(|(mode, types, (destination, ()), list)| Self {
            mode: mode.1,
            net_type: types.0,
            addr_type: types.2,
            destination,
            list,
        });
        // RFC 4570 §3: an address type of `*` goes with names alone, `*` as destination with any.
        raw.read(expect("addresses of the stated type", verify(filter, Self::fits)))
    }
}

impl SourceFilter<'_> {
    fn fits(&self) -> bool {
        let fits = |address| match self.addr_type {
            "*" => address_fits("IP4", address) && address.parse::<std::net::IpAddr>().is_err(),
            family => address_fits(family, address),
        };
        (self.destination == "*" || fits(self.destination)) && self.sources().all(fits)
    }
}

impl fmt::Display for SourceFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, net_type, addr_type, destination, list } = self;
        let mode = match mode {
            FilterMode::Include => "incl",
            FilterMode::Exclude => "excl",
        };
        write!(f, "source-filter: {mode} {net_type} {addr_type} {destination} {list}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_rfc_4570() {
        let read = |value| SourceFilter::read(Raw { name: "source-filter", value: Some(value) });
        let one = read(" incl IN IP4 232.3.4.5 192.0.2.10 192.0.2.11").unwrap();
        assert_eq!((one.mode, one.destination), (FilterMode::Include, "232.3.4.5"));
        assert_eq!(one.sources().collect::<Vec<_>>(), ["192.0.2.10", "192.0.2.11"]);
        assert_eq!(one.to_string(), "source-filter: incl IN IP4 232.3.4.5 192.0.2.10 192.0.2.11");
        for right in [
            " excl IN IP6 FF0E::11A 2001:DB8:1:2:240:96FF:FE25:8EC9",
            " incl IN * dst-1.example.com src-1.example.com src-2.example.com",
            " incl IN IP4 * 192.0.2.10",
        ] {
            assert!(read(right).is_ok(), "{right}");
        }
        for wrong in [
            "incl IN IP4 * 192.0.2.10",
            " only IN IP4 * 192.0.2.10",
            " incl IN IP4 232.3.4.5",
            " incl IN IP6 * 192.0.2.10",
            " incl IN * 232.3.4.5 192.0.2.10",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
