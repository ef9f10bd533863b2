//! Acknowledgements of DTLS 1.3, both ways (RFC 9147 §7).
//!
//! Of the peer's present flight it is remembered which records have come, each with nothing in it
//! that was neither taken nor kept. They are acknowledged at once when the flight is complete and
//! has no answer, and when a flight stops in the middle for a quarter of the timeout; out of order
//! alone is no reason, since that would have the peer repeat what is merely late. Whatever is sent
//! in answer to a flight acknowledges it as well.

use std::collections::VecDeque;
use std::time::Instant;

use arrayvec::ArrayVec;
use bytes::BytesMut;

use super::timers::Timer;
use super::{Connection, Phase};
use crate::error::CloseCause;
use crate::event::Version;
use crate::message::v13::Ack;
use crate::record::{DATA, HANDSHAKE, PLAIN, RecordNumber};
use crate::stats::DropReason;
use crate::wire::{ContentType, Writer};

/// So many of the records that came last can be acknowledged.
const LIMIT: usize = 64;
/// The records of a usual flight.
const USUAL: usize = 8;

/// The records of the peer's present flight.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    received: VecDeque<RecordNumber>,
    /// An ACK is to be sent.
    is_due: bool,
}

impl Acknowledgements {
    /// The peer's flight is over, or is answered.
    pub(super) fn clear(&mut self) {
        self.received.clear();
        self.is_due = false;
    }

    /// Keeps no room for more than what waits: the handshake is over.
    pub(super) fn release(&mut self) {
        self.received.shrink_to_fit();
    }

    /// Has an ACK sent.
    pub(super) fn send(&mut self) {
        self.is_due = true;
    }

    fn push(&mut self, number: RecordNumber) {
        if self.received.len() >= LIMIT {
            self.received.pop_front();
        }
        if self.received.capacity() == 0 {
            self.received.reserve_exact(USUAL);
        }
        self.received.push_back(number);
    }

    /// The numbers that fit into this room, the latest, in rising order.
    fn latest(&self, room: usize) -> ArrayVec<RecordNumber, LIMIT> {
        let fit = room / Ack::NUMBER_LENGTH;
        let skipped = self.received.len().saturating_sub(fit);
        let mut numbers: ArrayVec<_, LIMIT> = self.received.iter().skip(skipped).copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

impl Connection {
    /// A handshake record of the present flight has come, and everything in it is taken or kept.
    pub(super) fn note_received(&mut self, number: RecordNumber) {
        // A flight of DTLS 1.2 is never acknowledged so.
        if self.version() != Some(Version::Dtls12) {
            self.acknowledgements.push(number);
        }
    }

    /// If a flight has come in part, the rest is missed after a while.
    pub(super) fn await_rest(&mut self, now: Instant) {
        let waits = &self.acknowledgements;
        let in_part = self.version() == Some(Version::Dtls13) && !waits.received.is_empty();
        let cannot_read = self.early.has_unified();
        if (in_part || cannot_read) && !waits.is_due && !self.timers.is_set(Timer::Acknowledge) {
            self.timers
                .set(Timer::Acknowledge, self.backoff.missed(now));
        }
    }

    /// The peer's flight is complete. What we send in answer acknowledges it; when there is
    /// nothing to answer an ACK does.
    pub(super) fn flight_received(&mut self) {
        self.timers.stop(Timer::Acknowledge);
        if self.version() != Some(Version::Dtls13) || !self.context.flight.is_empty() {
            self.acknowledgements.clear();
        } else {
            self.acknowledgements.send();
        }
    }

    /// A record of a flight that was complete before: our ACK, or our last flight, was lost.
    pub(super) fn acknowledge_again(&mut self, now: Instant, number: RecordNumber) -> bool {
        if self.context.flight.is_of(HANDSHAKE) {
            return self.answer_again(now);
        }
        self.acknowledgements.push(number);
        self.acknowledgements.send();
        true
    }

    /// Our flight has arrived: the peer says so, or answers it (RFC 9147 §7.2).
    pub(super) fn flight_acknowledged(&mut self, now: Instant) {
        self.timers.stop(Timer::Retransmit);
        let was_last = self.context.flight.is_of(HANDSHAKE);
        match self.phase {
            Phase::Handshake(_) => self.context.flight.begin(),
            _ => {
                self.context.flight.release();
                // The server has our Finished: it has no reason to send anything of its own again.
                if was_last {
                    self.context.records.stop_reading_before(DATA);
                }
            }
        }
        self.context.records.stop_writing_old();
        if matches!(self.phase, Phase::Connected(_)) {
            self.timers.stop(Timer::Deadline);
        }
        self.update_acknowledged(now);
    }

    /// Whether the version is DTLS 1.3, or can still be.
    pub(super) fn may_speak_1_3(&self) -> bool {
        match self.version() {
            Some(version) => version == Version::Dtls13,
            None => self.context.config.speaks(Version::Dtls13),
        }
    }

    pub(super) fn receive_ack(
        &mut self,
        now: Instant,
        epoch: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        match &self.phase {
            Phase::Handshake(handshake) if handshake.is_idle() => {
                return Err(DropReason::OutOfPlace);
            }
            _ if !self.may_speak_1_3() => return Err(DropReason::UnknownContentType),
            Phase::Handshake(_) if epoch == PLAIN && self.context.records.has_opened() => {
                return Err(DropReason::Unprotected);
            }
            Phase::Handshake(_) => {}
            _ if epoch < DATA => return Err(DropReason::Unprotected),
            _ => {}
        }
        let Ok(ack) = Ack::read(payload) else {
            if epoch == PLAIN {
                return Err(DropReason::OutOfPlace);
            }
            self.end(CloseCause::Malformed("ACK"));
            return Ok(());
        };
        let mut is_empty = true;
        let mut has_news = false;
        for number in ack.iter() {
            is_empty = false;
            // RFC 9147 §7: in the handshake none is acknowledged in an epoch before its own. Later
            // the two directions have epochs of their own.
            let is_sound = epoch >= DATA || number.epoch <= epoch;
            has_news |= is_sound && self.context.flight.acknowledge(number);
        }
        if self.context.flight.is_empty() {
            return Ok(());
        }
        if has_news && self.context.flight.is_acknowledged() {
            self.flight_acknowledged(now);
        } else if has_news || is_empty && self.backoff.may_repeat(now) {
            // RFC 9147 §5.8.1: what is missing goes out at once.
            self.context.flight.rewind();
            let at = self.backoff.repeated(now);
            self.timers.set(Timer::Retransmit, at);
        }
        Ok(())
    }

    /// RFC 9147 §7: in the highest epoch there is.
    pub(super) fn write_ack(&mut self, out: &mut BytesMut) -> bool {
        if !core::mem::take(&mut self.acknowledgements.is_due) {
            return false;
        }
        let records = &mut self.context.records;
        let epoch = records.write_epoch();
        let overhead = records.overhead(epoch) + Ack::OVERHEAD;
        let room = self.mtu.saturating_sub(overhead);
        let numbers = self.acknowledgements.latest(room);
        let mut body = Vec::with_capacity(Ack::OVERHEAD + numbers.len() * Ack::NUMBER_LENGTH);
        Ack::write(&mut Writer::new(&mut body), &numbers);
        if !matches!(self.phase, Phase::Handshake(_)) {
            self.acknowledgements.clear();
        }
        records
            .write(epoch, ContentType::Ack, &[&body], out)
            .is_ok()
    }
}
