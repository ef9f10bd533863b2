//! Outgoing flights: kept whole until they are answered or acknowledged, cut into datagrams as
//! they are sent (RFC 6347 §4.2.3 and §4.2.4, RFC 9147 §5.8 and §7.2).
//!
//! Which part of which message travelled in which record is remembered, so that a peer of
//! DTLS 1.3 can acknowledge records and only the rest is sent again.

#[cfg(test)]
mod tests;

use core::ops::Range;
use std::collections::VecDeque;

use arrayvec::ArrayVec;
use bytes::BytesMut;

use crate::handshake::fragment::{Fragment, HANDSHAKE_HEADER_LENGTH, append_message};
use crate::handshake::ranges::Ranges;
use crate::record::{PLAIN, RecordLayer, RecordNumber};
use crate::wire::{ContentType, HandshakeType, Writer};

/// So many messages, or parts of them, share a record at most.
const PARTS_LIMIT: usize = 8;
/// So many of the records sent last can be acknowledged; what travelled in older ones is sent
/// again.
const SENT_LIMIT: usize = 128;

/// The flight that was last sent or is being sent.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    items: Vec<Item>,
    /// The messages, one behind the other.
    bytes: Vec<u8>,
    /// How far the present transmission has come.
    next: Position,
    next_message_seq: u16,
    sent: VecDeque<Sent>,
}

#[derive(Debug)]
enum Item {
    Message(Outgoing),
    ChangeCipherSpec,
}

/// A message.
#[derive(Debug)]
struct Outgoing {
    epoch: u64,
    kind: HandshakeType,
    message_seq: u16,
    /// Where its body stands in the bytes of the flight, behind its header.
    body: Range<usize>,
    /// What of the body the peer has acknowledged.
    acknowledged: Ranges,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Position {
    item: usize,
    /// In the body of a message.
    offset: usize,
}

impl Position {
    fn next_item(self) -> Self {
        Self {
            item: self.item + 1,
            offset: 0,
        }
    }
}

/// A part of a message that is about to travel.
struct Part {
    header: [u8; HANDSHAKE_HEADER_LENGTH],
    item: usize,
    start: usize,
    end: usize,
}

/// A record and a part of a body that travelled in it.
#[derive(Debug)]
struct Sent {
    number: RecordNumber,
    item: usize,
    start: usize,
    end: usize,
}

/// What the longest flight has.
const USUAL_ITEMS: usize = 6;
/// The records of a usual flight, each counted as often as it has parts of messages.
const USUAL_RECORDS: usize = 8;
/// Room for the longest flight with certificates of the usual length, in bytes.
const USUAL_LENGTH: usize = 1024;

impl Flight {
    /// Forgets the last flight, because it was answered. Message numbers run on.
    pub(crate) fn begin(&mut self) {
        self.items.clear();
        self.items.reserve(USUAL_ITEMS);
        self.bytes.clear();
        self.bytes.reserve(USUAL_LENGTH);
        self.sent.clear();
        self.next = Position::default();
    }

    /// As `begin`, and keeps no room for another: the handshake is over.
    pub(crate) fn release(&mut self) {
        *self = Self {
            next_message_seq: self.next_message_seq,
            ..Self::default()
        };
    }

    /// What was sent before the message of this number was not a flight of ours.
    pub(crate) fn start_at(&mut self, message_seq: u16) {
        self.next_message_seq = message_seq;
    }

    /// Adds a message and returns it with its header, for the transcript.
    pub(crate) fn push(
        &mut self,
        epoch: u64,
        kind: HandshakeType,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> &[u8] {
        let message_seq = self.next_message_seq;
        // A handshake has a dozen messages.
        self.next_message_seq = message_seq.wrapping_add(1);
        let start = append_message(kind, message_seq, body, &mut self.bytes);
        self.items.push(Item::Message(Outgoing {
            epoch,
            kind,
            message_seq,
            body: start + HANDSHAKE_HEADER_LENGTH..self.bytes.len(),
            acknowledged: Ranges::default(),
        }));
        self.bytes.get(start..).unwrap_or_default()
    }

    pub(crate) fn push_change_cipher_spec(&mut self) {
        self.items.push(Item::ChangeCipherSpec);
    }

    /// Sends all of it again that is not acknowledged, instead of what is left of the transmission
    /// under way.
    pub(crate) fn rewind(&mut self) {
        self.next = Position::default();
    }

    /// Whether all of it was handed out since it was made or rewound.
    pub(crate) fn is_sent(&self) -> bool {
        self.next.item >= self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether there are no more message numbers.
    pub(crate) fn is_used_up(&self) -> bool {
        self.next_message_seq == u16::MAX
    }

    /// Whether it is sent in this epoch.
    pub(crate) fn is_of(&self, epoch: u64) -> bool {
        matches!(self.items.first(), Some(Item::Message(message)) if message.epoch == epoch)
    }

    /// Takes note that the peer has this record. `false` when that says nothing new.
    pub(crate) fn acknowledge(&mut self, number: RecordNumber) -> bool {
        let mut has_news = false;
        let items = &mut self.items;
        self.sent.retain(|sent| {
            if sent.number != number {
                return true;
            }
            if let Some(Item::Message(message)) = items.get_mut(sent.item) {
                has_news |= message.acknowledged.add(sent.start, sent.end);
            }
            false
        });
        has_news
    }

    /// Whether any of it is acknowledged.
    pub(crate) fn is_partly_acknowledged(&self) -> bool {
        self.items.iter().any(|item| match item {
            Item::Message(message) => !message.acknowledged.is_empty(),
            Item::ChangeCipherSpec => false,
        })
    }

    /// Whether all of it is acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.items.iter().all(|item| match item {
            Item::Message(message) => message.acknowledged.covers(message.body.len()),
            Item::ChangeCipherSpec => false,
        })
    }

    /// Appends one datagram of at most `mtu` bytes. `false` when nothing is left to send.
    pub(crate) fn write_datagram(
        &mut self,
        records: &mut RecordLayer,
        mtu: usize,
        out: &mut BytesMut,
    ) -> bool {
        let start = out.len();
        while let Some(item) = self.items.get(self.next.item) {
            let room = mtu.saturating_sub(out.len() - start);
            let next = match item {
                Item::ChangeCipherSpec => {
                    let written = write_change_cipher_spec(records, room, out);
                    written.map(|()| self.next.next_item())
                }
                Item::Message(message) => self.write_record(message.epoch, records, room, out),
            };
            let Some(next) = next else {
                break;
            };
            self.next = next;
        }
        out.len() > start
    }

    /// Writes one record with as much of the flight as goes into it, and says where to go on.
    /// `None` when not even a byte fits.
    fn write_record(
        &mut self,
        epoch: u64,
        records: &mut RecordLayer,
        room: usize,
        out: &mut BytesMut,
    ) -> Option<Position> {
        let room = room.saturating_sub(records.overhead(epoch));
        let (parts, next) = self.parts(epoch, room);
        if parts.is_empty() {
            return (next != self.next).then_some(next);
        }
        let number = self.seal(epoch, &parts, records, out)?;
        if self.sent.capacity() == 0 {
            self.sent.reserve_exact(USUAL_RECORDS);
        }
        for part in parts {
            if self.sent.len() >= SENT_LIMIT {
                self.sent.pop_front();
            }
            self.sent.push_back(Sent {
                number,
                item: part.item,
                start: part.start,
                end: part.end,
            });
        }
        Some(next)
    }

    fn seal(
        &self,
        epoch: u64,
        parts: &[Part],
        records: &mut RecordLayer,
        out: &mut BytesMut,
    ) -> Option<RecordNumber> {
        let slices: ArrayVec<&[u8], { 2 * PARTS_LIMIT }> = parts
            .iter()
            .flat_map(|part| [&part.header[..], self.bytes_of(part)])
            .collect();
        let number = records.write(epoch, ContentType::Handshake, &slices, out);
        number.ok()
    }

    /// The parts of messages for one record with this much room for them, and where to go on.
    fn parts(&self, epoch: u64, mut room: usize) -> (ArrayVec<Part, PARTS_LIMIT>, Position) {
        let mut parts = ArrayVec::new();
        let mut next = self.next;
        while let Some(Item::Message(message)) = self.items.get(next.item) {
            let Some((start, end)) = message.missing(next.offset) else {
                next = next.next_item();
                continue;
            };
            let fits = room.saturating_sub(HANDSHAKE_HEADER_LENGTH);
            let taken = fits.min(end - start);
            let is_empty = start == end && room >= HANDSHAKE_HEADER_LENGTH;
            if message.epoch != epoch || parts.is_full() || taken == 0 && !is_empty {
                break;
            }
            room -= HANDSHAKE_HEADER_LENGTH + taken;
            let length = message.body.len();
            parts.push(Part {
                header: Fragment::header(message.kind, length, message.message_seq, start, taken),
                item: next.item,
                start,
                end: start + taken,
            });
            next = if start + taken < length {
                let offset = start + taken;
                Position { offset, ..next }
            } else {
                next.next_item()
            };
            // Where it costs a tag each, messages share a record.
            if epoch == PLAIN {
                break;
            }
        }
        (parts, next)
    }

    fn bytes_of(&self, part: &Part) -> &[u8] {
        match self.items.get(part.item) {
            Some(Item::Message(message)) => {
                let body = self.bytes.get(message.body.clone()).unwrap_or_default();
                body.get(part.start..part.end).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// `None` when it does not fit.
fn write_change_cipher_spec(
    records: &mut RecordLayer,
    room: usize,
    out: &mut BytesMut,
) -> Option<()> {
    if room <= records.overhead(PLAIN) {
        return None;
    }
    records
        .write(PLAIN, ContentType::ChangeCipherSpec, &[&[1]], out)
        .ok()
        .map(drop)
}

impl Outgoing {
    /// The next part, from `offset` on, that is not acknowledged.
    fn missing(&self, offset: usize) -> Option<(usize, usize)> {
        let length = self.body.len();
        if length == 0 && !self.acknowledged.covers(0) {
            return Some((0, 0));
        }
        self.acknowledged.gap(offset, length)
    }
}
