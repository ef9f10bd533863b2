//! Candidate pairs, their states and their order (RFC 8445 §6.1.2).

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use smallvec::SmallVec;
use stun_codec::{Path, SocketId};

use crate::candidate::Foundation;
use crate::config::Role;
use crate::consent::Consent;
use crate::failure::{CheckState, Refusal};
use crate::locals::{BaseId, LocalId};
use crate::pair_stats::Traffic;
use crate::priority::pair_priority;
use crate::remotes::RemoteId;

/// A pair of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PairId(usize);

/// One base and one remote candidate. Local reflexive candidates have no pairs of their own: the
/// checks would go the same way (RFC 8445 §6.1.2.4).
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) base: BaseId,
    pub(crate) remote: RemoteId,
    pub(crate) path: Path,
    pub(crate) priority: u64,
    pub(crate) state: PairState,
    pub(crate) tally: Tally,
    /// The controlling peer named it before it was valid (RFC 8445 §7.3.1.5).
    pub(crate) named_by_peer: bool,
    /// A check of the peer came that did not nominate.
    pub(crate) heard_plain: bool,
    /// The peer named it while a better one was selected, and did not check that one since.
    pub(crate) passed_over: bool,
    foundation: (Foundation, Foundation),
}

/// How far a pair is (RFC 8445 §6.1.2.6).
#[derive(Debug)]
pub(crate) enum PairState {
    Frozen,
    Waiting,
    /// The relay was asked to let the peer in; its check comes after.
    Permitting,
    /// A check is on its way.
    InProgress,
    Succeeded(Valid),
    Failed,
    /// It has failed, and made room: the next new pair takes its place.
    Forgotten,
}

/// What a pair is once it works: its entry in the valid list (RFC 8445 §7.2.5.3.2).
#[derive(Debug)]
pub(crate) struct Valid {
    /// The local candidate that the peer sees.
    pub(crate) local: LocalId,
    pub(crate) consent: Consent,
}

/// What was sent and heard on a pair.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) checks: u32,
    pub(crate) answers: u32,
    pub(crate) requests: u32,
    pub(crate) responses: u32,
    pub(crate) consents: u32,
    pub(crate) refusals: u32,
    pub(crate) last_refusal: Option<Refusal>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) total_rtt: Duration,
    pub(crate) traffic: Traffic,
}

impl Tally {
    /// A round trip was measured.
    pub(crate) fn measure(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
        self.total_rtt += rtt;
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusals += 1;
        self.last_refusal = Some(refusal);
    }
}

impl Pair {
    pub(crate) fn valid(&self) -> Option<&Valid> {
        match &self.state {
            PairState::Succeeded(valid) => Some(valid),
            _ => None,
        }
    }

    pub(crate) fn valid_mut(&mut self) -> Option<&mut Valid> {
        match &mut self.state {
            PairState::Succeeded(valid) => Some(valid),
            _ => None,
        }
    }

    /// Whether data may be sent on it (RFC 7675 §5.1).
    pub(crate) fn may_send(&self, now: Instant) -> bool {
        self.valid().is_some_and(|valid| valid.consent.is_live(now))
    }

    /// Whether its first check is still to come or to be answered.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.state,
            PairState::Frozen | PairState::Waiting | PairState::Permitting | PairState::InProgress
        )
    }

    /// Whether the peer nominated it with its first check, as it may do with every pair.
    pub(crate) fn is_named_in_passing(&self) -> bool {
        self.named_by_peer && !self.heard_plain
    }

    pub(crate) fn check_state(&self) -> CheckState {
        match self.state {
            PairState::Frozen => CheckState::Frozen,
            PairState::Waiting => CheckState::Waiting,
            PairState::Permitting | PairState::InProgress => CheckState::InProgress,
            PairState::Succeeded(_) => CheckState::Succeeded,
            PairState::Failed | PairState::Forgotten => CheckState::Failed,
        }
    }
}

/// What a triggered check is to find out or to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Whether a pair works. Nothing where that is known.
    Check,
    /// Whether a pair that worked still does.
    Probe,
    /// That data goes over it from now on. Nothing where it does not work.
    Nominate,
}

/// One side of a new pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<Id> {
    pub(crate) id: Id,
    pub(crate) foundation: Foundation,
    pub(crate) priority: u32,
}

type PathKey = (SocketId, SocketAddr, SocketAddr);

fn key(path: &Path) -> PathKey {
    (path.id, path.local, path.remote)
}

#[derive(Debug)]
pub(crate) struct CheckList {
    bound: usize,
    pairs: Vec<Pair>,
    /// Those that have their way, in the order of their paths.
    by_path: SmallVec<[PairId; 4]>,
    /// Checks to do before all others (RFC 8445 §6.1.4.1).
    triggered: SmallVec<[(PairId, Aim); 4]>,
}

impl CheckList {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            bound,
            pairs: Vec::new(),
            by_path: SmallVec::new(),
            triggered: SmallVec::new(),
        }
    }

    /// Adds a pair, or says which one goes this way already. `None` when there are too many and
    /// none of lower priority can make room (RFC 8445 §6.1.2.5).
    pub(crate) fn add(
        &mut self,
        local: Side<BaseId>,
        remote: Side<RemoteId>,
        path: Path,
        role: Role,
    ) -> Option<PairId> {
        if let Some(known) = self.find(&path) {
            return Some(known);
        }
        let foundation = (local.foundation, remote.foundation);
        let priority = pair_priority(role, local.priority, remote.priority);
        let pair = Pair {
            base: local.id,
            remote: remote.id,
            path,
            priority,
            state: self.first_state(foundation),
            tally: Tally::default(),
            named_by_peer: false,
            heard_plain: false,
            passed_over: false,
            foundation,
        };
        let forgotten = (self.iter()).find(|(_, pair)| matches!(pair.state, PairState::Forgotten));
        let id = if let Some((id, _)) = forgotten {
            *self.pairs.get_mut(id.0)? = pair;
            id
        } else if self.pairs.len() < self.bound {
            self.pairs.push(pair);
            PairId(self.pairs.len() - 1)
        } else {
            let least = self
                .expendable()
                .filter(|(_, least)| least.priority < priority);
            let id = least.map(|(id, _)| id)?;
            self.forget(id);
            *self.pairs.get_mut(id.0)? = pair;
            id
        };
        if let Err(place) = self.place_of(&path) {
            self.by_path.insert(place, id);
        }
        Some(id)
    }

    fn forget(&mut self, id: PairId) {
        self.by_path.retain(|known| *known != id);
        self.triggered.retain(|(queued, _)| *queued != id);
        if let Some(pair) = self.get_mut(id) {
            pair.state = PairState::Forgotten;
        }
    }

    /// Forgets a pair that has failed, of those remote candidates that `may_go` picks and that have no
    /// other pair; the candidate.
    pub(crate) fn forget_failed(&mut self, may_go: impl Fn(RemoteId) -> bool) -> Option<RemoteId> {
        let is_spent = |pair: &Pair| {
            matches!(pair.state, PairState::Failed) && !pair.named_by_peer && may_go(pair.remote)
        };
        let is_alone = |remote: RemoteId| {
            let same = self.pairs.iter().filter(|pair| pair.remote == remote);
            same.count() == 1
        };
        let found = (self.iter()).find(|(_, pair)| is_spent(pair) && is_alone(pair.remote));
        let (id, remote) = found.map(|(id, pair)| (id, pair.remote))?;
        self.forget(id);
        Some(remote)
    }

    /// Where in the order of paths a pair stands, or would stand.
    fn place_of(&self, path: &Path) -> Result<usize, usize> {
        let sought = Some(key(path));
        (self.by_path).binary_search_by_key(&sought, |id| self.get(*id).map(|pair| key(&pair.path)))
    }

    /// A pair waits for one of the same foundation, unless one has succeeded already
    /// (RFC 8838 §12).
    fn first_state(&self, foundation: (Foundation, Foundation)) -> PairState {
        let mut alike = self
            .pairs
            .iter()
            .filter(|pair| pair.foundation == foundation)
            .peekable();
        let free = alike.peek().is_none() || alike.any(|pair| pair.valid().is_some());
        if free {
            PairState::Waiting
        } else {
            PairState::Frozen
        }
    }

    /// The pair of least priority on which nothing is under way.
    fn expendable(&self) -> Option<(PairId, &Pair)> {
        let idle = |pair: &Pair| {
            matches!(
                pair.state,
                PairState::Frozen | PairState::Waiting | PairState::Failed
            ) && !pair.named_by_peer
        };
        self.iter()
            .filter(|(_, pair)| idle(pair))
            .min_by_key(|(_, pair)| pair.priority)
    }

    pub(crate) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.get_mut(id.0)
    }

    pub(crate) fn find(&self, path: &Path) -> Option<PairId> {
        self.by_path.get(self.place_of(path).ok()?).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PairId, &Pair)> {
        self.pairs
            .iter()
            .enumerate()
            .map(|(at, pair)| (PairId(at), pair))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (PairId, &mut Pair)> {
        self.pairs
            .iter_mut()
            .enumerate()
            .map(|(at, pair)| (PairId(at), pair))
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The pairs that work, with consent, best first choice by priority.
    pub(crate) fn best_valid(&self, now: Instant) -> Option<(PairId, &Pair)> {
        self.iter()
            .filter(|(_, pair)| pair.may_send(now))
            .max_by_key(|(_, pair)| pair.priority)
    }

    /// Whether a pair of higher priority may still come to work.
    pub(crate) fn has_better_open(&self, priority: u64) -> bool {
        self.pairs
            .iter()
            .any(|pair| pair.priority > priority && pair.is_open())
    }

    /// Pairs whose first check is to come or under way: N of the retransmission timer
    /// (RFC 8445 §14.3).
    pub(crate) fn active(&self) -> u32 {
        let active =
            |pair: &&Pair| matches!(pair.state, PairState::Waiting | PairState::InProgress);
        self.pairs.iter().filter(active).count() as u32
    }

    /// Queues a check before all ordinary ones.
    pub(crate) fn trigger(&mut self, id: PairId) {
        if !self.triggered.iter().any(|(queued, _)| *queued == id) {
            self.triggered.push((id, Aim::Check));
        }
    }

    /// Queues a check of a pair whether it works or not.
    pub(crate) fn trigger_probe(&mut self, id: PairId) {
        if !self.triggered.iter().any(|(queued, _)| *queued == id) {
            self.triggered.push((id, Aim::Probe));
        }
    }

    /// Queues the nomination of a pair before everything else.
    pub(crate) fn trigger_nomination(&mut self, id: PairId) {
        self.triggered.retain(|(queued, _)| *queued != id);
        self.triggered.insert(0, (id, Aim::Nominate));
    }

    /// Takes nominations out of the queue: the role to nominate is lost.
    pub(crate) fn forget_nominations(&mut self) {
        self.triggered.retain(|(_, aim)| *aim != Aim::Nominate);
    }

    /// Keeps the queued checks that `which` picks.
    pub(crate) fn retain_triggered(&mut self, which: impl Fn(&Pair) -> bool) {
        let pairs = &self.pairs;
        self.triggered
            .retain(|(id, _)| pairs.get(id.0).is_some_and(&which));
    }

    pub(crate) fn has_triggered(&self) -> bool {
        !self.triggered.is_empty()
    }

    pub(crate) fn pop_triggered(&mut self) -> Option<(PairId, Aim)> {
        (!self.triggered.is_empty()).then(|| self.triggered.remove(0))
    }

    /// The next ordinary check: the best waiting pair, else the best frozen one
    /// (RFC 8445 §6.1.4.2).
    ///
    /// A frozen pair is taken even while another of its foundation is under way: peers are seen
    /// that give all their candidates one foundation, and a dead pair would hold up the rest.
    pub(crate) fn next_ordinary(&self) -> Option<PairId> {
        let rank = |pair: &Pair| match pair.state {
            PairState::Waiting => Some((1, pair.priority)),
            PairState::Frozen => Some((0, pair.priority)),
            _ => None,
        };
        let queued = |id: PairId| self.triggered.iter().any(|(queued, _)| *queued == id);
        let ranked = self
            .iter()
            .filter_map(|(id, pair)| rank(pair).map(|rank| (rank, id)))
            .filter(|(_, id)| !queued(*id));
        ranked.max_by_key(|(rank, _)| *rank).map(|(_, id)| id)
    }

    /// Lets go of the pairs that waited for this foundation (RFC 8445 §7.2.5.3.3).
    pub(crate) fn unfreeze_like(&mut self, id: PairId) {
        let Some(foundation) = self.get(id).map(|pair| pair.foundation) else {
            return;
        };
        for pair in &mut self.pairs {
            if pair.foundation == foundation && matches!(pair.state, PairState::Frozen) {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// Computes a pair's priority again.
    pub(crate) fn reprioritise(&mut self, priority: impl Fn(&Pair) -> Option<u64>) {
        for pair in &mut self.pairs {
            if let Some(priority) = priority(pair) {
                pair.priority = priority;
            }
        }
    }

    /// Pair ids, best first.
    pub(crate) fn ranked(&self) -> Vec<PairId> {
        let known = |(_, pair): &(PairId, &Pair)| !matches!(pair.state, PairState::Forgotten);
        let mut ids: Vec<_> = self
            .iter()
            .filter(known)
            .map(|(id, pair)| (Reverse(pair.priority), id))
            .collect();
        ids.sort_by_key(|(priority, _)| *priority);
        ids.into_iter().map(|(_, id)| id).collect()
    }

    /// The socket of a base is gone, and its pairs with it. They stay as evidence.
    pub(crate) fn close_base(&mut self, base: BaseId) {
        let Self {
            pairs,
            by_path,
            triggered,
            ..
        } = self;
        for pair in pairs.iter_mut().filter(|pair| pair.base == base) {
            pair.state = PairState::Failed;
            pair.named_by_peer = false;
        }
        let stays = |id: &PairId| pairs.get(id.0).is_some_and(|pair| pair.base != base);
        by_path.retain(|id| stays(id));
        triggered.retain(|(id, _)| stays(id));
    }

    /// A pair's connection is there, from this address.
    pub(crate) fn move_to(&mut self, id: PairId, local: SocketAddr) {
        self.by_path.retain(|known| *known != id);
        let Some(pair) = self.pairs.get_mut(id.0) else {
            return;
        };
        pair.path.local = local;
        let path = pair.path;
        if let Err(place) = self.place_of(&path) {
            self.by_path.insert(place, id);
        }
    }

    /// A connection is gone, and its pair with it, which stays as evidence.
    pub(crate) fn close_socket(&mut self, socket: SocketId) {
        let Self {
            pairs,
            by_path,
            triggered,
            ..
        } = self;
        for pair in pairs.iter_mut().filter(|pair| pair.path.id == socket) {
            pair.state = PairState::Failed;
            pair.named_by_peer = false;
        }
        let stays = |id: &PairId| pairs.get(id.0).is_some_and(|pair| pair.path.id != socket);
        by_path.retain(|id| stays(id));
        triggered.retain(|(id, _)| stays(id));
    }

    /// Whether a pair still has its way.
    pub(crate) fn has_path(&self, id: PairId) -> bool {
        let path = self.get(id).map(|pair| pair.path);
        path.is_some_and(|path| self.find(&path) == Some(id))
    }

    /// Pairs that worked and have no consent any more are to be checked again.
    pub(crate) fn recheck(&mut self, now: Instant) {
        for pair in &mut self.pairs {
            if pair.valid().is_some() && !pair.may_send(now) {
                pair.state = PairState::Waiting;
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.bound);
    }
}
