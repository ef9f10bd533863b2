//! Our own candidates and the sockets behind them.

use std::net::{IpAddr, SocketAddr};

use stun_codec::{Path, SocketId, Transport};

use crate::candidate::{Address, Candidate, Foundation, Kind, Protocol};
use crate::priority::candidate_priority;

/// Most host addresses.
pub(crate) const MAX_BASES: usize = 16;

/// Most local candidates, reflexive ones included.
const MAX_CANDIDATES: usize = 64;

/// A host address: where checks are sent from (RFC 8445 §3, "base").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BaseId(usize);

/// A local candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalId(usize);

#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) socket: SocketId,
    pub(crate) address: SocketAddr,
    /// The host candidate that stands for it.
    pub(crate) host: LocalId,
    /// PRIORITY of the checks from here: what a peer-reflexive candidate learned from one would
    /// have (RFC 8445 §7.1.1).
    pub(crate) reflexive_priority: u32,
    preference: u16,
    /// Its socket is gone. The candidates stay, to be reported.
    closed: bool,
}

impl Base {
    /// The way from here to `remote`.
    pub(crate) fn path_to(&self, remote: SocketAddr) -> Path {
        Path {
            id: self.socket,
            local: self.address,
            remote,
            transport: Transport::Udp,
        }
    }

    /// Whether checks may go from here to `remote`: one address family, and link-local addresses
    /// only among themselves (RFC 8445 §6.1.2.2).
    pub(crate) fn reaches(&self, remote: SocketAddr) -> bool {
        match (self.address, remote) {
            (SocketAddr::V4(_), SocketAddr::V4(_)) => true,
            (SocketAddr::V6(local), SocketAddr::V6(remote)) => {
                local.ip().is_unicast_link_local() == remote.ip().is_unicast_link_local()
            }
            _ => false,
        }
    }
}

/// What makes two candidates share a foundation (RFC 8445 §5.1.1.3).
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    kind: Kind,
    base: IpAddr,
    server: Option<IpAddr>,
}

#[derive(Debug)]
pub(crate) struct Locals {
    component: u16,
    /// Ours; every candidate names it.
    ufrag: Box<str>,
    bases: Vec<Base>,
    candidates: Vec<(BaseId, Candidate)>,
    origins: Vec<Origin>,
}

impl Locals {
    pub(crate) fn new(component: u16, ufrag: &str) -> Self {
        Self {
            component,
            ufrag: ufrag.into(),
            bases: Vec::new(),
            candidates: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// The host addresses whose sockets are there, and nothing that was learned about them.
    pub(crate) fn hosts_only(&self, ufrag: &str) -> Self {
        let mut fresh = Self::new(self.component, ufrag);
        for (_, base) in self.bases() {
            fresh.add_host(base.socket, base.address);
        }
        fresh
    }

    pub(crate) fn add_host(&mut self, socket: SocketId, address: SocketAddr) -> BaseId {
        let base = BaseId(self.bases.len());
        let preference = u16::MAX.saturating_sub(self.bases.len() as u16);
        let host = LocalId(self.candidates.len());
        self.bases.push(Base {
            socket,
            address,
            host,
            reflexive_priority: candidate_priority(
                &Kind::PeerReflexive,
                preference,
                self.component,
            ),
            preference,
            closed: false,
        });
        let candidate = self.candidate(Kind::Host, address, address, preference, None);
        self.candidates.push((base, candidate));
        base
    }

    /// Adds what `server`, or the peer when there is none, saw of a base. `None` when that is
    /// known already (RFC 8445 §5.1.3) or there are too many.
    pub(crate) fn add_reflexive(
        &mut self,
        base: BaseId,
        mapped: SocketAddr,
        server: Option<IpAddr>,
    ) -> Option<&Candidate> {
        if self.find(base, mapped).is_some() || self.candidates.len() >= MAX_CANDIDATES {
            return None;
        }
        let (local, preference) = self.base(base).map(|b| (b.address, b.preference))?;
        let kind = match server {
            Some(_) => Kind::ServerReflexive,
            None => Kind::PeerReflexive,
        };
        let candidate = self.candidate(kind, mapped, local, preference, server);
        self.candidates.push((base, candidate));
        self.candidates.last().map(|(_, candidate)| candidate)
    }

    fn candidate(
        &mut self,
        kind: Kind,
        address: SocketAddr,
        base: SocketAddr,
        preference: u16,
        server: Option<IpAddr>,
    ) -> Candidate {
        let letter = match kind {
            Kind::Host => b'h',
            Kind::ServerReflexive => b's',
            _ => b'p',
        };
        let priority = candidate_priority(&kind, preference, self.component);
        let origin = Origin {
            kind: kind.clone(),
            base: base.ip(),
            server,
        };
        let number = self
            .origins
            .iter()
            .position(|known| *known == origin)
            .unwrap_or_else(|| {
                self.origins.push(origin);
                self.origins.len() - 1
            });
        Candidate {
            foundation: Foundation::numbered(letter, number as u32),
            component: self.component,
            protocol: Protocol::Udp,
            priority,
            address: Address::Ip(address),
            related: (kind != Kind::Host).then_some(Address::Ip(base)),
            kind,
            // By this extension, which browsers write and read, the peer tells candidates of before
            // a restart from those after it.
            extensions: vec![("ufrag".to_owned(), self.ufrag.to_string())],
        }
    }

    /// A base whose socket is there.
    pub(crate) fn base(&self, id: BaseId) -> Option<&Base> {
        self.bases.get(id.0).filter(|base| !base.closed)
    }

    /// The bases whose sockets are there.
    pub(crate) fn bases(&self) -> impl Iterator<Item = (BaseId, &Base)> {
        let bases = self.bases.iter().enumerate();
        bases
            .filter(|(_, base)| !base.closed)
            .map(|(at, base)| (BaseId(at), base))
    }

    pub(crate) fn has_socket(&self, id: SocketId) -> bool {
        self.bases().any(|(_, base)| base.socket == id)
    }

    /// A socket is gone: the next base on it, with its address.
    pub(crate) fn close(&mut self, id: SocketId) -> Option<(BaseId, SocketAddr)> {
        let here = |base: &Base| base.socket == id && !base.closed;
        let at = self.bases.iter().position(here)?;
        let base = self.bases.get_mut(at)?;
        base.closed = true;
        Some((BaseId(at), base.address))
    }

    /// The base that a path starts from.
    pub(crate) fn base_of(&self, path: &Path) -> Option<BaseId> {
        let found = self.bases().find(|(_, base)| {
            base.socket == path.id && base.address == path.local && path.transport == Transport::Udp
        });
        found.map(|(id, _)| id)
    }

    /// The candidate of this base that has this address.
    pub(crate) fn find(&self, base: BaseId, address: SocketAddr) -> Option<LocalId> {
        let found = self
            .candidates
            .iter()
            .position(|(of, candidate)| *of == base && candidate.address == Address::Ip(address));
        found.map(LocalId)
    }

    /// Whether this is a candidate of this base.
    pub(crate) fn is_of(&self, base: BaseId, candidate: &Candidate) -> bool {
        let mut own = self.candidates.iter().filter(|(of, _)| *of == base);
        own.any(|(_, own)| own == candidate)
    }

    pub(crate) fn candidate_at(&self, id: LocalId) -> Option<&Candidate> {
        self.candidates.get(id.0).map(|(_, candidate)| candidate)
    }

    pub(crate) fn host_of(&self, base: BaseId) -> Option<&Candidate> {
        self.candidate_at(self.bases.get(base.0)?.host)
    }

    pub(crate) fn base_count(&self) -> usize {
        self.bases.len()
    }

    /// Candidates on sockets that are there.
    pub(crate) fn candidate_count(&self) -> usize {
        let bases = self.candidates.iter().map(|(base, _)| *base);
        bases.filter(|base| self.base(*base).is_some()).count()
    }
}
