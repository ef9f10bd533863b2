//! How far an agent is, with what it knows by then.

use std::time::{Duration, Instant};

use stun_codec::{IntegrityKey, Path, TransactionId};

use crate::checklist::PairId;
use crate::credentials::Credentials;
use crate::event::State;

/// Most requests that are remembered before the remote credentials are known.
const MAX_EARLY: usize = 16;

/// Most nominations that are told apart from their own repetitions.
const REMEMBERED_NOMINATIONS: usize = 16;

#[derive(Debug)]
pub(super) enum Phase {
    New(Waiting),
    Running(Box<Running>),
    Failed,
    Closed,
}

/// The remote credentials are not known.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The first input that told the time.
    pub(super) since: Option<Instant>,
    early: Vec<Early>,
    /// The credentials that the peer has to replace, after a restart.
    replaced: Option<Credentials>,
}

/// A request that came before the remote credentials. It was answered; its triggered check waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Early {
    pub(super) path: Path,
    pub(super) priority: Option<u32>,
    pub(super) nominate: bool,
}

impl Waiting {
    /// After a restart: the peer must not come with these again.
    pub(super) fn instead_of(replaced: Option<Credentials>) -> Self {
        Self {
            replaced,
            ..Self::default()
        }
    }

    /// Whether the peer has to come with others (RFC 8445 §9).
    pub(super) fn refuses(&self, credentials: &Credentials) -> bool {
        let replaced = self.replaced.as_ref();
        replaced.is_some_and(|replaced| replaced.has_part_of(credentials))
    }

    /// False when there are too many.
    pub(super) fn remember(&mut self, early: Early) -> bool {
        if let Some(known) = self.early.iter_mut().find(|known| known.path == early.path) {
            known.nominate |= early.nominate;
            return true;
        }
        let room = self.early.len() < MAX_EARLY;
        if room {
            self.early.push(early);
        }
        room
    }

    pub(super) fn into_early(self) -> Vec<Early> {
        self.early
    }
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) peer: Peer,
    pub(super) progress: Progress,
}

/// The other side.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) credentials: Credentials,
    pub(super) key: IntegrityKey,
    /// USERNAME of our requests: the peer's ufrag, a colon, ours (RFC 8445 §7.2.2).
    pub(super) username: String,
    pub(super) nominations: Nominations,
}

/// The last nominations of the peer.
///
/// The peer may nominate one pair after another and the last one counts. A repetition or a
/// duplicate of an older nomination that the network delivers late must not undo it.
#[derive(Debug)]
pub(super) struct Nominations {
    last: [Option<TransactionId>; REMEMBERED_NOMINATIONS],
    /// Which one makes room for the next.
    oldest: usize,
    /// The greatest number, of a peer that numbers them.
    greatest: Option<u32>,
}

impl Nominations {
    pub(super) fn new() -> Self {
        Self {
            last: [None; REMEMBERED_NOMINATIONS],
            oldest: 0,
            greatest: None,
        }
    }

    /// Whether a number is greater than all before: others are old ones that came late.
    pub(super) fn is_greatest(&mut self, number: u32) -> bool {
        let greater = self.greatest.is_none_or(|greatest| number > greatest);
        if greater {
            self.greatest = Some(number);
        }
        greater
    }

    /// Whether this is not a repetition.
    pub(super) fn is_new(&mut self, id: TransactionId) -> bool {
        if self.last.contains(&Some(id)) {
            return false;
        }
        if let Some(oldest) = self.last.get_mut(self.oldest) {
            *oldest = Some(id);
        }
        self.oldest = (self.oldest + 1) % REMEMBERED_NOMINATIONS;
        true
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Progress {
    /// No pair works yet.
    Checking { deadline: Instant },
    /// Pairs work, and the best carries data.
    Connected {
        since: Instant,
        best: PairId,
        nominating: Option<PairId>,
    },
    /// The nominated pair carries data.
    Completed {
        selected: PairId,
        since: Instant,
        life: Life,
    },
}

/// What is thought of the nominated pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Fine,
    /// It has been silent for a while.
    Doubted,
    /// It has been silent for too long.
    Dead,
}

impl Progress {
    /// The pair that carries data.
    pub(super) fn carrier(&self) -> Option<PairId> {
        match *self {
            Self::Checking { .. } => None,
            Self::Connected { best, .. } => Some(best),
            Self::Completed { selected, .. } => Some(selected),
        }
    }

    pub(super) fn is_completed(&self) -> bool {
        matches!(self, Self::Completed { .. })
    }
}

impl Phase {
    pub(super) fn state(&self) -> State {
        match self {
            Self::New(_) => State::New,
            Self::Running(running) => match running.progress {
                Progress::Checking { .. } => State::Checking,
                Progress::Connected { .. } => State::Connected,
                Progress::Completed {
                    life: Life::Dead, ..
                } => State::Disconnected,
                Progress::Completed { .. } => State::Completed,
            },
            Self::Failed => State::Failed,
            Self::Closed => State::Closed,
        }
    }

    /// The last credentials of the peer, those that a restart has it replace included.
    pub(super) fn peer_credentials(&self) -> Option<&Credentials> {
        match self {
            Self::New(waiting) => waiting.replaced.as_ref(),
            Self::Running(running) => Some(&running.peer.credentials),
            Self::Failed | Self::Closed => None,
        }
    }

    pub(super) fn running(&self) -> Option<&Running> {
        match self {
            Self::Running(running) => Some(running),
            _ => None,
        }
    }

    pub(super) fn running_mut(&mut self) -> Option<&mut Running> {
        match self {
            Self::Running(running) => Some(running),
            _ => None,
        }
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        self.running().map(|running| running.progress)
    }
}

/// One tick, one new transaction (RFC 8445 §14.2).
#[derive(Debug)]
pub(super) struct Pacer {
    gap: Duration,
    last: Option<Instant>,
    turn: Turn,
    /// Triggered checks since the last of anything else.
    triggered: u32,
}

/// As many triggered checks in a row: after them another transaction has its turn. A NAT that gives
/// each of the peer's checks another port triggers one after the other, to no end.
const MOST_TRIGGERED: u32 = 3;

/// What a tick was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    Triggered,
    Other,
}

/// Who goes first at the next tick.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Server,
    Check,
}

impl Pacer {
    pub(super) fn new(gap: Duration) -> Self {
        Self {
            gap,
            last: None,
            turn: Turn::Server,
            triggered: 0,
        }
    }

    /// Whether triggered checks have had more than their share.
    pub(super) fn owes_others(&self) -> bool {
        self.triggered >= MOST_TRIGGERED
    }

    pub(super) fn gap(&self) -> Duration {
        self.gap
    }

    pub(super) fn turn(&self) -> Turn {
        self.turn
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.next().is_none_or(|next| next <= now)
    }

    /// When the next transaction may start; `None` for at once.
    pub(super) fn next(&self) -> Option<Instant> {
        self.last.map(|last| last + self.gap)
    }

    pub(super) fn take(&mut self, now: Instant, took: Took) {
        self.last = Some(now);
        self.triggered = match took {
            Took::Triggered => self.triggered.saturating_add(1),
            Took::Other => 0,
        };
        self.turn = match self.turn {
            Turn::Server => Turn::Check,
            Turn::Check => Turn::Server,
        };
    }
}
