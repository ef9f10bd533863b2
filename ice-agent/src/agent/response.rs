//! Answers to our requests (RFC 8445 §7.2.5).

use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::attribute::{ErrorCode, XorMappedAddress};
use stun_codec::{Class, Handled, Message, Path, TransactionId, Verified};

use super::Agent;
use crate::checklist::{Pair, PairId, PairState, Valid};
use crate::config::Role;
use crate::consent::{self, Consent};
use crate::event::Event;
use crate::failure::Refusal;
use crate::generation::GenerationId;
use crate::locals::BaseId;
use crate::servers::{ServerKind, ServerOutcome};
use crate::transactions::{Check, Pending, Purpose};

/// A pair, and the generation that it belongs to.
type Of = (GenerationId, PairId);

impl Agent {
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
    ) -> Handled {
        let id = message.transaction_id();
        match self.transactions.find(id).copied() {
            Some(Pending {
                purpose: Purpose::Server(base),
                path: asked,
                ..
            }) => self.handle_server_response(base, &asked, path, message),
            Some(
                pending @ Pending {
                    purpose: Purpose::Check(check),
                    ..
                },
            ) => self.handle_check_response(now, &pending, &check, path, message),
            None => match self.find_consent(path, id) {
                Some((of, sent)) => self.handle_consent_response(now, of, sent, message),
                None => self.if_known_path(path, |stats| &mut stats.unexpected_response),
            },
        }
    }

    fn handle_server_response(
        &mut self,
        base: BaseId,
        asked: &Path,
        path: &Path,
        message: &Message<'_>,
    ) -> Handled {
        if asked != path {
            self.stats.asymmetric_response += 1;
            return Handled::Dropped;
        }
        self.servers.note(
            ServerKind::Stun,
            path.remote,
            path.transport,
            ServerOutcome::Answered,
        );
        let id = message.transaction_id();
        if message.class() == Class::Error {
            self.transactions.remove(id);
            return Handled::Consumed;
        }
        let Ok(Some(XorMappedAddress(mapped))) = message.attribute() else {
            self.stats.malformed += 1;
            return Handled::Dropped;
        };
        // The first answer is enough.
        self.gatherer.close(base);
        self.transactions
            .retain(|purpose| !matches!(purpose, Purpose::Server(of) if *of == base));
        if mapped.ip().is_unspecified() || mapped.ip().is_multicast() || mapped.port() == 0 {
            return Handled::Consumed;
        }
        let server = Some(path.remote.ip());
        if let Some(candidate) = self.current.locals.add_reflexive(base, mapped, server) {
            self.events
                .push(Event::LocalCandidate(candidate.clone()), &mut self.stats);
        }
        Handled::Consumed
    }

    fn handle_check_response(
        &mut self,
        now: Instant,
        pending: &Pending,
        check: &Check,
        path: &Path,
        message: &Message<'_>,
    ) -> Handled {
        let Some(response) = self.verify_response((self.current.id, check.pair), message) else {
            return Handled::Dropped;
        };
        self.transactions.remove(pending.id);
        if *path != pending.path {
            // The way back is another than the way there (RFC 8445 §7.2.5.2.1).
            self.stats.asymmetric_response += 1;
            self.refuse_pair(now, check, Refusal::Asymmetric);
            return Handled::Dropped;
        }
        if self.current.checks.find(path) != Some(check.pair) {
            // The pair had to make room for a better one.
            self.stats.unexpected_response += 1;
            return Handled::Dropped;
        }
        if response.class() == Class::Error {
            self.handle_check_error(now, check, &response);
            return Handled::Consumed;
        }
        let Ok(Some(XorMappedAddress(mapped))) = response.attribute() else {
            self.stats.malformed += 1;
            return Handled::Dropped;
        };
        self.stats.responses_received += 1;
        self.check_succeeded(now, pending, check, mapped);
        Handled::Consumed
    }

    /// The pair works (RFC 8445 §7.2.5.3).
    fn check_succeeded(
        &mut self,
        now: Instant,
        pending: &Pending,
        check: &Check,
        mapped: SocketAddr,
    ) {
        let Some(pair) = self.current.checks.get_mut(check.pair) else {
            return;
        };
        pair.tally.answers += 1;
        if let Some(rtt) = pending.round_trip(now) {
            pair.tally.measure(rtt);
        }
        // The address the peer sees is a candidate of ours (RFC 8445 §7.2.5.3.1).
        self.current.locals.add_reflexive(pair.base, mapped, None);
        let host = self.current.locals.base(pair.base).map(|base| base.host);
        let Some(local) = self.current.locals.find(pair.base, mapped).or(host) else {
            return;
        };
        if let Some(valid) = pair.valid_mut() {
            valid.local = local;
            valid.consent.renew(now);
        } else {
            let consent = Consent::granted(now, &mut self.random);
            pair.state = PairState::Succeeded(Valid { local, consent });
        }
        let named = pair.named_by_peer && self.role == Role::Controlled;
        self.current.checks.unfreeze_like(check.pair);
        self.transactions.retain(|purpose| match purpose {
            Purpose::Check(other) => other.pair != check.pair || other.nominate,
            Purpose::Server(_) => true,
        });
        self.tell_held(&pending.path);
        self.pair_works(now, check.pair);
        if named || (check.nominate && self.role == Role::Controlling) {
            self.select(now, check.pair);
        }
    }

    /// The response as proved with the remote password. What is not proved counts as if it had
    /// not come (RFC 8489 §9.1.4), but it is evidence.
    fn verify_response<'m>(
        &mut self,
        (generation, pair): Of,
        message: &Message<'m>,
    ) -> Option<Verified<'m>> {
        let (_, peer) = self.link(generation)?;
        let verified = message.verify(&peer.key);
        if verified.is_err() {
            self.stats.bad_response_integrity += 1;
            let code = message
                .attribute::<ErrorCode<'_>>()
                .ok()
                .flatten()
                .map(|error| error.code);
            let refusal = code.map_or(Refusal::Integrity, Refusal::Code);
            if let Some(pair) = self.pair_mut((generation, pair)) {
                pair.tally.refuse(refusal);
            }
        }
        verified.ok()
    }

    fn handle_check_error(&mut self, now: Instant, check: &Check, response: &Verified<'_>) {
        let code = error_code(response);
        if code != ErrorCode::ROLE_CONFLICT.code {
            self.refuse_pair(now, check, Refusal::Code(code));
            return;
        }
        self.yield_role(check.role);
        if let Some(pair) = self.current.checks.get_mut(check.pair)
            && pair.valid().is_none()
        {
            pair.state = PairState::Waiting;
            self.current.checks.trigger(check.pair);
        }
    }

    /// The peer keeps the role that this request of ours claimed (RFC 8445 §7.2.5.1).
    fn yield_role(&mut self, claimed: Role) {
        self.stats.role_conflicts += 1;
        if claimed == self.role {
            self.switch_role(claimed.opposite());
            self.tie_breaker = self.random.u64();
        }
    }

    /// The peer refused for good (RFC 8445 §7.2.5.2.4).
    fn refuse_pair(&mut self, now: Instant, check: &Check, refusal: Refusal) {
        if let Some(pair) = self.current.checks.get_mut(check.pair) {
            pair.tally.refuse(refusal);
        }
        self.fail_pair(now, check.pair);
    }

    fn find_consent(&self, path: &Path, id: TransactionId) -> Option<(Of, consent::Sent)> {
        self.generations().find_map(|generation| {
            let (pair, found) = generation.pair_at(path)?;
            let sent = found.valid()?.consent.find(id)?;
            Some(((generation.id, pair), sent))
        })
    }

    fn pair_mut(&mut self, (generation, pair): Of) -> Option<&mut Pair> {
        self.generation_mut(generation)?.checks.get_mut(pair)
    }

    fn handle_consent_response(
        &mut self,
        now: Instant,
        of: Of,
        sent: consent::Sent,
        message: &Message<'_>,
    ) -> Handled {
        let Some(response) = self.verify_response(of, message) else {
            return Handled::Dropped;
        };
        let Some(found) = self.pair_mut(of) else {
            return Handled::Dropped;
        };
        let Some(valid) = found.valid_mut() else {
            return Handled::Dropped;
        };
        valid.consent.take(sent.id);
        if response.class() == Class::Error {
            let code = error_code(&response);
            found.tally.refuse(Refusal::Code(code));
            if code == ErrorCode::ROLE_CONFLICT.code {
                self.yield_role(sent.role);
            }
            return Handled::Consumed;
        }
        valid.consent.renew(now);
        found.tally.answers += 1;
        found.tally.measure(now.saturating_duration_since(sent.at));
        self.stats.responses_received += 1;
        Handled::Consumed
    }
}

/// The code of an error response; 0 when it has none that can be read.
fn error_code(response: &Verified<'_>) -> u16 {
    response
        .attribute::<ErrorCode<'_>>()
        .ok()
        .flatten()
        .map_or(0, |error| error.code)
}
