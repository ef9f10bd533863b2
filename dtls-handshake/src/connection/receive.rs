//! What arrives: records are opened and go where they belong.

use std::time::Instant;

use super::timers::Timer;
use super::{Alert, Connection, Phase};
use crate::error::CloseCause;
use crate::event::Handled;
use crate::handshake::{Fragment, Inserted, Message};
use crate::record::{PLAIN, PROTECTED, Record, RecordHeader, Records};
use crate::stats::DropReason;
use crate::v12::Step;
use crate::wire::{AlertDescription, AlertLevel, ContentType, HandshakeType, Reader};

/// The longest payload of a record that is not protected or no more (RFC 5246 §6.2.1).
const MAX_PLAINTEXT: usize = 1 << 14;
/// How many records may come too early, and how long each may be: a Finished is 48 bytes long.
const EARLY_LIMIT: usize = 4;
const EARLY_LENGTH: usize = 256;

/// A protected record that waits for its keys.
#[derive(Debug)]
pub(super) struct EarlyRecord {
    header: RecordHeader,
    payload: Vec<u8>,
}

impl Connection {
    /// Takes one datagram. It is decrypted in place; what comes out is found by polling.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8]) -> Handled {
        self.stats.datagrams_received += 1;
        let mut handled = Handled::Dropped;
        for record in Records::new(datagram) {
            match record.and_then(|record| self.handle_record(now, record)) {
                Ok(()) => handled = Handled::Consumed,
                Err(reason) => self.stats.count(reason),
            }
        }
        handled
    }

    fn handle_record(&mut self, now: Instant, record: Record<'_>) -> Result<(), DropReason> {
        let Record { header, payload } = record;
        if matches!(self.phase, Phase::Closed) {
            return Err(DropReason::Closed);
        }
        if self.is_early(&header) {
            return self.keep_early(header, payload);
        }
        let payload = match header.epoch {
            PLAIN => payload,
            _ => self.context.records.open(&header, payload)?,
        };
        if payload.len() > MAX_PLAINTEXT {
            return Err(DropReason::OversizedRecord);
        }
        match header.content {
            ContentType::Handshake => self.receive_handshake(now, header.epoch, payload),
            ContentType::ChangeCipherSpec => self.receive_change_cipher_spec(header.epoch, payload),
            ContentType::Alert => self.receive_alert(header.epoch, payload),
            ContentType::ApplicationData => self.receive_data(header.epoch, payload),
            ContentType::Unknown(_) => Err(DropReason::UnknownContentType),
        }
    }

    /// The Finished of a client can overtake what the keys for it are made from.
    fn is_early(&self, header: &RecordHeader) -> bool {
        header.epoch == PROTECTED
            && header.content == ContentType::Handshake
            && !self.context.records.reads(PROTECTED)
            && matches!(&self.phase, Phase::Server(state) if !state.is_idle())
    }

    fn keep_early(&mut self, header: RecordHeader, payload: &[u8]) -> Result<(), DropReason> {
        if self.early.len() >= EARLY_LIMIT || payload.len() > EARLY_LENGTH {
            return Err(DropReason::BufferFull);
        }
        self.early.push(EarlyRecord {
            header,
            payload: payload.to_vec(),
        });
        Ok(())
    }

    fn replay_early(&mut self, now: Instant) {
        if !self.context.records.reads(PROTECTED) {
            return;
        }
        for EarlyRecord {
            header,
            mut payload,
        } in core::mem::take(&mut self.early)
        {
            let record = Record {
                header,
                payload: &mut payload,
            };
            if let Err(reason) = self.handle_record(now, record) {
                self.stats.count(reason);
            }
        }
    }

    fn receive_handshake(
        &mut self,
        now: Instant,
        epoch: u16,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        match &self.phase {
            Phase::Unverified(_) | Phase::Connected(_) => {
                return self.receive_after_handshake(now, epoch, payload);
            }
            Phase::Server(state) if state.is_idle() && !begins_with_client_hello(payload) => {
                return Err(DropReason::OutOfPlace);
            }
            _ => {}
        }
        self.receive_fragments(now, epoch, payload)
    }

    fn receive_fragments(
        &mut self,
        now: Instant,
        epoch: u16,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let mut reader = Reader::new(payload);
        let mut taken = false;
        let mut dropped = None;
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::read(&mut reader) else {
                return self.malformed_fragment(epoch);
            };
            match self.context.inbox.insert(epoch, &fragment) {
                Inserted::Kept => taken = true,
                Inserted::Answered if self.answer_again(now) => taken = true,
                Inserted::Answered => dropped = Some(DropReason::Repeated),
                Inserted::Dropped(reason) => dropped = Some(reason),
                Inserted::Conflict => {
                    self.end(CloseCause::Illegal("fragments that contradict each other"));
                    return Ok(());
                }
            }
            while let Some(message) = self.context.inbox.pop() {
                self.step(now, &message);
            }
        }
        self.replay_early(now);
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

    /// Anybody can send a cut fragment in the clear; one that authenticates is the peer's fault.
    fn malformed_fragment(&mut self, epoch: u16) -> Result<(), DropReason> {
        if epoch == PLAIN {
            return Err(DropReason::MalformedFragment);
        }
        self.end(CloseCause::Malformed("handshake fragment"));
        Ok(())
    }

    /// The handshake is complete here, but perhaps not there.
    fn receive_after_handshake(
        &mut self,
        now: Instant,
        epoch: u16,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        if epoch == PLAIN {
            return Err(DropReason::Unprotected);
        }
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

    /// RFC 6347 §4.2.4: a peer that repeats its flight has not seen our answer. `false` when
    /// there is none, or it went out just now.
    fn answer_again(&mut self, now: Instant) -> bool {
        if self.context.flight.is_empty() || !self.backoff.may_repeat(now) {
            return false;
        }
        self.stats.repeats_answered += 1;
        self.context.flight.rewind();
        let at = self.backoff.repeated(now);
        // The last flight has no timer: it is sent again only when asked for.
        if matches!(self.phase, Phase::Client(_) | Phase::Server(_)) {
            self.timers.set(Timer::Retransmit, at);
        }
        true
    }

    pub(super) fn step(&mut self, now: Instant, message: &Message) {
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Client(state) => match state.handle(message, &mut self.context) {
                Ok(step) => self.advance(now, step, Phase::Client),
                Err(cause) => self.end(cause),
            },
            Phase::Server(state) => match state.handle(message, &mut self.context) {
                Ok(step) => self.advance(now, step, Phase::Server),
                Err(cause) => self.end(cause),
            },
            other => self.phase = other,
        }
    }

    fn advance<S>(&mut self, now: Instant, step: Step<S>, phase: fn(S) -> Phase) {
        match step {
            Step::Wait(state) => self.phase = phase(state),
            Step::Answered(state) => {
                self.phase = phase(state);
                self.context.inbox.mark_answered();
                let at = self.backoff.restart(now);
                self.timers.set(Timer::Retransmit, at);
            }
            Step::Complete(completed) => {
                self.context.inbox.mark_answered();
                self.backoff.restart(now);
                self.timers.stop(Timer::Retransmit);
                self.context.transcript = Default::default();
                self.complete(completed);
            }
        }
    }

    /// The epoch of a record says what this one says, and cannot be lost: nothing follows from
    /// it.
    fn receive_change_cipher_spec(&mut self, epoch: u16, payload: &[u8]) -> Result<(), DropReason> {
        match &self.phase {
            Phase::Server(state) if state.is_idle() => Err(DropReason::OutOfPlace),
            Phase::Client(_) | Phase::Server(_) if epoch == PLAIN && payload == [1] => Ok(()),
            _ => Err(DropReason::OutOfPlace),
        }
    }

    fn receive_alert(&mut self, epoch: u16, payload: &[u8]) -> Result<(), DropReason> {
        if epoch == PLAIN {
            match &self.phase {
                // There is nothing to end yet.
                Phase::Server(state) if state.is_idle() => return Err(DropReason::OutOfPlace),
                Phase::Client(_) | Phase::Server(_) => {}
                // RFC 6347 §4.1: after the handshake only what is protected counts.
                _ => return Err(DropReason::Unprotected),
            }
        }
        let [level, description] = *payload else {
            if epoch == PLAIN {
                return Err(DropReason::OutOfPlace);
            }
            self.end(CloseCause::Malformed("alert"));
            return Ok(());
        };
        match (AlertLevel::from(level), AlertDescription::from(description)) {
            (_, AlertDescription::CloseNotify) => self.end(CloseCause::ClosedByPeer),
            (AlertLevel::Fatal, description) => self.end(CloseCause::PeerAlert(description)),
            // RFC 5246 §7.2.2: the receiver decides about warnings. None matters here.
            (AlertLevel::Warning, _) => {}
            (AlertLevel::Unknown(_), _) if epoch == PLAIN => return Err(DropReason::OutOfPlace),
            (AlertLevel::Unknown(_), _) => self.end(CloseCause::Illegal("alert level")),
        }
        Ok(())
    }

    fn receive_data(&mut self, epoch: u16, payload: &[u8]) -> Result<(), DropReason> {
        match &self.phase {
            _ if epoch == PLAIN => Err(DropReason::Unprotected),
            Phase::Unverified(_) | Phase::Connected(_) if self.incoming.push(payload) => Ok(()),
            Phase::Unverified(_) | Phase::Connected(_) => Err(DropReason::DataQueueFull),
            _ => Err(DropReason::OutOfPlace),
        }
    }
}

fn begins_with_client_hello(payload: &[u8]) -> bool {
    payload.first().copied().map(HandshakeType::from) == Some(HandshakeType::ClientHello)
}
