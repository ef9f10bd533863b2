//! What is due when.

use std::time::Instant;

use super::Agent;
use super::phase::{Phase, Progress};
use super::restart::Previous;
use crate::checklist::{PairId, PairState};
use crate::config::Role;
use crate::event::Event;
use crate::failure::FailureCause;
use crate::outbox::Frame;
use crate::transactions::{Check, Due, Pending, Purpose};

impl Agent {
    /// Tells the time. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). Never in the past once a call with
    /// that time was made; `None` when nothing is awaited but inputs, and after the end.
    ///
    /// It does not count what waits in [`poll_transmit`](Self::poll_transmit): drain that after
    /// every input first, [`add_remote_candidate`](Self::add_remote_candidate) and
    /// [`set_remote_credentials`](Self::set_remote_credentials) included. A loop that only sleeps
    /// until this time leaves checks unsent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let pace = if self.has_work() {
            self.pacer.next()
        } else {
            None
        };
        let timers = [
            self.end(),
            self.gatherer.timeout(),
            self.relays.timeout(),
            self.servers.timeout(),
            self.release_timeout(),
            self.strangers_timeout(),
            self.transactions.timeout(),
            self.consent_timeout(),
            self.liveness_timeout(),
            self.nomination_timeout(),
            self.previous.as_ref().and_then(Previous::timeout),
            pace,
        ];
        timers.into_iter().flatten().min()
    }

    /// Does all that is due. Every input ends here.
    pub(super) fn advance(&mut self, now: Instant) {
        self.told_time = Some(now);
        if let Phase::New(waiting) = &mut self.phase {
            waiting.since.get_or_insert(now);
        }
        if self.state().is_finished() {
            return;
        }
        if self.servers.take_silence(now) {
            self.events.push(Event::UdpBlocked, &mut self.stats);
        }
        self.run_previous(now);
        if self.end().is_some_and(|end| end <= now) {
            self.fail(self.cause_of_failure());
        }
        if self.state().is_finished() {
            return;
        }
        self.run_relays(now);
        self.send_strangers_away(now);
        self.end_gathering(now);
        if self.has_nowhere_to_go() {
            self.fail(self.cause_of_failure());
            return;
        }
        self.run_transactions(now);
        self.run_liveness(now);
        self.run_consent(now);
        self.nominate(now);
        self.pace(now);
    }

    /// When the agent fails if nothing happens: not while a pair from before a restart carries data.
    fn end(&self) -> Option<Instant> {
        match self.lives_on_previous() {
            true => None,
            false => self.deadline(),
        }
    }

    /// Whether neither we nor the peer can ever try anything: all is gathered, and nothing was found.
    fn has_nowhere_to_go(&self) -> bool {
        let checking = matches!(self.phase.progress(), Some(Progress::Checking { .. }));
        let found_none = self.gatherer.is_complete() && self.current.locals.is_empty();
        checking && found_none && !self.lives_on_previous()
    }

    /// Whether the current generation has had its time, to no end.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// The time of the current generation begins anew.
    pub(super) fn allow_more_time(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::New(waiting) => waiting.since = Some(now),
            Phase::Running(running) => {
                if let Progress::Checking { deadline } = &mut running.progress {
                    *deadline = now + self.config.deadline;
                }
            }
            Phase::Failed | Phase::Closed => {}
        }
    }

    /// By when a pair of the current generation has to work.
    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::New(waiting) => waiting
                .since
                .map(|since| since + self.config.credentials_deadline),
            Phase::Running(running) => match running.progress {
                Progress::Checking { deadline } => Some(deadline),
                Progress::Connected { .. } | Progress::Completed { .. } => None,
            },
            Phase::Failed | Phase::Closed => None,
        }
    }

    fn end_gathering(&mut self, now: Instant) {
        self.give_up_opening(now);
        while let Some(base) = self.gatherer.overdue(now) {
            self.gatherer.close(base);
            self.transactions
                .retain(|purpose| !matches!(purpose, Purpose::Server(of) if *of == base));
        }
        if !self.relays.is_gathering() && self.gatherer.take_completion() {
            self.events.push(Event::GatheringComplete, &mut self.stats);
        }
    }

    fn run_transactions(&mut self, now: Instant) {
        while let Some(due) = self.transactions.poll(now) {
            match due {
                Due::Repeat(pending) => self.push(Frame::Request(pending.id)),
                Due::TimedOut(Pending {
                    purpose: Purpose::Check(check),
                    ..
                }) => {
                    self.check_timed_out(now, &check);
                }
                // The base waits for other servers, or for its time to be over.
                Due::TimedOut(_) => {}
            }
        }
    }

    fn check_timed_out(&mut self, now: Instant, check: &Check) {
        let concerns = match self.current.checks.get(check.pair).map(|pair| &pair.state) {
            Some(PairState::InProgress) => true,
            // The peer no longer takes what it granted before.
            Some(PairState::Succeeded(_)) => check.nominate,
            _ => false,
        };
        if concerns {
            self.fail_pair(now, check.pair);
        }
    }

    /// A pair does not work, or no longer.
    pub(super) fn fail_pair(&mut self, now: Instant, pair: PairId) {
        // The selected pair lives and dies by consent alone.
        if let Some(Progress::Completed { selected, .. }) = self.phase.progress()
            && selected == pair
        {
            return;
        }
        if let Some(found) = self.current.checks.get_mut(pair) {
            let silence = found.valid().map(|valid| valid.consent.silence(now));
            found.state = PairState::Failed;
            let remote = found.path.remote;
            if let Some(silence) = silence {
                self.carrier_may_be_gone(now, FailureCause::ConsentLost { remote, silence });
            }
        }
    }

    /// The pairs whose consent matters: all that work until one is selected, then that one.
    fn consent_timeout(&self) -> Option<Instant> {
        let timeout =
            |pair: PairId| Some(self.current.checks.get(pair)?.valid()?.consent.timeout());
        match self.phase.progress()? {
            Progress::Checking { .. } => None,
            Progress::Connected { .. } => self
                .current
                .checks
                .iter()
                .filter_map(|(id, _)| timeout(id))
                .min(),
            Progress::Completed { selected, .. } => timeout(selected),
        }
    }

    fn run_consent(&mut self, now: Instant) {
        match self.phase.progress() {
            None | Some(Progress::Checking { .. }) => {}
            Some(Progress::Completed { selected, .. }) => self.run_consent_of(now, selected),
            Some(Progress::Connected { .. }) => {
                let due = |agent: &Self| {
                    let mut valid = agent
                        .current
                        .checks
                        .iter()
                        .filter_map(|(id, p)| Some((id, p.valid()?)));
                    valid
                        .find(|(_, valid)| valid.consent.timeout() <= now)
                        .map(|(id, _)| id)
                };
                while let Some(pair) = due(self) {
                    self.run_consent_of(now, pair);
                }
            }
        }
    }

    /// A consent check, or the end of a pair (RFC 7675 §5.1).
    fn run_consent_of(&mut self, now: Instant, pair: PairId) {
        let completed = self
            .phase
            .progress()
            .is_some_and(|progress| progress.is_completed());
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        let remote = found.path.remote;
        let Some(valid) = found.valid_mut() else {
            return;
        };
        if valid.consent.is_live(now) {
            if let Some(id) = valid.consent.poll(now, self.role, &mut self.random) {
                self.push(Frame::Consent(self.current.id, pair, id));
                self.probe_again();
            }
        } else if completed {
            let silence = valid.consent.silence(now);
            self.fail(FailureCause::ConsentLost { remote, silence });
        } else {
            self.fail_pair(now, pair);
        }
    }

    /// When a controlling agent stops waiting for a better pair.
    fn nomination_timeout(&self) -> Option<Instant> {
        match self.phase.progress()? {
            Progress::Connected {
                since,
                nominating: None,
                ..
            } if self.role == Role::Controlling => Some(since + self.patience()),
            _ => None,
        }
    }
}
