//! What arrives: records are opened and go where they belong.

use std::time::Instant;

use super::{Connection, Phase};
use crate::error::CloseCause;
use crate::event::{Handled, Version};
use crate::record::{DATA, OpenedRecord, PLAIN, Record, RecordNumber, Records};
use crate::stats::DropReason;
use crate::wire::ContentType;

/// The longest payload of a record that is not protected or no more (RFC 5246 §6.2.1).
const MAX_PLAINTEXT: usize = 1 << 14;
const PADDING_ALONE: &str = "record of padding alone";

impl Connection {
    /// Takes one datagram. It is decrypted in place; what comes out is found by polling.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8]) -> Handled {
        self.stats.datagrams_received += 1;
        let mut handled = Handled::Dropped;
        self.context.records.take_newest();
        let ours = self.context.connection_id.clone();
        let records = Records::new(datagram)
            .expecting(ours.as_deref().unwrap_or_default())
            .of_any_version(self.may_speak_1_3() && !self.is_idle());
        for record in records {
            match record.and_then(|record| self.handle_record(now, record)) {
                Ok(()) => handled = Handled::Consumed,
                Err(reason) => self.stats.count(reason),
            }
            self.replay_early(now);
        }
        self.was_newest = self.context.records.take_newest();
        self.check_wear(now);
        handled
    }

    pub(super) fn handle_record(
        &mut self,
        now: Instant,
        record: Record<'_>,
    ) -> Result<(), DropReason> {
        if matches!(self.phase, Phase::Closed) {
            return Err(DropReason::Closed);
        }
        if self.is_early(&record) {
            self.early.keep(record)?;
            self.await_rest(now);
            return Ok(());
        }
        match record {
            Record::Explicit { header, payload } if u64::from(header.epoch) == PLAIN => {
                let number = RecordNumber {
                    epoch: PLAIN,
                    sequence: header.sequence,
                };
                if payload.len() > MAX_PLAINTEXT {
                    return Err(DropReason::OversizedRecord);
                }
                self.handle_content(now, number, header.content, payload)
            }
            Record::Explicit { header, payload } => {
                let OpenedRecord {
                    number,
                    content,
                    payload,
                } = self.context.records.open(&header, payload)?;
                if payload.len() > MAX_PLAINTEXT {
                    return Err(DropReason::OversizedRecord);
                }
                let Some(content) = content else {
                    self.end(CloseCause::Unexpected(PADDING_ALONE));
                    return Ok(());
                };
                self.handle_content(now, number, content, payload)
            }
            Record::Unified { header, bytes } => {
                let OpenedRecord {
                    number,
                    content,
                    payload,
                } = self.context.records.open_unified(header, bytes)?;
                if payload.len() > MAX_PLAINTEXT {
                    self.end(CloseCause::Oversized);
                    return Ok(());
                }
                let Some(content) = content else {
                    // RFC 8446 §5.4.
                    self.end(CloseCause::Unexpected(PADDING_ALONE));
                    return Ok(());
                };
                self.handle_protected(now, number, content, payload)
            }
        }
    }

    /// What was protected as DTLS 1.3 does it is the peer's word: what it must not say ends the
    /// connection (RFC 8446 §5).
    fn handle_protected(
        &mut self,
        now: Instant,
        number: RecordNumber,
        content: ContentType,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let unexpected = match content {
            ContentType::ChangeCipherSpec => "change_cipher_spec",
            ContentType::ConnectionId | ContentType::Unknown(_) => "content type",
            ContentType::ApplicationData if number.epoch < DATA => "application data",
            ContentType::Handshake if payload.is_empty() => "empty handshake record",
            _ => return self.handle_content(now, number, content, payload),
        };
        self.end(CloseCause::Unexpected(unexpected));
        Ok(())
    }

    fn handle_content(
        &mut self,
        now: Instant,
        number: RecordNumber,
        content: ContentType,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        match content {
            ContentType::Handshake => self.receive_handshake(now, number, payload),
            ContentType::ChangeCipherSpec => self.receive_change_cipher_spec(number.epoch, payload),
            ContentType::Alert => self.receive_alert(now, number.epoch, payload),
            ContentType::ApplicationData => self.receive_data(number.epoch, payload),
            ContentType::Ack => self.receive_ack(now, number.epoch, payload),
            ContentType::ConnectionId | ContentType::Unknown(_) => {
                Err(DropReason::UnknownContentType)
            }
        }
    }

    /// The epoch of a record says what this one says, and cannot be lost: nothing follows from
    /// it.
    fn receive_change_cipher_spec(&mut self, epoch: u64, payload: &[u8]) -> Result<(), DropReason> {
        match &self.phase {
            Phase::Handshake(handshake) if handshake.is_idle() => Err(DropReason::OutOfPlace),
            // RFC 9147 §5: nobody sends one in DTLS 1.3.
            _ if self.version() == Some(Version::Dtls13) => Err(DropReason::OutOfPlace),
            Phase::Handshake(_) if epoch == PLAIN && payload == [1] => Ok(()),
            _ => Err(DropReason::OutOfPlace),
        }
    }

    fn receive_data(&mut self, epoch: u64, payload: &[u8]) -> Result<(), DropReason> {
        match &self.phase {
            _ if epoch == PLAIN => Err(DropReason::Unprotected),
            Phase::Unverified(_) | Phase::Connected(_) if self.incoming.push(payload) => Ok(()),
            Phase::Unverified(_) | Phase::Connected(_) => Err(DropReason::DataQueueFull),
            _ => Err(DropReason::OutOfPlace),
        }
    }
}
