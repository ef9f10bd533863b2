//! Handshake messages that arrive, and what they lead to.

use std::time::Instant;

use super::timers::Timer;
use super::{Alert, Connection, Phase};
use crate::error::CloseCause;
use crate::event::Version;
use crate::handshake::{Fragment, Inserted, Message};
use crate::negotiation::{Completed, Handshake, Session, Step};
use crate::record::{PLAIN, RecordNumber};
use crate::stats::DropReason;
use crate::wire::{AlertDescription, AlertLevel, HandshakeType, Reader};

impl Connection {
    pub(super) fn receive_handshake(
        &mut self,
        now: Instant,
        number: RecordNumber,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        match &self.phase {
            Phase::Unverified(_) | Phase::Connected(_) => {
                if number.epoch == PLAIN {
                    return Err(DropReason::Unprotected);
                }
                if self.version() == Some(Version::Dtls12) {
                    return self.receive_after_handshake(now, number.epoch, payload);
                }
            }
            Phase::Handshake(handshake)
                if handshake.is_idle() && !begins_with_client_hello(payload) =>
            {
                return Err(DropReason::OutOfPlace);
            }
            _ => {}
        }
        self.receive_fragments(now, number, payload)
    }

    fn receive_fragments(
        &mut self,
        now: Instant,
        number: RecordNumber,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let mut reader = Reader::new(payload);
        let mut taken = false;
        let mut answered = false;
        let mut dropped = None;
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::read(&mut reader) else {
                return self.malformed_fragment(number.epoch);
            };
            match self.context.inbox.insert(number.epoch, &fragment) {
                Inserted::Kept => taken = true,
                Inserted::Answered => answered = true,
                // What came before is known, and this is not it.
                Inserted::Dropped(DropReason::WrongEpoch) if number.epoch != PLAIN => {
                    self.end(CloseCause::Unexpected("message of an epoch that is over"));
                    return Ok(());
                }
                Inserted::Dropped(reason) => dropped = Some(reason),
                Inserted::Conflict => {
                    self.end(CloseCause::Illegal("fragments that contradict each other"));
                    return Ok(());
                }
            }
        }
        // RFC 9147 §7: what is neither taken nor kept is not acknowledged.
        if !answered && matches!(dropped, None | Some(DropReason::Repeated)) {
            self.flight_goes_on(now, number);
        }
        while let Some(message) = self.context.inbox.pop() {
            self.step(now, &message);
            if matches!(self.phase, Phase::Handshake(_)) {
                self.context.inbox.reuse(message);
            }
        }
        if answered {
            if self.repeat_answer(now, number) {
                taken = true;
            } else {
                dropped = Some(DropReason::Repeated);
            }
        }
        self.await_rest(now);
        match (taken, dropped) {
            (true, None) => Ok(()),
            (true, Some(reason)) => {
                self.stats.count(reason);
                Ok(())
            }
            // A record without a fragment in it is malformed.
            (false, reason) => Err(reason.unwrap_or(DropReason::MalformedFragment)),
        }
    }

    /// A part of the flight has come that is due. In DTLS 1.3 that says that our last one has
    /// arrived (RFC 9147 §7.2).
    fn flight_goes_on(&mut self, now: Instant, number: RecordNumber) {
        self.note_received(number);
        let answers = matches!(&self.phase, Phase::Handshake(Handshake::Server13(_)));
        if answers && number.epoch != PLAIN {
            self.flight_acknowledged(now);
        }
    }

    /// A part of a flight has come that was complete before. `false` when nothing follows from
    /// it.
    fn repeat_answer(&mut self, now: Instant, number: RecordNumber) -> bool {
        let is_over = matches!(self.phase, Phase::Unverified(_) | Phase::Connected(_));
        if is_over && self.version() == Some(Version::Dtls13) {
            self.acknowledge_again(now, number)
        } else {
            self.answer_again(now)
        }
    }

    /// Anybody can send a cut fragment in the clear; one that authenticates is the peer's fault.
    fn malformed_fragment(&mut self, epoch: u64) -> Result<(), DropReason> {
        if epoch == PLAIN {
            return Err(DropReason::MalformedFragment);
        }
        self.end(CloseCause::Malformed("handshake fragment"));
        Ok(())
    }

    /// The handshake of DTLS 1.2 is complete here, but perhaps not there.
    fn receive_after_handshake(
        &mut self,
        now: Instant,
        epoch: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let Ok(fragment) = Fragment::read(&mut Reader::new(payload)) else {
            return self.malformed_fragment(epoch);
        };
        let requests = fragment.kind == HandshakeType::HelloRequest;
        if !requests && self.context.inbox.is_answered(fragment.message_seq) {
            return if self.answer_again(now) {
                Ok(())
            } else {
                Err(DropReason::Repeated)
            };
        }
        if !requests && fragment.kind != HandshakeType::ClientHello {
            self.end(CloseCause::Unexpected("message after the handshake"));
            return Ok(());
        }
        // RFC 5746 §4.5: renegotiation is refused with a warning. Once is enough.
        if self.renegotiation_answered {
            return Err(DropReason::OutOfPlace);
        }
        self.renegotiation_answered = true;
        self.alerts.push_back(Alert {
            epoch,
            level: AlertLevel::Warning,
            description: AlertDescription::NoRenegotiation,
        });
        Ok(())
    }

    /// RFC 6347 §4.2.4, RFC 9147 §5.8.1: a peer that repeats its flight has not seen our answer.
    /// `false` when there is none, or it went out just now, or the peer has said that it has some
    /// of it.
    pub(super) fn answer_again(&mut self, now: Instant) -> bool {
        let flight = &mut self.context.flight;
        if flight.is_empty() || flight.is_partly_acknowledged() || !self.backoff.may_repeat(now) {
            return false;
        }
        self.stats.repeats_answered += 1;
        flight.rewind();
        let at = self.backoff.repeated(now);
        // The last flight of DTLS 1.2 has no timer: it is sent again only when asked for.
        if matches!(self.phase, Phase::Handshake(_)) || self.timers.is_set(Timer::Retransmit) {
            self.timers.set(Timer::Retransmit, at);
        }
        true
    }

    pub(super) fn step(&mut self, now: Instant, message: &Message) {
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Handshake(handshake) => match handshake.handle(message, &mut self.context) {
                Ok(step) => self.advance(now, step),
                Err(cause) => self.end(cause),
            },
            Phase::Unverified(mut completed) => {
                let handled = self.step_after_handshake(now, message, &mut completed.session);
                self.phase = Phase::Unverified(completed);
                self.settle(now, handled);
            }
            Phase::Connected(mut session) => {
                let handled = self.step_after_handshake(now, message, &mut session);
                self.phase = Phase::Connected(session);
                self.settle(now, handled);
            }
            Phase::Closed => {}
        }
    }

    fn step_after_handshake(
        &mut self,
        now: Instant,
        message: &Message,
        session: &mut Session,
    ) -> Result<(), CloseCause> {
        if !self.budget.spend(now) {
            return Err(CloseCause::Unexpected("flood of handshake messages"));
        }
        match session {
            Session::Dtls12(_) => Err(message.unexpected()),
            Session::Dtls13(session) => session.handle(message, &mut self.context),
        }
    }

    /// A message after the handshake is a flight of its own, without an answer.
    fn settle(&mut self, now: Instant, handled: Result<(), CloseCause>) {
        match handled {
            Ok(()) => {
                self.context.inbox.mark_answered();
                self.timers.stop(Timer::Acknowledge);
                self.acknowledgements.send();
                self.send_update(now);
            }
            Err(cause) => self.end(cause),
        }
    }

    fn advance(&mut self, now: Instant, step: Step<Handshake>) {
        match step {
            Step::Wait(handshake) => {
                // RFC 9147 §7.2: the ServerHello answers the ClientHello.
                let is_answered = matches!(handshake, Handshake::Client13(_));
                self.phase = Phase::Handshake(handshake);
                if is_answered && !self.context.flight.is_empty() {
                    self.flight_acknowledged(now);
                }
            }
            Step::Answered(handshake) => {
                self.phase = Phase::Handshake(handshake);
                self.flight_received();
                self.context.inbox.mark_answered();
                let at = self.backoff.restart(now);
                self.timers.set(Timer::Retransmit, at);
            }
            Step::Complete(completed) => self.finish(now, completed),
        }
    }

    /// The peer's last flight is complete. Ours is, in DTLS 1.2, repeated only when asked for, and
    /// in DTLS 1.3 until it is acknowledged.
    fn finish(&mut self, now: Instant, completed: Completed) {
        let version = completed.session.version();
        self.context.inbox.mark_answered();
        self.context.transcript = Default::default();
        let at = self.backoff.restart(now);
        if version == Version::Dtls13 && !self.context.flight.is_empty() {
            self.timers.set(Timer::Retransmit, at);
        } else {
            self.timers.stop(Timer::Retransmit);
        }
        self.complete(now, completed);
        self.flight_received();
        if self.context.flight.is_empty() {
            self.context.flight.release();
            if version == Version::Dtls13 {
                self.context.records.stop_writing_old();
            }
        }
        self.context.inbox.release();
        self.acknowledgements.release();
    }
}

fn begins_with_client_hello(payload: &[u8]) -> bool {
    payload.first().copied().map(HandshakeType::from) == Some(HandshakeType::ClientHello)
}
