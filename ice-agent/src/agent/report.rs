//! What the agent saw, for people: the selected pair, and why it failed.

use super::Agent;
use super::phase::Phase;
use crate::checklist::{Pair, PairId, Tally};
use crate::event::{Event, PairInfo, State};
use crate::failure::{Failure, FailureCause, PairReport, Refusal};

impl Agent {
    pub(super) fn pair_info(&self, id: PairId) -> Option<PairInfo> {
        let report = self.pair_report(id)?;
        Some(PairInfo {
            local: report.local,
            remote: report.remote,
            rtt: report.rtt,
        })
    }

    /// What was tried on each pair so far, best pair first.
    #[must_use]
    pub fn pairs(&self) -> Vec<PairReport> {
        let ranked = self.checks.ranked();
        ranked
            .into_iter()
            .filter_map(|id| self.pair_report(id))
            .collect()
    }

    fn pair_report(&self, id: PairId) -> Option<PairReport> {
        let pair = self.checks.get(id)?;
        let local = match pair.valid() {
            Some(valid) => self.locals.candidate_at(valid.local),
            None => self.locals.host_of(pair.base),
        };
        let carrier = self
            .phase
            .progress()
            .and_then(|progress| progress.carrier());
        Some(PairReport {
            local: local?.clone(),
            remote: self.remotes.get(pair.remote)?.clone(),
            state: pair.check_state(),
            selected: carrier == Some(id),
            checks_sent: pair.tally.checks,
            answers: pair.tally.answers,
            requests_heard: pair.tally.requests,
            refusals: pair.tally.refusals,
            last_refusal: pair.tally.last_refusal,
            rtt: pair.tally.rtt,
        })
    }

    pub(super) fn fail(&mut self, cause: FailureCause) {
        let failure = Failure {
            cause,
            pairs: self.pairs(),
        };
        self.finish(Phase::Failed);
        self.events
            .push(Event::StateChanged(State::Failed), &mut self.stats);
        self.events
            .push(Event::Failed(Box::new(failure)), &mut self.stats);
    }

    /// Why no pair worked by the deadline.
    pub(super) fn cause_of_failure(&self) -> FailureCause {
        if let Phase::New(_) = self.phase {
            return FailureCause::NoRemoteCredentials {
                waited: self.config.credentials_deadline,
            };
        }
        if self.locals.candidate_count() == 0 {
            return FailureCause::NoLocalCandidates;
        }
        if self.remotes.count() == 0 {
            return FailureCause::NoRemoteCandidates {
                ended: self.remotes.has_ended(),
            };
        }
        if self.checks.len() == 0 {
            let (local, remote) = (self.locals.candidate_count(), self.remotes.count());
            return FailureCause::NoPairs { local, remote };
        }
        let tallies = || self.checks.iter().map(|(_, pair): (_, &Pair)| &pair.tally);
        let sum = |count: fn(&Tally) -> u32| tallies().map(count).sum::<u32>();
        let pairs = tallies().filter(|tally| tally.checks > 0).count();
        let last: Option<Refusal> = tallies().filter_map(|tally| tally.last_refusal).last();
        match last {
            Some(refusal) => FailureCause::AllRefused {
                refusals: sum(|tally| tally.refusals),
                pairs,
                refusal,
            },
            None => FailureCause::NoAnswer {
                checks: sum(|tally| tally.checks),
                pairs,
                requests_heard: sum(|tally| tally.requests),
            },
        }
    }
}
