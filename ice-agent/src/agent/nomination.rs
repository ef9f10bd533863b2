//! Which pair carries data (RFC 8445 §8.1.1, §7.3.1.5).

use std::time::Instant;

use super::Agent;
use super::phase::Progress;
use crate::checklist::{PairId, PairState};
use crate::config::Role;
use crate::event::{Event, State};
use crate::failure::FailureCause;
use crate::transactions::Purpose;

impl Agent {
    /// A controlling agent nominates the best pair that works: at once if no better one can come,
    /// else after its patience (regular nomination, RFC 8445 §8.1.1).
    pub(super) fn nominate(&mut self, now: Instant) {
        let Some(Progress::Connected {
            since,
            best,
            nominating: None,
        }) = self.phase.progress()
        else {
            return;
        };
        if self.role != Role::Controlling {
            return;
        }
        let Some((pair, found)) = self.checks.best_valid(now) else {
            return;
        };
        let patient = now < since + self.config.nomination_patience;
        if patient && self.checks.has_better_open(found.priority) {
            return;
        }
        self.checks.trigger_nomination(pair);
        self.set_progress(Progress::Connected {
            since,
            best,
            nominating: Some(pair),
        });
    }

    /// A pair works, or was nominated before it did.
    pub(super) fn pair_works(&mut self, now: Instant, pair: PairId) {
        match self.phase.progress() {
            Some(Progress::Checking { .. }) => {
                self.set_progress(Progress::Connected {
                    since: now,
                    best: pair,
                    nominating: None,
                });
                self.events
                    .push(Event::StateChanged(State::Connected), &mut self.stats);
                self.tell_carrier();
            }
            Some(Progress::Connected {
                since,
                best,
                nominating,
            }) => {
                let now_best = self.checks.best_valid(now).map_or(best, |(id, _)| id);
                if now_best != best {
                    self.set_progress(Progress::Connected {
                        since,
                        best: now_best,
                        nominating,
                    });
                    self.tell_carrier();
                }
            }
            Some(Progress::Completed { .. }) | None => {}
        }
    }

    /// The pair that carried data may have failed: another takes over, or the agent fails.
    pub(super) fn carrier_may_be_gone(&mut self, now: Instant, cause: FailureCause) {
        let Some(Progress::Connected {
            since,
            best,
            nominating,
        }) = self.phase.progress()
        else {
            return;
        };
        let Some((now_best, _)) = self.checks.best_valid(now) else {
            self.fail(cause);
            return;
        };
        let works = |id: &PairId| self.checks.get(*id).is_some_and(|pair| pair.may_send(now));
        let nominating = nominating.filter(works);
        self.set_progress(Progress::Connected {
            since,
            best: now_best,
            nominating,
        });
        if now_best != best {
            self.tell_carrier();
        }
    }

    /// The nominated pair carries data from now on. Other checks end (RFC 8445 §8.1.2).
    pub(super) fn select(&mut self, now: Instant, pair: PairId) {
        let before = self.phase.progress();
        if matches!(before, Some(Progress::Completed { selected }) if selected == pair) {
            return;
        }
        self.set_progress(Progress::Completed { selected: pair });
        self.transactions.abandon(now, |_| true);
        for (_, other) in self.checks.iter_mut() {
            other.named_by_peer = false;
            if matches!(other.state, PairState::InProgress(_)) {
                other.state = PairState::Waiting;
            }
        }
        while self.checks.pop_triggered().is_some() {}
        if !before.is_some_and(|before| before.is_completed()) {
            self.events
                .push(Event::StateChanged(State::Completed), &mut self.stats);
        }
        self.tell_carrier();
    }

    /// The controlling peer nominated a pair. The last nomination counts.
    pub(super) fn follow(&mut self, now: Instant, pair: PairId) {
        for (id, other) in self.checks.iter_mut() {
            other.named_by_peer = id == pair;
        }
        if self.checks.get(pair).is_some_and(|pair| pair.may_send(now)) {
            self.select(now, pair);
        } else {
            self.trigger(now, pair);
        }
    }

    /// The role changed: nominations of either side are void.
    pub(super) fn forget_nominations(&mut self) {
        self.checks.forget_nominations();
        for (_, pair) in self.checks.iter_mut() {
            pair.named_by_peer = false;
        }
        self.transactions
            .retain(|purpose| !matches!(purpose, Purpose::Check(c) if c.nominate));
        if let Some(Progress::Connected { since, best, .. }) = self.phase.progress() {
            self.set_progress(Progress::Connected {
                since,
                best,
                nominating: None,
            });
        }
    }

    fn set_progress(&mut self, progress: Progress) {
        if let Some(running) = self.phase.running_mut() {
            running.progress = progress;
        }
    }

    fn tell_carrier(&mut self) {
        if let Some(info) = self.selected_pair() {
            self.events
                .push(Event::SelectedPair(Box::new(info)), &mut self.stats);
        }
    }
}
