//! What the agent saw, for people: the selected pair, and why it failed.

use super::Agent;
use super::phase::Phase;
use super::restart::Previous;
use crate::checklist::{Pair, PairId, Tally};
use crate::event::{Event, PairInfo};
use crate::failure::{Failure, FailureCause, PairReport, Refusal};
use crate::generation::Generation;

impl Agent {
    pub(super) fn pair_info(&self, generation: &Generation, id: PairId) -> Option<PairInfo> {
        let report = self.pair_report(generation, id)?;
        Some(PairInfo {
            local: report.local,
            remote: report.remote,
            rtt: report.rtt,
        })
    }

    /// What was tried on each pair so far, best pair first; since a restart, that is. The pair
    /// from before it that still carries data stands last.
    #[must_use]
    pub fn pairs(&self) -> Vec<PairReport> {
        let current = &self.current;
        let ranked = current.checks.ranked().into_iter();
        let before = self.previous.as_ref().and_then(Previous::carrier);
        ranked
            .map(|id| (current, id))
            .chain(before)
            .filter_map(|(generation, id)| self.pair_report(generation, id))
            .collect()
    }

    fn pair_report(&self, generation: &Generation, id: PairId) -> Option<PairReport> {
        let pair = generation.checks.get(id)?;
        let local = match pair.valid() {
            Some(valid) => generation.locals.candidate_at(valid.local),
            None => generation.locals.host_of(pair.base),
        };
        let carries =
            |(of, carrier): (&Generation, PairId)| (of.id, carrier) == (generation.id, id);
        Some(PairReport {
            local: local?.clone(),
            remote: generation.remotes.get(pair.remote)?.clone(),
            state: pair.check_state(),
            selected: self.carrier().is_some_and(carries),
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
            restarts: self.current.id.restarts(),
            sockets: std::mem::take(&mut self.lost),
            pairs: self.pairs(),
        };
        self.finish(Phase::Failed);
        self.tell_state();
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
        if self.current.locals.candidate_count() == 0 {
            return FailureCause::NoLocalCandidates;
        }
        if self.current.remotes.count() == 0 {
            return FailureCause::NoRemoteCandidates {
                ended: self.current.remotes.has_ended(),
            };
        }
        if self.current.checks.len() == 0 {
            let (local, remote) = (
                self.current.locals.candidate_count(),
                self.current.remotes.count(),
            );
            return FailureCause::NoPairs { local, remote };
        }
        let tallies = || {
            self.current
                .checks
                .iter()
                .map(|(_, pair): (_, &Pair)| &pair.tally)
        };
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
