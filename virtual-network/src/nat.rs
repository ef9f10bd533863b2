//! A NAT with the behaviours of RFC 4787: how it maps (§4.1) and what it lets in (§5).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The first outer port that a NAT gives out.
const FIRST_PORT: u16 = 40_000;

/// What a mapping or a filter depends on, beside the inner address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependence {
    /// On nothing else.
    EndpointIndependent,
    /// On the remote IP address.
    AddressDependent,
    /// On the remote IP address and port.
    AddressAndPortDependent,
}

/// How a NAT behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatKind {
    /// What an outer port is given for (RFC 4787 §4.1).
    pub mapping: Dependence,
    /// Whose datagrams come in: those of remotes alike to one that something was sent to (§5).
    pub filtering: Dependence,
}

impl NatKind {
    /// One outer port for each inner one, open to everybody.
    pub const FULL_CONE: Self = Self {
        mapping: Dependence::EndpointIndependent,
        filtering: Dependence::EndpointIndependent,
    };
    /// One outer port for each inner one, open to hosts that something was sent to.
    pub const RESTRICTED: Self = Self {
        mapping: Dependence::EndpointIndependent,
        filtering: Dependence::AddressDependent,
    };
    /// One outer port for each inner one, open to addresses and ports that something was sent to.
    pub const PORT_RESTRICTED: Self = Self {
        mapping: Dependence::EndpointIndependent,
        filtering: Dependence::AddressAndPortDependent,
    };
    /// A new outer port for each remote address and port, open to that one.
    pub const SYMMETRIC: Self = Self {
        mapping: Dependence::AddressAndPortDependent,
        filtering: Dependence::AddressAndPortDependent,
    };
}

impl Dependence {
    /// What is the same for all remotes that are treated alike.
    fn of(self, remote: SocketAddr) -> Option<SocketAddr> {
        match self {
            Self::EndpointIndependent => None,
            Self::AddressDependent => Some(SocketAddr::new(remote.ip(), 0)),
            Self::AddressAndPortDependent => Some(remote),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Nat {
    pub(crate) public: IpAddr,
    kind: NatKind,
    /// The outer port of an inner address, for the remotes that it was given for.
    ports: BTreeMap<(SocketAddr, Option<SocketAddr>), u16>,
    inner: BTreeMap<u16, SocketAddr>,
    open: BTreeSet<(u16, Option<SocketAddr>)>,
    last_port: u16,
}

impl Nat {
    pub(crate) fn new(public: IpAddr, kind: NatKind) -> Self {
        Self {
            public,
            kind,
            ports: BTreeMap::new(),
            inner: BTreeMap::new(),
            open: BTreeSet::new(),
            last_port: FIRST_PORT - 1,
        }
    }

    /// How `from` is seen by `to`. `None` when all ports are taken.
    pub(crate) fn outbound(&mut self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let key = (from, self.kind.mapping.of(to));
        let port = match self.ports.get(&key) {
            Some(port) => *port,
            None => self.next_port()?,
        };
        self.ports.insert(key, port);
        self.inner.insert(port, from);
        self.open.insert((port, self.kind.filtering.of(to)));
        Some(SocketAddr::new(self.public, port))
    }

    /// Whom a datagram from outside is for. `None` when it is not let in.
    pub(crate) fn inbound(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let remote = self.kind.filtering.of(from);
        let open = self.open.contains(&(to.port(), remote));
        open.then(|| self.inner.get(&to.port()).copied()).flatten()
    }

    /// Forgets all mappings. Who sends again is given a port that he did not have.
    pub(crate) fn forget(&mut self) {
        self.ports.clear();
        self.inner.clear();
        self.open.clear();
    }

    /// Ports are given out in turn, so that a new one was not in use lately.
    fn next_port(&mut self) -> Option<u16> {
        let ports = usize::from(u16::MAX - FIRST_PORT) + 1;
        if self.inner.len() >= ports {
            return None;
        }
        loop {
            self.last_port = self.last_port.checked_add(1).unwrap_or(FIRST_PORT);
            if !self.inner.contains_key(&self.last_port) {
                return Some(self.last_port);
            }
        }
    }
}
