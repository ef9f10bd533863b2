//! The lines other than `m=` and `a=` that have a typed view, one file each.

mod bandwidth;
mod connection;
mod origin;
mod timing;

pub use bandwidth::Bandwidth;
pub use connection::Connection;
pub use origin::Origin;
pub use timing::Timing;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` fits `family` (RFC 8866 §9): a literal of that family or, where it is not
/// meant as a literal, a domain name. An unknown family takes any text.
pub(crate) fn address_fits(family: &str, address: &str) -> bool {
    match family {
        "IP4" => address.parse::<Ipv4Addr>().is_ok() || is_name(address),
        "IP6" => address.parse::<Ipv6Addr>().is_ok() || is_name(address),
        _ => !address.is_empty(),
    }
}

/// The `addrtype` of an address.
pub(crate) fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}

/// A domain name: not digits and dots alone, which is an IPv4 address gone wrong.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    text.chars().all(allowed) && text.chars().any(|c| c.is_ascii_alphabetic())
}
