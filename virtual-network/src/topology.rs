//! Who is where: hosts, the NATs and firewalls in front of them, and the ways between.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::firewall::Firewall;
use crate::nat::{Nat, NatKind};

/// A host of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

/// A NAT of one network, and the private network behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatId(usize);

/// Who can be reached directly: everybody on the public network, or all behind one NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Realm {
    Public,
    Behind(NatId),
}

#[derive(Debug)]
pub(crate) struct Host {
    realm: Realm,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) firewall: Firewall,
    /// The end of the last outage of what it sends.
    pub(crate) outage: Option<Instant>,
}

/// How something leaves a host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Where it arrives.
    pub(crate) realm: Realm,
    /// The NAT that it goes through.
    pub(crate) nat: Option<NatId>,
    /// What it comes from, as it is seen there.
    pub(crate) from: SocketAddr,
}

#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub(crate) hosts: Vec<Host>,
    nats: Vec<Nat>,
}

impl Topology {
    pub(crate) fn add_nat(&mut self, public: IpAddr, kind: NatKind) -> NatId {
        self.nats.push(Nat::new(public, kind));
        NatId(self.nats.len() - 1)
    }

    pub(crate) fn add_host(&mut self, realm: Realm, addresses: &[SocketAddr]) -> HostId {
        self.hosts.push(Host {
            realm,
            addresses: addresses.to_vec(),
            firewall: Firewall::OPEN,
            outage: None,
        });
        HostId(self.hosts.len() - 1)
    }

    pub(crate) fn host(&self, host: HostId) -> Option<&Host> {
        self.hosts.get(host.0)
    }

    pub(crate) fn host_mut(&mut self, host: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(host.0)
    }

    pub(crate) fn nat_mut(&mut self, nat: NatId) -> Option<&mut Nat> {
        self.nats.get_mut(nat.0)
    }

    /// The host that has this address.
    pub(crate) fn host_at(&self, realm: Realm, address: SocketAddr) -> Option<HostId> {
        self.find(realm, |host| host.addresses.contains(&address))
    }

    /// A host that has this IP address, with whatever port.
    pub(crate) fn host_with(&self, realm: Realm, ip: IpAddr) -> Option<HostId> {
        self.find(realm, |host| host.has(ip))
    }

    fn find(&self, realm: Realm, is_it: impl Fn(&Host) -> bool) -> Option<HostId> {
        let here = |host: &Host| host.realm == realm && is_it(host);
        self.hosts.iter().position(here).map(HostId)
    }

    /// How a datagram leaves; a NAT makes a mapping for it. `None` when it cannot.
    pub(crate) fn datagram_out(
        &mut self,
        host: HostId,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<Way> {
        let realm = self.host(host)?.realm;
        let Realm::Behind(nat) = realm else {
            return Some(Way::straight(realm, from));
        };
        if self.host_at(realm, to).is_some() {
            return Some(Way::straight(realm, from));
        }
        let from = self.nat_mut(nat)?.outbound(from, to)?;
        Some(Way::through(nat, from))
    }

    /// How a connection leaves: each has an outer port of its own.
    pub(crate) fn connection_out(
        &mut self,
        host: HostId,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<Way> {
        let sender = self.host(host).filter(|host| host.has(from.ip()))?;
        let realm = sender.realm;
        if !sender.firewall.lets_out(to.port()) {
            return None;
        }
        let Realm::Behind(nat) = realm else {
            return Some(Way::straight(realm, from));
        };
        if self.host_with(realm, to.ip()).is_some() {
            return Some(Way::straight(realm, from));
        }
        let from = self.nat_mut(nat)?.connection()?;
        Some(Way::through(nat, from))
    }

    /// Where a datagram ends that came this way: the realm and the address there. `None` when a NAT
    /// does not let it in.
    pub(crate) fn datagram_in(
        &self,
        realm: Realm,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<(Realm, SocketAddr)> {
        let nat = self.nats.iter().position(|nat| nat.public == to.ip());
        match (realm, nat) {
            (Realm::Public, Some(at)) => {
                let inner = self.nats.get(at)?.inbound(from, to)?;
                Some((Realm::Behind(NatId(at)), inner))
            }
            _ => Some((realm, to)),
        }
    }
}

impl Host {
    fn has(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.ip() == ip)
    }

    pub(crate) fn is_in(&self, realm: Realm) -> bool {
        self.realm == realm
    }
}

impl Way {
    fn straight(realm: Realm, from: SocketAddr) -> Self {
        let nat = None;
        Self { realm, nat, from }
    }

    fn through(nat: NatId, from: SocketAddr) -> Self {
        Self {
            realm: Realm::Public,
            nat: Some(nat),
            from,
        }
    }
}
