//! Which pair carries data (RFC 8445 §8.1.1, §7.3.1.5).

use std::time::{Duration, Instant};

use super::Agent;
use super::phase::{Life, Progress};
use crate::checklist::{Pair, PairId, PairState};
use crate::config::Role;
use crate::failure::FailureCause;
use crate::policy::Preference;
use crate::transactions::Purpose;

/// A relay that is preferred takes four round trips and a connection before it works.
const RELAY_PATIENCE: Duration = Duration::from_secs(2);

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
        let Some((pair, found)) = self.current.checks.best_valid(now) else {
            return;
        };
        let patient = now < since + self.patience();
        let better_may_come =
            self.current.checks.has_better_open(found.priority) || self.awaits_preferred_relay();
        if patient && better_may_come {
            return;
        }
        self.name(pair);
        self.set_progress(Progress::Connected {
            since,
            best,
            nominating: Some(pair),
        });
    }

    /// How long a better pair is waited for.
    pub(super) fn patience(&self) -> Duration {
        let patience = self.config.nomination_patience;
        match self.config.policy.preference {
            Preference::Direct => patience,
            Preference::Relayed => patience.max(RELAY_PATIENCE),
        }
    }

    /// Whether a relay is preferred and still to come.
    fn awaits_preferred_relay(&self) -> bool {
        self.config.policy.preference == Preference::Relayed && self.relays.is_gathering()
    }

    /// Tells the peer that data goes over this pair from now on.
    fn name(&mut self, pair: PairId) {
        if self.config.renomination {
            self.nomination = Some(self.nomination.map_or(1, |last| last.wrapping_add(1)));
        }
        self.current.checks.trigger_nomination(pair);
    }

    /// Where the peer follows renominations, a better pair that comes to work later is nominated, too.
    fn renominate(&mut self, now: Instant) {
        if !self.config.renomination || self.role != Role::Controlling {
            return;
        }
        let selected = self.selected_priority();
        let best = self.current.checks.best_valid(now);
        let better = best.filter(|(_, best)| selected.is_some_and(|have| best.priority > have));
        if let Some((pair, _)) = better {
            self.name(pair);
        }
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
                self.tell_state();
                self.tell_carrier(now);
            }
            Some(Progress::Connected {
                since,
                best,
                nominating,
            }) => {
                let best = self
                    .current
                    .checks
                    .best_valid(now)
                    .map_or(best, |(id, _)| id);
                self.set_progress(Progress::Connected {
                    since,
                    best,
                    nominating,
                });
                self.tell_carrier(now);
            }
            Some(Progress::Completed { .. }) => {
                let switched = self.switch(now);
                if !switched {
                    self.renominate(now);
                }
            }
            None => {}
        }
    }

    /// The pair that carried data may have failed: another takes over, or the agent fails. It does
    /// not while a pair from before a restart carries data; it has no more time to wait for then.
    pub(super) fn carrier_may_be_gone(&mut self, now: Instant, cause: FailureCause) {
        let Some(Progress::Connected {
            since, nominating, ..
        }) = self.phase.progress()
        else {
            return;
        };
        let Some((best, _)) = self.current.checks.best_valid(now) else {
            match self.lives_on_previous() {
                true => self.set_progress(Progress::Checking { deadline: now }),
                false => self.fail(cause),
            }
            return;
        };
        let works = |id: &PairId| {
            self.current
                .checks
                .get(*id)
                .is_some_and(|pair| pair.may_send(now))
        };
        let nominating = nominating.filter(works);
        self.set_progress(Progress::Connected {
            since,
            best,
            nominating,
        });
        self.tell_carrier(now);
    }

    /// A socket is gone. If the pair that carried data went with it, the best that is left takes
    /// over, or one is looked for again.
    pub(super) fn fall_back(&mut self, now: Instant) {
        let checks = &self.current.checks;
        let lives = |pair: &PairId| checks.has_path(*pair);
        let left = || match checks.best_valid(now) {
            Some((best, _)) => Progress::Connected {
                since: now,
                best,
                nominating: None,
            },
            None => Progress::Checking {
                deadline: now + self.config.deadline,
            },
        };
        let progress = match self.phase.progress() {
            Some(Progress::Completed { selected, .. }) if !lives(&selected) => left(),
            Some(Progress::Connected { best, .. }) if !lives(&best) => left(),
            Some(Progress::Connected {
                since,
                best,
                nominating,
            }) => Progress::Connected {
                since,
                best,
                nominating: nominating.filter(lives),
            },
            Some(progress) => progress,
            None => return self.tell_state(),
        };
        if !progress.is_completed() {
            self.current.checks.recheck(now);
        }
        self.set_progress(progress);
        self.tell_state();
        self.tell_carrier(now);
    }

    /// The nominated pair carries data from now on. Other checks end (RFC 8445 §8.1.2).
    pub(super) fn select(&mut self, now: Instant, pair: PairId) {
        let before = self.phase.progress();
        if matches!(before, Some(Progress::Completed { selected, .. }) if selected == pair) {
            return;
        }
        self.set_progress(Progress::Completed {
            selected: pair,
            since: now,
            life: Life::Fine,
        });
        let priority = self
            .current
            .checks
            .get(pair)
            .map_or(0, |pair| pair.priority);
        let awaited = |other: &Pair| other.is_named_in_passing() && other.priority > priority;
        for (_, other) in self
            .current
            .checks
            .iter_mut()
            .filter(|(_, other)| !awaited(other))
        {
            other.named_by_peer = false;
            if matches!(other.state, PairState::InProgress) {
                other.state = PairState::Waiting;
            }
        }
        let checks = &self.current.checks;
        self.transactions
            .abandon(now, |check| !checks.get(check.pair).is_some_and(awaited));
        self.current.checks.retain_triggered(awaited);
        self.retire_previous(now);
        self.tell_state();
        self.tell_carrier(now);
    }

    /// The controlling peer nominated a pair.
    ///
    /// The last nomination counts when the peer checked the pair before: it chose. Peers that
    /// nominate with every check, as RFC 5245 §8.1.1.2 allowed, do not choose by that; of their
    /// pairs the best one counts, on both sides. But a peer that names a pair again without a
    /// check of the better one between has left that: its NAT has given it another address.
    /// So has one that numbers its nominations: the greatest number counts.
    pub(super) fn follow(&mut self, now: Instant, pair: PairId, numbered: bool) {
        let selected = self.selected_priority();
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        let is_worse = selected.is_some_and(|selected| selected > found.priority);
        let chosen = numbered || found.heard_plain || found.passed_over;
        found.passed_over = is_worse;
        if chosen {
            for (_, other) in self.current.checks.iter_mut().filter(|(id, _)| *id != pair) {
                other.named_by_peer = false;
            }
        } else if is_worse {
            return;
        }
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        if found.may_send(now) {
            self.select(now, pair);
        } else {
            // Its check, which the request triggers, decides.
            found.named_by_peer = true;
        }
    }

    /// The peer checks a pair: if it is the selected one, it has not left it.
    pub(super) fn not_left_yet(&mut self, pair: PairId) {
        if matches!(self.phase.progress(), Some(Progress::Completed { selected, .. }) if selected == pair)
        {
            for (_, other) in self.current.checks.iter_mut() {
                other.passed_over = false;
            }
        }
    }

    fn selected_priority(&self) -> Option<u64> {
        match self.phase.progress()? {
            Progress::Completed { selected, .. } => {
                Some(self.current.checks.get(selected)?.priority)
            }
            _ => None,
        }
    }

    /// The role changed: nominations of either side are void.
    pub(super) fn forget_nominations(&mut self) {
        self.current.checks.forget_nominations();
        for (_, pair) in self.current.checks.iter_mut() {
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

    pub(super) fn set_progress(&mut self, progress: Progress) {
        if let Some(running) = self.phase.running_mut() {
            running.progress = progress;
        }
    }
}
