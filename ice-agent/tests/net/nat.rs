//! A NAT with the behaviours of RFC 4787: how it maps (§4.1) and what it lets in (§5).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Whether one inner address has one outer address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapping {
    EndpointIndependent,
    /// A new outer port for each destination: "symmetric".
    AddressAndPortDependent,
}

/// Whose datagrams come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filtering {
    /// Anybody's: "full cone".
    EndpointIndependent,
    /// Of those to whose address and port something went out.
    AddressAndPortDependent,
}

#[derive(Debug)]
pub(crate) struct Nat {
    pub(crate) public: IpAddr,
    pub(crate) mapping: Mapping,
    pub(crate) filtering: Filtering,
    ports: BTreeMap<(SocketAddr, Option<SocketAddr>), u16>,
    inner: BTreeMap<u16, SocketAddr>,
    allowed: BTreeSet<(u16, SocketAddr)>,
    next_port: u16,
}

impl Nat {
    pub(crate) fn new(public: &str, mapping: Mapping, filtering: Filtering) -> Self {
        Self {
            public: public.parse().expect(public),
            mapping,
            filtering,
            ports: BTreeMap::new(),
            inner: BTreeMap::new(),
            allowed: BTreeSet::new(),
            next_port: 40_000,
        }
    }

    pub(crate) fn outbound(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let destination = (self.mapping == Mapping::AddressAndPortDependent).then_some(to);
        let next = &mut self.next_port;
        let port = *self.ports.entry((from, destination)).or_insert_with(|| {
            *next += 1;
            *next
        });
        self.inner.insert(port, from);
        self.allowed.insert((port, to));
        SocketAddr::new(self.public, port)
    }

    pub(crate) fn inbound(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let open = self.filtering == Filtering::EndpointIndependent
            || self.allowed.contains(&(to.port(), from));
        open.then(|| self.inner.get(&to.port()).copied()).flatten()
    }
}
