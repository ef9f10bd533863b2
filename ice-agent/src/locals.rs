//! Our own candidates and the sockets behind them.

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;
use stun_codec::{Path, SocketId, Transport};

use crate::candidate::{Address, Candidate, Extensions, Foundation, Kind, Protocol, TcpKind};
use crate::policy::{Policy, Preference};
use crate::priority::preferred_priority;

/// Most host addresses.
pub(crate) const MAX_BASES: usize = 16;

/// Most bases in all, those that are gone included: sockets come and go with networks.
const MAX_EVER: usize = 256;

/// Most local candidates, reflexive ones included.
const MAX_CANDIDATES: usize = 64;

/// An address that checks are sent from (RFC 8445 §3, "base"): a host's, or one at a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BaseId(usize);

/// A local candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalId(usize);

/// What stands behind a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A socket, and the address that others reach it at.
    Socket { outer: IpAddr },
    /// A listening TCP socket (RFC 6544, passive).
    Listener,
    /// Connections that are made from this address, one for each pair (RFC 6544, active).
    Dialer,
    /// A relay, whose server is reached over this transport and sees us at this address.
    Relay {
        transport: Transport,
        mapped: SocketAddr,
    },
}

impl Behind {
    fn protocol(self) -> Protocol {
        match self {
            Self::Socket { .. } | Self::Relay { .. } => Protocol::Udp,
            Self::Listener => Protocol::Tcp(TcpKind::Passive),
            Self::Dialer => Protocol::Tcp(TcpKind::Active),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Base {
    /// The socket, or the name of the relay.
    pub(crate) socket: SocketId,
    pub(crate) address: SocketAddr,
    pub(crate) behind: Behind,
    /// The host or relayed candidate that stands for it.
    pub(crate) host: LocalId,
    /// PRIORITY of the checks from here: what a peer-reflexive candidate learned from one would
    /// have (RFC 8445 §7.1.1).
    pub(crate) reflexive_priority: u32,
    preference: u16,
    /// Its socket is gone. The candidates stay, to be reported.
    closed: bool,
}

impl Base {
    /// The protocol of its candidates.
    fn protocol(&self) -> Protocol {
        self.behind.protocol()
    }

    /// Whether it sends checks to candidates of this protocol of its own accord.
    pub(crate) fn checks(&self, protocol: &Protocol) -> bool {
        match self.behind {
            Behind::Socket { .. } | Behind::Relay { .. } => *protocol == Protocol::Udp,
            Behind::Dialer => *protocol == Protocol::Tcp(TcpKind::Passive),
            Behind::Listener => false,
        }
    }

    /// Whether there is a socket of the driver behind it.
    pub(crate) fn has_socket(&self) -> bool {
        matches!(self.behind, Behind::Socket { .. } | Behind::Listener)
    }

    /// Whether STUN servers are asked from it.
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.behind, Behind::Socket { .. })
    }

    pub(crate) fn is_relayed(&self) -> bool {
        matches!(self.behind, Behind::Relay { .. })
    }

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
    protocol: Protocol,
    base: IpAddr,
    server: Option<IpAddr>,
}

#[derive(Debug)]
pub(crate) struct Locals {
    component: u16,
    /// Our ufrag. By this extension, which browsers write and read, the peer tells candidates of
    /// before a restart from those after it.
    extensions: Extensions,
    preference: Preference,
    /// Whether the peer may learn our own addresses.
    tells_hosts: bool,
    bases: SmallVec<[Base; 2]>,
    candidates: Vec<(BaseId, Candidate)>,
    origins: SmallVec<[Origin; 2]>,
}

impl Locals {
    pub(crate) fn new(component: u16, ufrag: &str, policy: &Policy) -> Self {
        Self {
            component,
            extensions: Extensions::one("ufrag", ufrag),
            preference: policy.preference,
            tells_hosts: policy.kinds.host,
            bases: SmallVec::new(),
            candidates: Vec::new(),
            origins: SmallVec::new(),
        }
    }

    /// The bases whose sockets and relays are there, and nothing that was learned about them.
    pub(crate) fn bases_only(&self, ufrag: &str) -> Self {
        let mut fresh = Self {
            component: self.component,
            extensions: Extensions::one("ufrag", ufrag),
            preference: self.preference,
            tells_hosts: self.tells_hosts,
            bases: SmallVec::new(),
            candidates: Vec::new(),
            origins: SmallVec::new(),
        };
        for (_, base) in self.bases() {
            fresh.add(base.socket, base.address, base.behind);
        }
        fresh
    }

    /// Adds a base, with the candidate that stands for it.
    pub(crate) fn add(&mut self, socket: SocketId, address: SocketAddr, behind: Behind) -> BaseId {
        let base = BaseId(self.bases.len());
        let best = match behind {
            Behind::Socket { .. }
            | Behind::Relay {
                transport: Transport::Udp,
                ..
            } => u16::MAX,
            Behind::Relay {
                transport: Transport::Tcp,
                ..
            } => 0x8000,
            Behind::Relay { .. } => 0x4000,
            // RFC 6544 §4.2: active before passive.
            Behind::Dialer => 0xdfff,
            Behind::Listener => 0x9fff,
        };
        let preference = best.saturating_sub(self.bases.len() as u16);
        let host = LocalId(self.candidates.len());
        self.bases.push(Base {
            socket,
            address,
            behind,
            host,
            reflexive_priority: preferred_priority(
                self.preference,
                &Kind::PeerReflexive,
                &behind.protocol(),
                preference,
                self.component,
            ),
            preference,
            closed: false,
        });
        let protocol = behind.protocol();
        let (kind, told, related) = match behind {
            Behind::Socket { outer } => {
                let told = SocketAddr::new(outer, address.port());
                (Kind::Host, told, address)
            }
            Behind::Listener | Behind::Dialer => (Kind::Host, address, address),
            Behind::Relay { mapped, .. } => (Kind::Relayed, address, mapped),
        };
        let candidate = self.candidate((kind, protocol), told, related, preference, None);
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
        let found = self.base(base)?;
        let (local, preference, protocol) = (found.address, found.preference, found.protocol());
        let kind = match server {
            Some(_) => Kind::ServerReflexive,
            None => Kind::PeerReflexive,
        };
        let candidate = self.candidate((kind, protocol), mapped, local, preference, server);
        self.candidates.push((base, candidate));
        self.candidates.last().map(|(_, candidate)| candidate)
    }

    fn candidate(
        &mut self,
        (kind, protocol): (Kind, Protocol),
        address: SocketAddr,
        base: SocketAddr,
        preference: u16,
        server: Option<IpAddr>,
    ) -> Candidate {
        let letter = match kind {
            Kind::Host => b'h',
            Kind::ServerReflexive => b's',
            Kind::Relayed => b'r',
            _ => b'p',
        };
        let priority = preferred_priority(
            self.preference,
            &kind,
            &protocol,
            preference,
            self.component,
        )
        .max(1);
        let origin = Origin {
            kind: kind.clone(),
            protocol: protocol.clone(),
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
            protocol,
            priority,
            address: Address::Ip(address),
            related: match (&kind, self.tells_hosts) {
                (Kind::Host, _) => None,
                (_, true) => Some(Address::Ip(base)),
                // RFC 8839 §5.1: who hides it says so with zeros.
                (_, false) => Some(Address::Ip(unspecified(address))),
            },
            kind,
            extensions: self.extensions.clone(),
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

    /// All bases, those whose sockets are gone included.
    pub(crate) fn ids(&self) -> impl Iterator<Item = BaseId> + use<> {
        (0..self.bases.len()).map(BaseId)
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
            let address = match base.behind {
                Behind::Socket { .. } | Behind::Relay { .. } => {
                    return base.socket == path.id
                        && base.address == path.local
                        && path.transport == Transport::Udp;
                }
                Behind::Listener => base.address == path.local,
                // Its connections have ports of their own.
                Behind::Dialer => base.address.ip() == path.local.ip(),
            };
            address && path.transport == Transport::Tcp
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

    /// All of them, each with its base where that is still there.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = (Option<&Base>, &Candidate)> {
        self.candidates
            .iter()
            .map(|(base, candidate)| (self.base(*base), candidate))
    }

    pub(crate) fn host_of(&self, base: BaseId) -> Option<&Candidate> {
        self.candidate_at(self.bases.get(base.0)?.host)
    }

    /// Whether another socket may come.
    pub(crate) fn has_room(&self, awaited: usize) -> bool {
        let sockets = self.bases().filter(|(_, base)| !base.is_relayed()).count();
        sockets + awaited < MAX_BASES && self.bases.len() < MAX_EVER
    }

    /// Whether there never was a base.
    pub(crate) fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Candidates on sockets that are there.
    pub(crate) fn candidate_count(&self) -> usize {
        let bases = self.candidates.iter().map(|(base, _)| *base);
        bases.filter(|base| self.base(*base).is_some()).count()
    }
}

/// The address that hides another one of its family.
fn unspecified(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => SocketAddr::from(([0; 4], 0)),
        SocketAddr::V6(_) => SocketAddr::from(([0; 16], 0)),
    }
}
