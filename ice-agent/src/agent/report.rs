//! What the agent saw, for people: the selected pair, and why it failed.

use stun_codec::Transport;
use turn_relay::client::Cause as TurnCause;

use super::Agent;
use super::phase::Phase;
use super::restart::Previous;
use crate::checklist::{Pair, PairId, Tally};
use crate::event::{Event, PairInfo};
use crate::failure::{Failure, FailureCause, PairReport, Refusal};
use crate::generation::Generation;
use crate::pair_stats::{CandidatePairStats, CandidateStats, Side};
use crate::servers::{ServerKind, ServerOutcome, ServerReport};

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

    /// Statistics of each pair, in the order of [`pairs`](Self::pairs).
    #[must_use]
    pub fn candidate_pair_stats(&self) -> Vec<CandidatePairStats> {
        let current = &self.current;
        let ranked = current.checks.ranked().into_iter();
        let before = self.previous.as_ref().and_then(Previous::carrier);
        ranked
            .map(|id| (current, id))
            .chain(before)
            .filter_map(|(generation, id)| self.pair_stats(generation, id))
            .collect()
    }

    fn pair_stats(&self, generation: &Generation, id: PairId) -> Option<CandidatePairStats> {
        let report = self.pair_report(generation, id)?;
        let tally = &generation.checks.get(id)?.tally;
        let mut stats = CandidatePairStats {
            local_candidate: report.local,
            remote_candidate: report.remote,
            state: report.state,
            nominated: report.selected,
            packets_sent: 0,
            packets_received: 0,
            bytes_sent: 0,
            bytes_received: 0,
            last_packet_sent: None,
            last_packet_received: None,
            total_round_trip_time: tally.total_rtt,
            current_round_trip_time: tally.rtt,
            requests_received: tally.requests.into(),
            requests_sent: tally.checks.into(),
            responses_received: tally.answers.into(),
            responses_sent: tally.responses.into(),
            consent_requests_sent: tally.consents.into(),
        };
        tally.traffic.tell(&mut stats);
        Some(stats)
    }

    /// Every candidate of the current generation: ours, then the peer's.
    #[must_use]
    pub fn candidate_stats(&self) -> Vec<CandidateStats> {
        let ours = self.current.locals.candidates().map(|(base, candidate)| {
            let relay = base.filter(|base| base.is_relayed());
            let relay = relay.and_then(|base| self.relays.get(base.socket));
            CandidateStats {
                side: Side::Local,
                candidate: candidate.clone(),
                relay_protocol: relay.map(|relay| relay.transport),
                server: relay.map(|relay| relay.server),
            }
        });
        let remotes = &self.current.remotes;
        let theirs = remotes.ids().filter_map(|id| remotes.get(id));
        let theirs = theirs.map(|candidate| CandidateStats {
            side: Side::Remote,
            candidate: candidate.clone(),
            relay_protocol: None,
            server: None,
        });
        ours.chain(theirs).collect()
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
            servers: self.servers.reports().to_vec(),
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
            let turn = self.cause_of_no_relay();
            return turn.unwrap_or(FailureCause::NoLocalCandidates);
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
        if let Some(refusal) = last {
            return FailureCause::AllRefused {
                refusals: sum(|tally| tally.refusals),
                pairs,
                refusal,
            };
        }
        let requests_heard = sum(|tally| tally.requests);
        let silent = FailureCause::NoAnswer {
            checks: sum(|tally| tally.checks),
            pairs,
            requests_heard,
        };
        // Where the peer is heard, neither a firewall nor a relay is what is missing.
        match requests_heard {
            0 => self.cause_of_no_relay().unwrap_or(silent),
            _ => silent,
        }
    }

    /// What the servers' silence or refusals say about a failure: what somebody can mend comes first,
    /// a password or a certificate, then a firewall, then servers that are not there.
    fn cause_of_no_relay(&self) -> Option<FailureCause> {
        let reports = self.servers.reports();
        let relays = |report: &ServerReport| matches!(report.outcome, ServerOutcome::Relaying(_));
        if reports.iter().any(relays) {
            return None;
        }
        let turn = || {
            reports
                .iter()
                .filter(|report| report.kind == ServerKind::Turn)
        };
        let ended = || {
            turn().filter_map(|report| match &report.outcome {
                ServerOutcome::Ended(cause) => Some((report, cause)),
                _ => None,
            })
        };
        if let Some((report, cause)) = ended().find(|(_, cause)| is_about_login(cause)) {
            return Some(FailureCause::TurnUnauthorised {
                server: report.server,
                transport: report.transport,
                cause: cause.clone(),
            });
        }
        let about_certificate = |cause: &TurnCause| matches!(cause, TurnCause::Certificate { .. });
        if let Some((report, cause)) = ended().find(|(_, cause)| about_certificate(cause)) {
            return Some(FailureCause::TurnCertificate {
                server: report.server,
                cause: cause.clone(),
            });
        }
        if self.servers.udp_is_silent() {
            let over_udp = |report: &&ServerReport| report.transport == Transport::Udp;
            return Some(FailureCause::UdpBlocked {
                asked: reports.iter().filter(over_udp).count(),
                streams: self.servers.streams_get_through(),
            });
        }
        turn()
            .next_back()
            .map(|report| FailureCause::TurnUnreachable {
                server: report.server,
                transport: report.transport,
                cause: match &report.outcome {
                    ServerOutcome::Ended(cause) => Some(cause.clone()),
                    _ => None,
                },
            })
    }
}

/// Whether a TURN server does not let us in.
fn is_about_login(cause: &TurnCause) -> bool {
    match cause {
        TurnCause::WrongPassword { .. }
        | TurnCause::RealmMismatch { .. }
        | TurnCause::CredentialsWanted
        | TurnCause::Quota
        | TurnCause::StaleNonceLoop => true,
        TurnCause::Refused { code, .. } => matches!(code, 401 | 403 | 441),
        _ => false,
    }
}
