//! Which peers may be reached through the relay.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::peers::Ports;
use super::special;

const ALL_PORTS: RangeInclusive<u16> = 0..=u16::MAX;

/// Which peers clients may exchange data with.
///
/// The first that applies decides:
///
/// 1. a prefix that is allowed ([`allow`](Self::allow)), then one that is denied
///    ([`deny`](Self::deny));
/// 2. the server's own addresses are denied: its listeners and those that it relays at. Only their
///    whole address allows them;
/// 3. what IANA's special-purpose registries name is denied: loopback, link-local, private, shared,
///    multicast, documentation, and every spelling of an IPv4 address inside one of IPv6
///    (IPv4-mapped, IPv4-compatible, 6to4, Teredo, local NAT64). Only a prefix that is no shorter than
///    the registered one allows them: `0.0.0.0/0` says nothing about `10.0.0.0/8`;
/// 4. an address behind the well-known prefix of NAT64 is judged as the IPv4 address that it leads to;
/// 5. everybody else is allowed, except with [`nobody`](Self::nobody).
///
/// Two clients of one server that must both be relayed need its relay addresses allowed: with their
/// range of ports, so that nothing else at these addresses is.
///
/// ```
/// use turn_relay::server::PeerPolicy;
///
/// // A phone system in a private network, and nothing else there.
/// let policy = PeerPolicy::internet().allow("10.1.2.0".parse()?, 24, 16384..=32767);
/// assert!(policy.permits("10.1.2.3:20000".parse()?));
/// assert!(!policy.permits("10.1.2.3:22".parse()?));
/// assert!(!policy.permits("[::ffff:10.1.2.3]:20000".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PeerPolicy {
    allowed: Vec<Rule>,
    denied: Vec<Rule>,
    own: Vec<IpAddr>,
    is_open: bool,
}

/// A prefix, and a range of ports there.
#[derive(Clone, PartialEq, Eq)]
struct Rule {
    prefix: IpAddr,
    length: u8,
    ports: RangeInclusive<u16>,
}

impl Rule {
    fn covers(&self, ip: IpAddr) -> bool {
        match (self.prefix, ip) {
            (IpAddr::V4(prefix), IpAddr::V4(ip)) => {
                let shift = 32_u32.saturating_sub(self.length.into());
                let differs = prefix.to_bits() ^ ip.to_bits();
                differs.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(prefix), IpAddr::V6(ip)) => {
                let shift = 128_u32.saturating_sub(self.length.into());
                let differs = prefix.to_bits() ^ ip.to_bits();
                differs.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    fn applies(&self, peer: SocketAddr) -> bool {
        self.ports.contains(&peer.port()) && self.covers(peer.ip())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.prefix, self.length)?;
        match self.ports == ALL_PORTS {
            true => Ok(()),
            false => write!(f, " ports {:?}", self.ports),
        }
    }
}

impl Default for PeerPolicy {
    fn default() -> Self {
        Self::internet()
    }
}

impl PeerPolicy {
    /// Every host on the internet.
    #[must_use]
    pub const fn internet() -> Self {
        Self {
            allowed: Vec::new(),
            denied: Vec::new(),
            own: Vec::new(),
            is_open: true,
        }
    }

    /// Only what is allowed by name.
    #[must_use]
    pub const fn nobody() -> Self {
        let mut policy = Self::internet();
        policy.is_open = false;
        policy
    }

    /// Allows these ports at the addresses of a prefix, whatever else is denied.
    #[must_use]
    pub fn allow(mut self, prefix: IpAddr, length: u8, ports: RangeInclusive<u16>) -> Self {
        self.allowed.push(Rule {
            prefix,
            length,
            ports,
        });
        self
    }

    /// Denies these ports at the addresses of a prefix, unless they are allowed.
    #[must_use]
    pub fn deny(mut self, prefix: IpAddr, length: u8, ports: RangeInclusive<u16>) -> Self {
        self.denied.push(Rule {
            prefix,
            length,
            ports,
        });
        self
    }

    /// Denies an address of the server itself.
    pub(super) fn add_own(&mut self, ip: IpAddr) {
        if !self.own.contains(&ip) {
            self.own.push(ip);
        }
    }

    /// Whether data may go to this address and port, and come from there. Port 0 is nobody's.
    #[must_use]
    pub fn permits(&self, peer: SocketAddr) -> bool {
        if peer.port() == 0 {
            return false;
        }
        let applies = |rule: &Rule| rule.applies(peer);
        let least = self.least_length(peer.ip());
        let lifts = |rule: &Rule| rule.length >= least && applies(rule);
        if self.allowed.iter().any(lifts) {
            return true;
        }
        if self.denied.iter().any(applies) || self.is_closed_to(peer.ip()) {
            return false;
        }
        match special::behind_nat64(peer.ip()) {
            Some(ip) => self.permits(SocketAddr::new(ip, peer.port())),
            None => true,
        }
    }

    /// What a permission for this address covers: every port, some of them, or `None`.
    pub(super) fn ports_of(&self, ip: IpAddr) -> Option<Ports> {
        let whole = |rule: &&Rule| rule.ports == ALL_PORTS;
        let least = self.least_length(ip);
        let lifts = |rule: &&Rule| rule.length >= least && rule.covers(ip);
        let mut allowed = self.allowed.iter().filter(lifts);
        if allowed.clone().any(|rule| whole(&rule)) {
            return Some(Ports::All);
        }
        let mut denied = self.denied.iter().filter(|rule| rule.covers(ip));
        let closed = self.is_closed_to(ip) || denied.clone().any(|rule| whole(&rule));
        let otherwise = match special::behind_nat64(ip) {
            _ if closed => None,
            Some(inner) => self.ports_of(inner),
            None => Some(Ports::All),
        };
        match otherwise {
            None => allowed.next().map(|_| Ports::Some),
            Some(Ports::All) if denied.next().is_none() => Some(Ports::All),
            Some(_) => Some(Ports::Some),
        }
    }

    fn is_closed_to(&self, ip: IpAddr) -> bool {
        !self.is_open || self.own.contains(&ip) || special::prefix_of(ip).is_some()
    }

    /// How long a prefix must be that allows an address.
    fn least_length(&self, ip: IpAddr) -> u8 {
        let is_translated = special::behind_nat64(ip).is_some();
        match special::prefix_of(ip) {
            _ if self.own.contains(&ip) => {
                if ip.is_ipv4() {
                    32
                } else {
                    128
                }
            }
            Some(length) => length,
            None if is_translated => special::NAT64,
            None => 0,
        }
    }
}

impl fmt::Debug for PeerPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerPolicy")
            .field("allowed", &self.allowed)
            .field("denied", &self.denied)
            .field("own", &self.own)
            .field("is_open", &self.is_open)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    fn at(ip: IpAddr) -> SocketAddr {
        SocketAddr::new(ip, 5000)
    }

    #[test]
    fn hosts_of_the_internet_are_allowed_and_all_others_denied() {
        let mut policy = PeerPolicy::default();
        policy.add_own(ip("8.8.4.4"));
        for open in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2a00:1450::1",
            "2606:4700::1111",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(policy.permits(at(ip(open))), "{open}");
            assert_eq!(policy.ports_of(ip(open)), Some(Ports::All), "{open}");
        }
        for closed in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "8.8.4.4",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::8.8.4.4",
            "64:ff9b:1::10.0.0.1",
            "2001::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!policy.permits(at(ip(closed))), "{closed}");
            assert_eq!(policy.ports_of(ip(closed)), None, "{closed}");
        }
        assert!(!policy.permits(SocketAddr::new(ip("8.8.8.8"), 0)));
    }

    #[test]
    fn only_what_names_a_special_range_allows_it() {
        let all = 0..=u16::MAX;
        let mut policy = PeerPolicy::internet()
            .allow(ip("0.0.0.0"), 0, all.clone())
            .allow(ip("::"), 0, all.clone())
            .allow(ip("10.1.0.0"), 16, 5000..=5001);
        policy.add_own(ip("10.1.0.1"));
        for closed in [
            "127.0.0.1",
            "10.2.0.1",
            "::1",
            "::ffff:10.1.0.2",
            "64:ff9b::10.2.0.1",
            "fd00::1",
            "10.1.0.1",
        ] {
            assert!(!policy.permits(at(ip(closed))), "{closed}");
        }
        for open in ["8.8.8.8", "10.1.0.2", "64:ff9b::10.1.0.2", "2a00::1"] {
            assert!(policy.permits(at(ip(open))), "{open}");
        }
        assert!(!policy.permits(SocketAddr::new(ip("10.1.0.2"), 4999)));
        assert_eq!(policy.ports_of(ip("10.1.0.2")), Some(Ports::Some));
        // The server's own address is allowed by that address alone.
        let policy = policy.allow(ip("10.1.0.1"), 32, 6000..=6001);
        assert!(policy.permits(SocketAddr::new(ip("10.1.0.1"), 6000)));
        assert!(!policy.permits(SocketAddr::new(ip("10.1.0.1"), 3478)));
    }

    #[test]
    fn ports_may_be_denied_and_nobody_allowed() {
        let policy = PeerPolicy::internet().deny(ip("8.8.8.0"), 24, 0..=1023);
        assert!(!policy.permits(SocketAddr::new(ip("8.8.8.8"), 53)));
        assert!(policy.permits(at(ip("8.8.8.8"))));
        assert!(!policy.permits(SocketAddr::new(ip("64:ff9b::808:808"), 53)));
        assert_eq!(policy.ports_of(ip("8.8.8.8")), Some(Ports::Some));
        assert_eq!(policy.ports_of(ip("64:ff9b::808:808")), Some(Ports::Some));
        let policy = PeerPolicy::nobody().allow(ip("8.8.8.8"), 32, 5000..=5000);
        assert!(policy.permits(at(ip("8.8.8.8"))) && !policy.permits(at(ip("8.8.8.9"))));
        assert_eq!(policy.ports_of(ip("8.8.8.9")), None);
    }
}
