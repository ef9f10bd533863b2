//! The subject, the other side, and the way between them.

use std::sync::Arc;
use std::time::Instant;

use dtls_handshake::Config;
use openssl::ssl::SslContext;

use crate::changes::{Changes, Made, renumber};
use crate::dice::Dice;
use crate::openssl::OpenSsl;
use crate::ours::{self, Ours};

/// Which side the subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What the subject made of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Accepted,
    /// It ended the handshake.
    Refused,
    /// It waits for more.
    Silent,
}

impl Verdict {
    pub(crate) fn accepts(self) -> bool {
        self == Self::Accepted
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Ours,
    OpenSsl,
}

/// What the two sides are made of.
pub(crate) struct Subjects {
    ours: Arc<Config>,
    openssl: SslContext,
}

impl Subjects {
    pub(crate) fn new() -> Self {
        Self {
            ours: ours::config(),
            openssl: crate::openssl::context().expect("a context"),
        }
    }
}

enum Side {
    Ours(Box<Ours>),
    OpenSsl(OpenSsl),
}

pub(crate) struct Link {
    subject: Side,
    other: Ours,
    changes: Changes,
    /// Of the next record in the clear that arrives.
    next_number: u64,
    now: Instant,
}

/// So often the other side repeats what was not answered.
const REPETITIONS: usize = 5;
/// More exchanges than any handshake has.
const ROUNDS: usize = 60;

impl Link {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    pub(crate) fn new(subjects: &Subjects, role: Role, subject: Subject, seed: u64) -> Self {
        let now = Instant::now();
        let mut dice = Dice::new(seed);
        let ours = |role, seed| Ours::new(subjects.ours.clone(), role, seed, now);
        let other = ours(role.other(), dice.seed());
        let subject = match subject {
            Subject::Ours => Side::Ours(Box::new(ours(role, dice.seed()))),
            Subject::OpenSsl => {
                dice.seed();
                Side::OpenSsl(OpenSsl::new(&subjects.openssl, role))
            }
        };
        Self {
            subject,
            other,
            changes: Changes::new(dice),
            next_number: 0,
            now,
        }
    }

    /// The subject's verdict, and what was changed.
    pub(crate) fn run(mut self) -> (Verdict, Vec<Made>) {
        let mut repetitions = 0;
        for _ in 0..ROUNDS {
            let sent = self.other.transmits();
            let mut arriving = match repetitions {
                0 => self.changes.apply(sent),
                _ => sent,
            };
            renumber(&mut arriving, &mut self.next_number);
            for datagram in &arriving {
                self.deliver(datagram);
            }
            let answers = match &mut self.subject {
                Side::Ours(side) => side.transmits(),
                Side::OpenSsl(side) => side.transmits(),
            };
            for datagram in &answers {
                self.other.receive(self.now, datagram);
            }
            if self.verdict() != Verdict::Silent {
                break;
            }
            if arriving.is_empty() && answers.is_empty() {
                if repetitions == REPETITIONS || !self.other.time_out(&mut self.now) {
                    break;
                }
                repetitions += 1;
            }
        }
        (self.verdict(), self.changes.made())
    }

    fn deliver(&mut self, datagram: &[u8]) {
        match &mut self.subject {
            Side::Ours(side) => side.receive(self.now, datagram),
            Side::OpenSsl(side) => side.receive(datagram),
        }
    }

    fn verdict(&self) -> Verdict {
        match &self.subject {
            Side::Ours(side) => side.verdict(),
            Side::OpenSsl(side) => side.verdict(),
        }
    }
}
