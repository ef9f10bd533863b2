//! What an agent may use and what it prefers: kinds of candidates, networks, ports, relays.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use stun_codec::Port;

/// Which candidates of ours are used and told to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// Addresses of our interfaces.
    pub host: bool,
    /// Addresses that STUN servers see.
    pub server_reflexive: bool,
    /// Addresses at TURN servers.
    pub relayed: bool,
}

impl Kinds {
    /// All of them: the default.
    pub const ALL: Self = Self {
        host: true,
        server_reflexive: true,
        relayed: true,
    };

    /// Nothing is sent to the peer but through a relay, and it learns no address of ours.
    pub const RELAY_ONLY: Self = Self {
        host: false,
        server_reflexive: false,
        relayed: true,
    };
}

impl Default for Kinds {
    fn default() -> Self {
        Self::ALL
    }
}

/// What the order of candidates favours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preference {
    /// Direct ways, as RFC 8445 §5.1.2.2 recommends.
    #[default]
    Direct,
    /// Relays: direct ways serve where no relay works.
    Relayed,
}

/// A network: the addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// An address of it.
    pub address: IpAddr,
    /// How many bits count. More than the address has count as all of them.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is of this network. IPv4 addresses are of no IPv6 network.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, ip) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let host_bits = u32::saturating_sub(width, u32::from(self.prefix));
        // All 128 bits may be shifted out.
        let network = |bits: u128| bits.checked_shr(host_bits).unwrap_or(0);
        network(ours) == network(theirs)
    }
}

/// A NAT that gives each inner address one outer address, and keeps ports: host candidates are told
/// with the outer address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneToOne {
    /// The address of our interface.
    pub inner: IpAddr,
    /// The address that others reach it at.
    pub outer: IpAddr,
}

/// The prefix by which a NAT64 reaches IPv4 (RFC 6052 §2.2). [`Default`] is the well-known one,
/// `64:ff9b::/96`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nat64(Ipv6Addr);

impl Nat64 {
    /// A network-specific prefix of 96 bits; the others are ignored.
    #[must_use]
    pub fn new(prefix: Ipv6Addr) -> Self {
        Self(Ipv6Addr::from_bits(prefix.to_bits() >> 32 << 32))
    }

    /// The address at which an IPv4 address is reached through the NAT64.
    #[must_use]
    pub fn map(self, v4: std::net::Ipv4Addr) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.0.to_bits() | u128::from(v4.to_bits()))
    }
}

impl Default for Nat64 {
    fn default() -> Self {
        Self::new(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0))
    }
}

/// What an agent may use and what it prefers. The default allows everything.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Which candidates of ours are used.
    pub kinds: Kinds,
    /// Networks that our host addresses and the peer's candidates have to be of; all where there is
    /// none. Relayed addresses and what a relay sends to are the server's to judge.
    pub networks: Vec<Network>,
    /// Ports of the UDP sockets that the agent asks for, those towards TURN servers included. Any by
    /// default.
    pub ports: Option<RangeInclusive<u16>>,
    /// What the priorities favour.
    pub preference: Preference,
    /// NATs that give each of our addresses another one.
    pub one_to_one: Vec<OneToOne>,
    /// Where IPv4 is reached through a NAT64: from IPv6 addresses of ours, the peer's and the STUN
    /// servers' IPv4 addresses are sent to by this prefix.
    pub nat64: Option<Nat64>,
}

impl Policy {
    pub(crate) fn allows(&self, ip: IpAddr) -> bool {
        let mut networks = self.networks.iter();
        self.networks.is_empty() || networks.any(|network| network.contains(ip))
    }

    /// What port sockets of ours are to have.
    pub(crate) fn port(&self) -> Port {
        self.ports.as_ref().map_or(Port::Any, |ports| Port::Within {
            least: *ports.start(),
            most: *ports.end(),
        })
    }

    /// Where a host of ours at `local` sends what is for `remote`.
    pub(crate) fn route(&self, local: SocketAddr, remote: SocketAddr) -> SocketAddr {
        match (local, remote, self.nat64) {
            (SocketAddr::V6(_), SocketAddr::V4(remote), Some(nat64)) => {
                SocketAddr::from((nat64.map(*remote.ip()), remote.port()))
            }
            _ => remote,
        }
    }

    /// The address that others reach `ip` at.
    pub(crate) fn outer(&self, ip: IpAddr) -> IpAddr {
        let mut mapped = self.one_to_one.iter();
        mapped
            .find(|nat| nat.inner == ip)
            .map_or(ip, |nat| nat.outer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn networks_are_told_by_their_first_bits() {
        let inside = |network: &str, prefix, address| {
            let address_of = ip(network);
            Network {
                address: address_of,
                prefix,
            }
            .contains(ip(address))
        };
        assert!(inside("10.0.0.0", 8, "10.200.3.4"));
        assert!(!inside("10.0.0.0", 8, "11.0.0.1"));
        assert!(inside("192.0.2.7", 32, "192.0.2.7"));
        assert!(!inside("192.0.2.7", 32, "192.0.2.6"));
        assert!(inside("0.0.0.0", 0, "203.0.113.9"));
        assert!(!inside("::", 0, "203.0.113.9"));
        assert!(inside("::", 0, "2001:db8::1"));
        assert!(inside("2001:db8::", 32, "2001:db8:ffff::1"));
        assert!(!inside("2001:db8::", 32, "2001:db9::1"));
    }

    #[test]
    fn nat64_puts_the_four_bytes_last() {
        // RFC 6052 §2.4.
        let mapped = Nat64::default().map("192.0.2.33".parse().expect("an address"));
        assert_eq!(IpAddr::V6(mapped), ip("64:ff9b::192.0.2.33"));
        let own = Nat64::new("2001:db8:122:344::ffff:1".parse().expect("an address"));
        let mapped = own.map("192.0.2.33".parse().expect("an address"));
        assert_eq!(IpAddr::V6(mapped), ip("2001:db8:122:344::192.0.2.33"));
    }
}
