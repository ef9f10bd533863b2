//! Ranges of peers, as they are written: an address, a prefix or a range, each with or without
//! ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Addresses of one family from the first to the last, and ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerRange {
    first: IpAddr,
    last: IpAddr,
    ports: RangeInclusive<u16>,
}

/// Why a text is no range of peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRange {
    /// It is none of the forms.
    #[error(
        "expected ADDRESS, ADDRESS/BITS or FIRST-LAST, with or without :PORT or :LOW-HIGH, \
         an IPv6 address before a port in brackets"
    )]
    Form,
    /// A prefix is longer than its address.
    #[error("an address of this family has {0} bits")]
    Bits(u8),
    /// A prefix has bits of its own behind its length.
    #[error("the address has bits behind the first {0}")]
    Host(u8),
    /// One end is IPv4, the other IPv6.
    #[error("the first address is of another family than the last")]
    Family,
    /// The ends are the wrong way round.
    #[error("the first is above the last")]
    Backwards,
}

impl PeerRange {
    /// All addresses from the first to the last, with all their ports.
    ///
    /// # Errors
    /// When the ends are of two families, or the wrong way round.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, BadRange> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(BadRange::Family);
        }
        if first > last {
            return Err(BadRange::Backwards);
        }
        let ports = 0..=u16::MAX;
        Ok(Self { first, last, ports })
    }

    /// Which ports of these addresses.
    #[must_use]
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.ports.clone()
    }

    /// Whether an address is one of these.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && (self.first..=self.last).contains(&address)
    }

    /// The fewest prefixes that have these addresses and no other: at most two for each bit.
    #[must_use]
    pub fn prefixes(&self) -> Vec<(IpAddr, u8)> {
        let (mut next, last, bits) = (number(self.first), number(self.last), bits(self.first));
        let mut prefixes = Vec::new();
        loop {
            // The greatest block that begins here and does not pass the end.
            let fits = |free: &u8| match 1_u128.checked_shl(u32::from(*free)) {
                Some(size) => next % size == 0 && size - 1 <= last - next,
                None => next == 0 && last == u128::MAX,
            };
            let free = (0..=bits).rev().find(fits).unwrap_or(0);
            prefixes.push((address(next, self.first), bits - free));
            let size = 1_u128.checked_shl(u32::from(free));
            match size.and_then(|size| next.checked_add(size)) {
                Some(after) if after <= last => next = after,
                _ => return prefixes,
            }
        }
    }

    fn prefix(address: IpAddr, length: &str) -> Result<Self, BadRange> {
        let whole = bits(address);
        let length: u8 = length.parse().map_err(|_| BadRange::Form)?;
        let free = whole.checked_sub(length).ok_or(BadRange::Bits(whole))?;
        let hosts = 1_u128.checked_shl(u32::from(free)).unwrap_or(0);
        let hosts = hosts.wrapping_sub(1);
        if number(address) & hosts != 0 {
            return Err(BadRange::Host(length));
        }
        Self::new(address, self::address(number(address) | hosts, address))
    }
}

impl FromStr for PeerRange {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (addresses, ports) = split_ports(text)?;
        let parse = |text: &str| text.parse::<IpAddr>().map_err(|_| BadRange::Form);
        let mut range = if let Some((address, length)) = addresses.split_once('/') {
            Self::prefix(parse(address)?, length)?
        } else if let Some((first, last)) = addresses.split_once('-') {
            Self::new(parse(first)?, parse(last)?)?
        } else {
            let address = parse(addresses)?;
            Self::new(address, address)?
        };
        if let Some(ports) = ports {
            let port = |text: &str| text.parse::<u16>().map_err(|_| BadRange::Form);
            let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
            range.ports = port(low)?..=port(high)?;
            if range.ports.is_empty() {
                return Err(BadRange::Backwards);
            }
        }
        Ok(range)
    }
}

impl fmt::Display for PeerRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, ports } = self;
        let has_ports = *ports != (0..=u16::MAX);
        let (open, close) = match has_ports && first.is_ipv6() {
            true => ("[", "]"),
            false => ("", ""),
        };
        f.write_str(open)?;
        match self.prefixes()[..] {
            _ if first == last => write!(f, "{first}")?,
            [(address, length)] => write!(f, "{address}/{length}")?,
            _ => write!(f, "{first}-{last}")?,
        }
        f.write_str(close)?;
        match (has_ports, ports.start() == ports.end()) {
            (false, _) => Ok(()),
            (true, true) => write!(f, ":{}", ports.start()),
            (true, false) => write!(f, ":{}-{}", ports.start(), ports.end()),
        }
    }
}

/// The addresses, and the ports behind the last colon that is not an IPv6 address's own.
fn split_ports(text: &str) -> Result<(&str, Option<&str>), BadRange> {
    if let Some(rest) = text.strip_prefix('[') {
        let (addresses, rest) = rest.split_once(']').ok_or(BadRange::Form)?;
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((addresses, Some(ports))),
            None if rest.is_empty() => Ok((addresses, None)),
            None => Err(BadRange::Form),
        };
    }
    Ok(match text.split_once(':') {
        Some((addresses, ports)) if !ports.contains(':') => (addresses, Some(ports)),
        _ => (text, None),
    })
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address of this number, of the same family as another.
fn address(number: u128, like: IpAddr) -> IpAddr {
    match like {
        // No number here is above those of its family.
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefixes(text: &str) -> Vec<String> {
        let range: PeerRange = text.parse().unwrap();
        let show = |(address, length)| format!("{address}/{length}");
        range.prefixes().into_iter().map(show).collect()
    }

    #[test]
    fn ranges_become_prefixes() {
        assert_eq!(prefixes("10.0.0.0/8"), ["10.0.0.0/8"]);
        assert_eq!(prefixes("10.0.0.0-10.255.255.255"), ["10.0.0.0/8"]);
        assert_eq!(prefixes("10.0.0.5"), ["10.0.0.5/32"]);
        assert_eq!(prefixes("0.0.0.0-255.255.255.255"), ["0.0.0.0/0"]);
        assert_eq!(prefixes("::/0"), ["::/0"]);
        assert_eq!(
            prefixes("192.0.2.1-192.0.2.6"),
            [
                "192.0.2.1/32",
                "192.0.2.2/31",
                "192.0.2.4/31",
                "192.0.2.6/32"
            ]
        );
        assert_eq!(prefixes("::1-::2"), ["::1/128", "::2/128"]);
        assert_eq!(
            prefixes("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").len(),
            128
        );
    }

    #[test]
    fn ports_stand_behind_addresses() {
        let ports = |text: &str| text.parse::<PeerRange>().unwrap().ports();
        assert_eq!(ports("10.0.0.0/8"), 0..=u16::MAX);
        assert_eq!(ports("10.0.0.0/8:4000-5000"), 4000..=5000);
        assert_eq!(ports("[2001:db8::]:53"), 53..=53);
        for shown in [
            "10.0.0.1",
            "10.0.0.0/8:4000-5000",
            "[2001:db8::/32]:53",
            "2001:db8::1-2001:db8::5",
            "::",
        ] {
            assert_eq!(shown.parse::<PeerRange>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_range_is_told_why() {
        for (text, expected) in [
            ("", BadRange::Form),
            ("peer.example.com", BadRange::Form),
            ("10.0.0.0/", BadRange::Form),
            ("10.0.0.0/33", BadRange::Bits(32)),
            ("10.0.0.1/8", BadRange::Host(8)),
            ("::1/0", BadRange::Host(0)),
            ("10.0.0.1-::1", BadRange::Family),
            ("10.0.0.2-10.0.0.1", BadRange::Backwards),
            ("10.0.0.2:5-4", BadRange::Backwards),
            ("10.0.0.2:65536", BadRange::Form),
            ("[::1", BadRange::Form),
            ("[::1]5", BadRange::Form),
        ] {
            assert_eq!(text.parse::<PeerRange>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prefixes_have_every_address_of_the_range_and_no_other(a: u8, b: u8, probe: u8) {
            let at = |low| IpAddr::from([192, 0, 2, low]);
            let range = PeerRange::new(at(a.min(b)), at(a.max(b))).unwrap();
            let inside = |(address, length): &(IpAddr, u8)| {
                let shift = 32 - u32::from(*length);
                number(*address) >> shift == number(at(probe)) >> shift
            };
            let held = range.prefixes().iter().filter(|prefix| inside(prefix)).count();
            prop_assert_eq!(held, usize::from(range.contains(at(probe))));
        }
    }
}
