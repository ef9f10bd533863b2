//! The peer's candidates.

use stun_codec::{Path, Transport};

use crate::candidate::{Address, Candidate, Extensions, Foundation, Kind, Protocol, TcpKind};

/// A remote candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteId(usize);

#[derive(Debug)]
pub(crate) struct Remotes {
    component: u16,
    bound: usize,
    candidates: Vec<Candidate>,
    /// How many were learned from checks, those included that made room for others.
    learned: u32,
    ended: bool,
}

/// What became of a candidate that was signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is new.
    New(RemoteId),
    /// It was known as peer-reflexive and now has its real kind, priority and foundation.
    Improved(RemoteId),
    /// It was known.
    Known,
    /// There are too many.
    Full,
}

impl Remotes {
    pub(crate) fn new(component: u16, bound: usize) -> Self {
        Self {
            component,
            bound,
            candidates: Vec::new(),
            learned: 0,
            ended: false,
        }
    }

    pub(crate) fn add(&mut self, candidate: Candidate) -> Added {
        let same = |known: &Candidate| {
            known.address == candidate.address && known.protocol == candidate.protocol
        };
        let room = self.candidates.len() < self.bound;
        let known = self.candidates.iter().position(same);
        match known.and_then(|at| Some((at, self.candidates.get_mut(at)?))) {
            Some((at, known)) if is_learned(known) => {
                *known = candidate;
                Added::Improved(RemoteId(at))
            }
            Some(_) => Added::Known,
            None if !room => Added::Full,
            None => {
                self.candidates.push(candidate);
                Added::New(RemoteId(self.candidates.len() - 1))
            }
        }
    }

    /// The candidate with this address, or a new peer-reflexive one (RFC 8445 §7.3.1.3). `None`
    /// when there are too many.
    pub(crate) fn find_or_learn(&mut self, path: &Path, priority: u32) -> Option<RemoteId> {
        let protocol = protocol_of(path);
        let known = self.candidates.iter().position(|known| {
            known.address == Address::Ip(path.remote) && known.protocol == protocol
        });
        if let Some(at) = known {
            return Some(RemoteId(at));
        }
        if self.candidates.len() >= self.bound {
            return None;
        }
        let learned = self.learned(path, priority);
        self.candidates.push(learned);
        Some(RemoteId(self.candidates.len() - 1))
    }

    /// Puts a new peer-reflexive one in the place of another.
    pub(crate) fn learn_in_place_of(&mut self, id: RemoteId, path: &Path, priority: u32) {
        let learned = self.learned(path, priority);
        if let Some(place) = self.candidates.get_mut(id.0) {
            *place = learned;
        }
    }

    fn learned(&mut self, path: &Path, priority: u32) -> Candidate {
        let number = self.learned;
        self.learned = number.wrapping_add(1);
        Candidate {
            // Different from all others (RFC 8445 §7.3.1.3).
            foundation: Foundation::numbered(b'p', number),
            component: self.component,
            protocol: protocol_of(path),
            priority,
            address: Address::Ip(path.remote),
            kind: Kind::PeerReflexive,
            related: None,
            extensions: Extensions::NONE,
        }
    }

    /// Whether it was learned from a check, and nothing more is known of it.
    pub(crate) fn is_learned(&self, id: RemoteId) -> bool {
        self.get(id).is_some_and(is_learned)
    }

    pub(crate) fn get(&self, id: RemoteId) -> Option<&Candidate> {
        self.candidates.get(id.0)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = RemoteId> + use<> {
        (0..self.candidates.len()).map(RemoteId)
    }

    pub(crate) fn count(&self) -> usize {
        self.candidates.len()
    }

    /// Drops candidates that name another generation. To be called before any pair is made.
    pub(crate) fn keep_generation(&mut self, ufrag: &str) {
        self.candidates
            .retain(|candidate| is_of_generation(candidate, ufrag));
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// What a peer is that checks this way: over a connection, the one who made it.
fn protocol_of(path: &Path) -> Protocol {
    match path.transport {
        Transport::Udp => Protocol::Udp,
        _ => Protocol::Tcp(TcpKind::Active),
    }
}

/// Whether a candidate was learned from a check. The peer signals other kinds.
fn is_learned(candidate: &Candidate) -> bool {
    candidate.kind == Kind::PeerReflexive
}

/// Whether a candidate belongs to these credentials. Browsers say so in an extension.
pub(crate) fn is_of_generation(candidate: &Candidate, ufrag: &str) -> bool {
    candidate
        .extension("ufrag")
        .is_none_or(|named| named == ufrag)
}
