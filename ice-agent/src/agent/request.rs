//! Checks of the peer (RFC 8445 §7.3).

use std::time::Instant;

use stun_codec::attribute::Username;
use stun_codec::{Handled, Message, Path, Transport, Verified, VerifyError};

use super::Agent;
use super::phase::{Early, Phase};
use crate::checklist::{PairId, PairState, Valid};
use crate::config::Role;
use crate::consent::Consent;
use crate::generation::{Generation, GenerationId};
use crate::outbox::Frame;
use crate::remotes::RemoteId;
use crate::wire::{Answer, Asked, Refused, UnknownList};

/// What the peer means by a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Check,
    Nominate,
    /// A nomination with a greater number than all before.
    Renominate,
    /// A repetition of a nomination, or one that the peer's role does not allow.
    NominateAgain,
}

impl Agent {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
    ) -> Handled {
        if self.current.locals.base_of(path).is_none() {
            return Handled::NotMine;
        }
        let Ok(Some(Username(username))) = message.attribute() else {
            // A request without a name is ours only on the way of a pair.
            if !self.knows(path) {
                return Handled::NotMine;
            }
            self.stats.bad_request += 1;
            return self.refuse(path, message, Refused::BadRequest);
        };
        let ours = username.split_once(':').map(|(ours, _)| ours);
        let of = |generation: &&Generation| Some(generation.credentials.ufrag()) == ours;
        let Some(Generation { id, key, .. }) = self.generations().find(of) else {
            return Handled::NotMine;
        };
        let id = *id;
        match message.verify(key) {
            Ok(request) => self.handle_authentic_request(now, id, path, &request),
            Err(VerifyError::Missing) => {
                self.stats.bad_request += 1;
                self.refuse(path, message, Refused::BadRequest)
            }
            Err(_) => {
                self.stats.bad_request_integrity += 1;
                self.refuse(path, message, Refused::Unauthenticated)
            }
        }
    }

    /// The answer to a sender without proof is hardly longer than what it sent.
    fn refuse(&mut self, path: &Path, message: &Message<'_>, refused: Refused) -> Handled {
        let answer = Answer::Refused(refused);
        let id = message.transaction_id();
        self.push(Frame::Answer(self.current.id, *path, id, answer));
        Handled::Consumed
    }

    fn handle_authentic_request(
        &mut self,
        now: Instant,
        generation: GenerationId,
        path: &Path,
        request: &Verified<'_>,
    ) -> Handled {
        let asked = Asked::read(request);
        self.stats.requests_received += 1;
        let answer = self.answer_to(path, request, &asked);
        self.push(Frame::Answer(generation, *path, asked.id, answer));
        // The peer does not know of our restart yet, or follows it late: what it checks and
        // nominates with its old credentials has no consequence (RFC 8445 §9).
        let granted = matches!(answer, Answer::Success(..));
        if granted && generation == self.current.id {
            self.follow_up(now, path, &asked);
        }
        Handled::Consumed
    }

    /// A grant, unless there is something that the peer has to change.
    fn answer_to(&mut self, path: &Path, request: &Verified<'_>, asked: &Asked) -> Answer {
        if let Some(unknown) = UnknownList::of(request) {
            self.stats.bad_request += 1;
            return Answer::UnknownAttributes(unknown, asked.algorithm);
        }
        if self.keeps_role_against(asked) {
            return Answer::RoleConflict(asked.algorithm);
        }
        Answer::Success(path.remote, asked.algorithm)
    }

    /// What a granted request leads to.
    fn follow_up(&mut self, now: Instant, path: &Path, asked: &Asked) {
        match &mut self.phase {
            Phase::New(waiting) => {
                let (priority, nominate) = (asked.priority, asked.nominate);
                if !waiting.remember(Early {
                    path: *path,
                    priority,
                    nominate,
                }) {
                    self.stats.over_bound += 1;
                }
            }
            Phase::Running(running) => {
                let nominations = &mut running.peer.nominations;
                let intent = match (asked.nomination, asked.nominate, self.role) {
                    (None, false, _) => Intent::Check,
                    (_, _, Role::Controlling) => Intent::NominateAgain,
                    (Some(number), ..) if nominations.is_greatest(number) => Intent::Renominate,
                    (None, true, _) if nominations.is_new(asked.id) => Intent::Nominate,
                    _ => Intent::NominateAgain,
                };
                self.learn(now, path, asked.priority, intent);
            }
            Phase::Failed | Phase::Closed => {}
        }
    }

    /// Role conflicts (RFC 8445 §7.3.1.1): true when the peer has to switch, else we have
    /// switched if there was a conflict at all.
    fn keeps_role_against(&mut self, asked: &Asked) -> bool {
        let Some((theirs, tie_breaker)) = asked.role else {
            return false;
        };
        if theirs != self.role {
            return false;
        }
        self.stats.role_conflicts += 1;
        if self.is_lite() {
            return true;
        }
        // The greater tie-breaker is controlling.
        let wins = self.tie_breaker >= tie_breaker;
        let keeps = wins == (self.role == Role::Controlling);
        if !keeps {
            self.switch_role(self.role.opposite());
        }
        keeps
    }

    /// What a request that came before the remote credentials would have done.
    pub(super) fn learn_from_early(&mut self, now: Instant, early: Early) {
        let intent = match (early.nominate, self.role) {
            (true, Role::Controlled) => Intent::Nominate,
            _ => Intent::Check,
        };
        self.learn(now, &early.path, early.priority, intent);
    }

    /// Learns the peer's address, checks back, and follows a nomination (RFC 8445 §7.3.1.3 to
    /// §7.3.1.5).
    fn learn(&mut self, now: Instant, path: &Path, priority: Option<u32>, intent: Intent) {
        let Some(pair) = self.pair_of_request(path, priority) else {
            return;
        };
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        found.tally.requests += 1;
        if path.transport == Transport::Tcp {
            self.connection_is_known(path);
        }
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        found.heard_plain |= intent == Intent::Check;
        self.not_left_yet(pair);
        if self.is_lite() {
            return self.overhear(now, pair, intent);
        }
        if matches!(intent, Intent::Nominate | Intent::Renominate) {
            self.follow(now, pair, intent == Intent::Renominate);
        }
        // Also once a pair is selected, and whatever was nominated: the peer may send data over
        // any pair that works for it, and it is taken only where our own check was answered
        // (RFC 8445 §12.1).
        self.trigger(now, pair);
    }

    /// A lite agent takes the pair that the peer nominates as it is, and each of its checks as consent
    /// (RFC 8445 §7.3.2).
    fn overhear(&mut self, now: Instant, pair: PairId, intent: Intent) {
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        let Some(local) = self.current.locals.base(found.base).map(|base| base.host) else {
            return;
        };
        match found.valid_mut() {
            Some(valid) if valid.consent.is_live(now) => valid.consent.renew(now),
            _ if intent == Intent::Check => return,
            _ => {
                let consent = Consent::overheard(now);
                found.state = PairState::Succeeded(Valid { local, consent });
                let path = found.path;
                self.tell_held(&path);
            }
        }
        if matches!(intent, Intent::Nominate | Intent::Renominate) {
            self.select(now, pair);
        }
    }

    fn pair_of_request(&mut self, path: &Path, priority: Option<u32>) -> Option<PairId> {
        if let Some(known) = self.current.checks.find(path) {
            return Some(known);
        }
        let base = self.current.locals.base_of(path)?;
        // A priority out of range would upset the order of pairs (RFC 8445 §5.1.2).
        let priority = priority.filter(|priority| (1..=0x7FFF_FFFF).contains(priority));
        let Some(priority) = priority else {
            self.stats.bad_request += 1;
            return None;
        };
        let known = self.current.remotes.find_or_learn(path, priority);
        let Some(remote) = known.or_else(|| self.learn_instead(path, priority)) else {
            self.stats.over_bound += 1;
            return None;
        };
        self.pair_on(base, remote, *path)
    }

    /// Where there are too many candidates, one that was learned and has failed makes room: the peer
    /// may go on from another address.
    fn learn_instead(&mut self, path: &Path, priority: u32) -> Option<RemoteId> {
        let Generation {
            checks, remotes, ..
        } = &mut self.current;
        let remote = checks.forget_failed(|remote| remotes.is_learned(remote))?;
        remotes.learn_in_place_of(remote, path, priority);
        Some(remote)
    }

    /// Queues a triggered check (RFC 8445 §7.3.1.4).
    pub(super) fn trigger(&mut self, now: Instant, pair: PairId) {
        let Some(found) = self.current.checks.get_mut(pair) else {
            return;
        };
        match found.state {
            PairState::Succeeded(_) if found.may_send(now) => return,
            PairState::Succeeded(_) => {}
            PairState::InProgress => {
                self.transactions.abandon(now, |check| check.pair == pair);
                found.state = PairState::Waiting;
            }
            // Its check follows as soon as the relay lets the peer in.
            PairState::Permitting | PairState::Forgotten => return,
            PairState::Frozen | PairState::Waiting | PairState::Failed => {
                found.state = PairState::Waiting;
            }
        }
        self.current.checks.trigger(pair);
    }
}
