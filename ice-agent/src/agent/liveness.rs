//! Whether the nominated pair still lives, and what takes its place.
//!
//! ```text
//!           silent for 2/3 of the patience        silent for all of it
//!   Fine ────────────────────────────────► Doubted ────────────────────► Dead
//!    ▲                                        │                            │
//!    └──────────── an answer ◄────────────────┴────────────────────────────┤
//!                                                 another pair has answered ▼
//!                                                               that one carries data
//! ```
//!
//! Consent alone (RFC 7675) knows of a dead pair after 30 s. Its checks go out once every 4 to 6 s, so
//! a lost one says nothing. A pair in doubt is therefore checked like a new one, with repetitions, and
//! the other pairs with it. Data goes over a dead pair as long as there is consent and no other one
//! answers; then the agent says [`Disconnected`](crate::State::Disconnected). A lite agent checks nothing and knows of a dead pair when
//! the peer's checks have stayed away for 30 s.

use std::time::{Duration, Instant};

use super::Agent;
use super::phase::{Life, Progress};
use crate::checklist::{Pair, PairId, PairState};

/// Most pairs that are tried beside one in doubt, the best of them.
const ALTERNATIVES: usize = 10;

impl Agent {
    /// From when on a silent pair is in doubt.
    fn doubt_after(&self) -> Duration {
        self.config.disconnected_after * 2 / 3
    }

    /// When the nominated pair comes into doubt, or has been silent for too long.
    pub(super) fn liveness_timeout(&self) -> Option<Instant> {
        let Some(Progress::Completed { selected, life, .. }) = self.phase.progress() else {
            return None;
        };
        if self.is_lite() {
            return None;
        }
        let heard = self.current.checks.get(selected)?.valid()?.consent.heard();
        match life {
            Life::Fine => Some(heard + self.doubt_after()),
            Life::Doubted => Some(heard + self.config.disconnected_after),
            Life::Dead => None,
        }
    }

    /// Judges the nominated pair.
    pub(super) fn run_liveness(&mut self, now: Instant) {
        let Some(Progress::Completed { selected, life, .. }) = self.phase.progress() else {
            return;
        };
        if self.is_lite() {
            return;
        }
        let Some(silence) = self.silence_of(now, selected) else {
            return;
        };
        let due = match silence {
            silence if silence >= self.config.disconnected_after => Life::Dead,
            silence if silence >= self.doubt_after() => Life::Doubted,
            _ => Life::Fine,
        };
        if due == life {
            return;
        }
        self.set_life(due);
        match (life, due) {
            (Life::Fine, Life::Doubted | Life::Dead) => self.probe(selected),
            (Life::Doubted, Life::Dead) if self.switch(now) => return,
            _ => {}
        }
        self.tell_state();
    }

    /// Another try while the nominated pair is dead: with each of its consent checks.
    pub(super) fn probe_again(&mut self) {
        if let Some(Progress::Completed {
            selected,
            life: Life::Dead,
            ..
        }) = self.phase.progress()
        {
            self.probe(selected);
        }
    }

    /// Checks a pair in doubt, and the best of the others.
    fn probe(&mut self, selected: PairId) {
        self.current.checks.trigger_probe(selected);
        let ranked = self.current.checks.ranked().into_iter();
        let others: Vec<_> = ranked
            .filter(|id| *id != selected && self.current.checks.has_path(*id))
            .take(ALTERNATIVES)
            .collect();
        for id in others {
            let Some(pair) = self.current.checks.get_mut(id) else {
                continue;
            };
            match pair.state {
                PairState::Succeeded(_) => self.current.checks.trigger_probe(id),
                PairState::InProgress | PairState::Permitting | PairState::Forgotten => {}
                PairState::Frozen | PairState::Waiting | PairState::Failed => {
                    pair.state = PairState::Waiting;
                    self.current.checks.trigger(id);
                }
            }
        }
    }

    /// Where the nominated pair is dead, another one that answers takes its place. False when there
    /// is none.
    pub(super) fn switch(&mut self, now: Instant) -> bool {
        let Some(Progress::Completed {
            selected,
            life: Life::Dead,
            ..
        }) = self.phase.progress()
        else {
            return false;
        };
        // Who has answered since the doubt began is alive.
        let recently = self.config.disconnected_after - self.doubt_after();
        let lives = |pair: &Pair| {
            let valid = pair.valid();
            valid.is_some_and(|valid| valid.consent.silence(now) <= recently)
        };
        let pairs = self.current.checks.iter();
        let best = pairs
            .filter(|(id, pair)| *id != selected && lives(pair))
            .max_by_key(|(_, pair)| pair.priority);
        let Some((best, _)) = best else {
            return false;
        };
        if let Some(dead) = self.current.checks.get_mut(selected) {
            dead.state = PairState::Failed;
        }
        self.stats.switches += 1;
        self.set_progress(Progress::Connected {
            since: now,
            best,
            nominating: None,
        });
        self.tell_state();
        self.tell_carrier(now);
        true
    }

    fn silence_of(&self, now: Instant, pair: PairId) -> Option<Duration> {
        let valid = self.current.checks.get(pair)?.valid()?;
        Some(valid.consent.silence(now))
    }

    fn set_life(&mut self, to: Life) {
        if let Some(running) = self.phase.running_mut()
            && let Progress::Completed { life, .. } = &mut running.progress
        {
            *life = to;
        }
    }
}
