//! What is to be sent.

use bytes::BytesMut;
use stun_codec::{EncodeError, Path, TransactionId, Transmit};

use super::Agent;
use super::phase::Progress;
use crate::checklist::PairId;
use crate::config::Role;
use crate::generation::{Generation, GenerationId};
use crate::outbox::Frame;
use crate::transactions::Purpose;
use crate::wire::{self, Answer, CheckRequest};

impl Agent {
    /// Appends the next frame to `out` and says where in it the frame stands and how it goes.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        loop {
            let Some(frame) = self.outbox.pop() else {
                return self.poll_relays(out);
            };
            let start = out.len();
            let written = match frame {
                Frame::Request(id) => self.write_request(id, out),
                Frame::Consent(generation, pair, id) => {
                    self.write_consent(generation, pair, id, out)
                }
                Frame::Answer(generation, path, id, answer) => {
                    self.write_answer(generation, path, id, &answer, out)
                }
            };
            // What belongs to an end or to a generation that is gone meanwhile is not written.
            if let (Some((path, Ok(()))), Some(now)) = (written, self.told_time)
                && let Some(transmit) = self.wrap(now, path, start, out)
            {
                return Some(transmit);
            }
        }
    }

    /// What goes to TURN servers: requests, at the end a farewell.
    fn poll_relays(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        if let Some((path, frame)) = self.farewells.pop() {
            let start = out.len();
            out.extend_from_slice(&frame);
            let range = start..out.len();
            return Some(Transmit { path, range });
        }
        self.relays.poll_transmit(out)
    }

    fn write_request(
        &mut self,
        id: TransactionId,
        out: &mut BytesMut,
    ) -> Option<(Path, Result<(), EncodeError>)> {
        let pending = self.transactions.find(id)?;
        let path = pending.path;
        let Purpose::Check(check) = pending.purpose else {
            self.stats.server_requests_sent += 1;
            return Some((path, wire::write_server_request(out, id)));
        };
        let peer = &self.phase.running()?.peer;
        if let Some(pair) = self.current.checks.get_mut(check.pair) {
            pair.tally.checks += 1;
        }
        self.stats.checks_sent += 1;
        let request = CheckRequest {
            username: &peer.username,
            priority: check.priority,
            role: check.role,
            tie_breaker: check.tie_breaker,
            nominate: check.nominate,
            nomination: self.nomination,
        };
        Some((path, wire::write_check(out, id, &request, &peer.key)))
    }

    fn write_answer(
        &mut self,
        generation: GenerationId,
        path: Path,
        id: TransactionId,
        answer: &Answer,
        out: &mut BytesMut,
    ) -> Option<(Path, Result<(), EncodeError>)> {
        let Generation { key, locals, .. } = self.generation(generation)?;
        // Its socket may be gone meanwhile.
        locals.base_of(&path)?;
        let written = wire::write_answer(out, id, answer, key);
        if let Some(found) = self
            .generation_mut(generation)
            .and_then(|of| of.checks.get_mut(of.checks.find(&path)?))
        {
            found.tally.responses += 1;
        }
        self.stats.responses_sent += 1;
        Some((path, written))
    }

    fn write_consent(
        &mut self,
        generation: GenerationId,
        pair: PairId,
        id: TransactionId,
        out: &mut BytesMut,
    ) -> Option<(Path, Result<(), EncodeError>)> {
        let (of, peer) = self.link(generation)?;
        let found = of.checks.get(pair)?;
        let sent = found.valid()?.consent.find(id)?;
        let base = of.locals.base(found.base)?;
        // Repeating the nomination on the selected pair brings a peer back that lost it.
        let selected = generation == self.current.id
            && matches!(self.phase.progress(), Some(Progress::Completed { selected, .. }) if selected == pair);
        let request = CheckRequest {
            username: &peer.username,
            priority: base.reflexive_priority,
            role: sent.role,
            tie_breaker: self.tie_breaker,
            nominate: selected && sent.role == Role::Controlling,
            nomination: self.nomination,
        };
        let written = wire::write_check(out, id, &request, &peer.key);
        let path = found.path;
        if let Some(found) = self
            .generation_mut(generation)
            .and_then(|of| of.checks.get_mut(pair))
        {
            found.tally.consents += 1;
        }
        self.stats.consent_checks_sent += 1;
        Some((path, written))
    }
}
