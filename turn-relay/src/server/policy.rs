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
/// 2. the server's own addresses are denied: its listeners and those that it relays at;
/// 3. what IANA's special-purpose registries name is denied: loopback, link-local, private, shared,
///    multicast, documentation, and every spelling of an IPv4 address inside one of IPv6
///    (IPv4-mapped, IPv4-compatible, 6to4, Teredo, local NAT64);
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

    /// Allows these ports at the addresses of a prefix, whatever else is said of them. Address 0.0.0.0 or
    /// `::` and length 0 is everybody of that family.
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
        if self.allowed.iter().any(applies) {
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
        let mut allowed = self.allowed.iter().filter(|rule| rule.covers(ip));
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
        !self.is_open || self.own.contains(&ip) || special::is_special(ip)
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
