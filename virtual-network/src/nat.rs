//! A NAT with the behaviours of RFC 4787: how it maps (§4.1), what it lets in (§5), and whether those
//! behind it reach one another at their outer addresses (§6).

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
    /// Whether what one inner host sends to the outer address of another comes back in (§6), as from
    /// its own outer address.
    pub hairpinning: bool,
}

impl NatKind {
    /// One outer port for each inner one, open to everybody.
    pub const FULL_CONE: Self = Self::new(
        Dependence::EndpointIndependent,
        Dependence::EndpointIndependent,
    );
    /// One outer port for each inner one, open to hosts that something was sent to.
    pub const RESTRICTED: Self = Self::new(
        Dependence::EndpointIndependent,
        Dependence::AddressDependent,
    );
    /// One outer port for each inner one, open to addresses and ports that something was sent to.
    pub const PORT_RESTRICTED: Self = Self::new(
        Dependence::EndpointIndependent,
        Dependence::AddressAndPortDependent,
    );
    /// A new outer port for each remote address and port, open to that one.
    pub const SYMMETRIC: Self = Self::new(
        Dependence::AddressAndPortDependent,
        Dependence::AddressAndPortDependent,
    );

    /// One without hairpinning.
    #[must_use]
    pub const fn new(mapping: Dependence, filtering: Dependence) -> Self {
        Self {
            mapping,
            filtering,
            hairpinning: false,
        }
    }

    /// The same with hairpinning.
    #[must_use]
    pub const fn with_hairpinning(self) -> Self {
        Self {
            hairpinning: true,
            ..self
        }
    }
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

    /// How `from` is seen by `to`. `None` when all ports are taken, or `to` is this NAT and it does no
    /// hairpinning.
    pub(crate) fn outbound(&mut self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        if to.ip() == self.public && !self.kind.hairpinning {
            return None;
        }
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

    /// How a new connection is seen from outside. Those behind it listen to nobody, so that nothing has
    /// to be remembered. `None` when all ports are taken.
    pub(crate) fn connection(&mut self) -> Option<SocketAddr> {
        let port = self.next_port()?;
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
