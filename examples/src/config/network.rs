//! Names, addresses and ports as people write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

/// Whether the text is a DNS name (RFC 1123 §2.1): labels of letters, digits and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Whether the text is a DNS name, an IPv4 address, or an IPv6 address in brackets.
pub(crate) fn is_host(text: &str) -> bool {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<Ipv4Addr>().is_ok() || is_name(text),
    }
}

/// `LOW-HIGH`, at least one port pair.
pub(crate) fn port_range(text: &str) -> Result<RangeInclusive<u16>, &'static str> {
    let (low, high) = text
        .split_once('-')
        .ok_or("expected LOW-HIGH, such as 16384-65535")?;
    let port = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| "a port is a number up to 65535")
    };
    match (port(low)?, port(high)?) {
        (0, _) => Err("port 0 is none"),
        (low, high) if low > high => Err("the first port is above the last"),
        (low, high) if low == high => Err("one port is not enough"),
        (low, high) => Ok(low..=high),
    }
}

/// Where to listen.
pub(crate) fn socket_address(text: &str) -> Result<SocketAddr, &'static str> {
    let problem = "expected IP:PORT, such as 127.0.0.1:8443 or [::1]:8443";
    text.parse().map_err(|_| problem)
}

/// Whether one of two listeners takes the other's port. Port 0 stands for any free one.
pub(crate) fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let is_same_ip = a.ip() == b.ip()
        || a.is_ipv4() == b.is_ipv4() && (a.ip().is_unspecified() || b.ip().is_unspecified());
    a.port() != 0 && a.port() == b.port() && is_same_ip
}

/// An address that a peer can send to.
pub(crate) fn media_address(text: &str) -> Result<IpAddr, &'static str> {
    let address: IpAddr = text.parse().map_err(|_| "not an IP address")?;
    if address.is_unspecified() {
        return Err("nobody can send to the unspecified address");
    }
    if address.is_multicast() {
        return Err("a call does not go to a group");
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ports() {
        assert_eq!(port_range("16384-65535"), Ok(16384..=65535));
        for bad in [
            "", "1", "2-1", "5-5", "0-9", "1-65536", "a-b", "1-2-3", " 1-2",
        ] {
            assert!(port_range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn listeners_that_overlap() {
        let overlap = |a, b| overlap(socket_address(a).unwrap(), socket_address(b).unwrap());
        assert!(overlap("127.0.0.1:1", "127.0.0.1:1"));
        assert!(overlap("0.0.0.0:1", "127.0.0.1:1"));
        assert!(overlap("[::1]:1", "[::]:1"));
        assert!(!overlap("127.0.0.1:1", "127.0.0.1:2"));
        assert!(!overlap("127.0.0.1:1", "127.0.0.2:1"));
        assert!(!overlap("127.0.0.1:0", "127.0.0.1:0"));
        assert!(!overlap("0.0.0.0:1", "[::1]:1"));
    }

    #[test]
    fn names_and_hosts() {
        for good in [
            "a",
            "calls.example.com",
            "xn--bcher-kva.example",
            "10.0.0.1",
            "[::1]",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a",
            "a-",
            "a b",
            "::1",
            "[::1",
            "[10.0.0.1]",
            "a:1",
            "ü",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn media_addresses_can_be_sent_to() {
        assert!(media_address("127.0.0.1").is_ok());
        for bad in [
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "ff02::1",
            "host",
            "10.0.0.1:1",
        ] {
            assert!(media_address(bad).is_err(), "{bad}");
        }
    }
}
