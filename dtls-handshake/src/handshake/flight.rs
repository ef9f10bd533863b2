//! Outgoing flights: kept whole until they are answered or acknowledged, cut into datagrams as
//! they are sent (RFC 6347 §4.2.3 and §4.2.4, RFC 9147 §5.8 and §7.2).
//!
//! Which part of which message travelled in which record is remembered, so that a peer of
//! DTLS 1.3 can acknowledge records and only the rest is sent again.

use core::ops::Range;
use std::collections::VecDeque;

use bytes::BytesMut;

use super::fragment::{Fragment, HANDSHAKE_HEADER_LENGTH, append_message};
use super::ranges::Ranges;
use crate::record::{PLAIN, RecordLayer, RecordNumber};
use crate::wire::{ContentType, HandshakeType, Writer};

/// A fragment shorter than this is not worth its header while a new datagram can be had.
const MIN_FRAGMENT: usize = 32;
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

/// A record and the part of the body that travelled in it.
#[derive(Debug)]
struct Sent {
    number: RecordNumber,
    item: usize,
    start: usize,
    end: usize,
}

/// What the longest flight has.
const USUAL_ITEMS: usize = 6;
/// The records of a usual flight.
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
        let Some(at) = self.sent.iter().position(|sent| sent.number == number) else {
            return false;
        };
        let Some(sent) = self.sent.remove(at) else {
            return false;
        };
        match self.items.get_mut(sent.item) {
            Some(Item::Message(message)) => message.acknowledged.add(sent.start, sent.end),
            _ => false,
        }
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
            let used = out.len() - start;
            let room = mtu.saturating_sub(used);
            let end = match item {
                Item::ChangeCipherSpec => match write_change_cipher_spec(records, room, out) {
                    None => break,
                    Some(()) => None,
                },
                Item::Message(message) => match message.missing(self.next.offset) {
                    None => None,
                    Some(part) => {
                        let written =
                            message.write(&self.bytes, part, records, room, used == 0, out);
                        let Some((number, end)) = written else {
                            break;
                        };
                        if self.sent.len() >= SENT_LIMIT {
                            self.sent.pop_front();
                        }
                        if self.sent.capacity() == 0 {
                            self.sent.reserve_exact(USUAL_RECORDS);
                        }
                        self.sent.push_back(Sent {
                            number,
                            item: self.next.item,
                            start: part.0,
                            end,
                        });
                        (end < message.body.len()).then_some(end)
                    }
                },
            };
            match end {
                Some(offset) => self.next.offset = offset,
                None => {
                    self.next = Position {
                        item: self.next.item + 1,
                        offset: 0,
                    };
                }
            }
        }
        out.len() > start
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

    /// Writes as much of a part as fits, and returns the number of the record and the offset to go
    /// on from. `None` when nothing fits.
    fn write(
        &self,
        flight: &[u8],
        (start, end): (usize, usize),
        records: &mut RecordLayer,
        room: usize,
        first_in_datagram: bool,
        out: &mut BytesMut,
    ) -> Option<(RecordNumber, usize)> {
        let body = flight.get(self.body.clone())?;
        let part = body.get(start..end)?;
        let overhead = records.overhead(self.epoch) + HANDSHAKE_HEADER_LENGTH;
        let room = room.checked_sub(overhead)?;
        if room < part.len() && room < MIN_FRAGMENT && !first_in_datagram {
            return None;
        }
        let part = part.get(..room).unwrap_or(part);
        let header = Fragment::header(self.kind, body.len(), self.message_seq, start, part.len());
        let number = records
            .write(self.epoch, ContentType::Handshake, &[&header, part], out)
            .ok()?;
        Some((number, start + part.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, Records};
    use crate::wire::Reader;

    fn flight() -> Flight {
        let mut flight = Flight::default();
        flight.push(PLAIN, HandshakeType::ServerHello, |w| w.bytes(&[1; 70]));
        flight.push(PLAIN, HandshakeType::Certificate, |w| w.bytes(&[2; 900]));
        flight.push(PLAIN, HandshakeType::ServerHelloDone, |_| {});
        flight.push_change_cipher_spec();
        flight
    }

    fn datagrams(flight: &mut Flight, records: &mut RecordLayer, mtu: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let mut out = BytesMut::new();
            if !flight.write_datagram(records, mtu, &mut out) {
                return all;
            }
            all.push(out.to_vec());
        }
    }

    #[test]
    fn fragments_cover_each_message_and_datagrams_keep_the_mtu() {
        for mtu in [256, 300, 576, 1200] {
            let mut records = RecordLayer::new();
            let mut flight = flight();
            let mut lengths = [0; 3];
            let mut change_cipher_specs = 0;
            let mut sequence = 0;
            for mut datagram in datagrams(&mut flight, &mut records, mtu) {
                assert!(datagram.len() <= mtu);
                for record in Records::new(&mut datagram) {
                    let Ok(Record::Explicit { header, payload }) = record else {
                        panic!("{record:?}");
                    };
                    assert_eq!(header.sequence, sequence);
                    sequence += 1;
                    if header.content == ContentType::ChangeCipherSpec {
                        change_cipher_specs += 1;
                        continue;
                    }
                    let fragment = Fragment::read(&mut Reader::new(payload)).unwrap();
                    let covered = &mut lengths[usize::from(fragment.message_seq)];
                    assert_eq!(fragment.offset, *covered);
                    *covered += fragment.bytes.len();
                }
            }
            assert_eq!(lengths, [70, 900, 0]);
            assert_eq!(change_cipher_specs, 1);
            assert!(flight.is_sent() && !flight.is_empty());
        }
    }

    #[test]
    fn rewinding_replaces_what_was_not_sent() {
        let mut records = RecordLayer::new();
        let mut flight = flight();
        let whole = datagrams(&mut flight, &mut records, 300).len();
        flight.rewind();
        assert!(flight.write_datagram(&mut records, 300, &mut BytesMut::new()));
        flight.rewind();
        assert_eq!(datagrams(&mut flight, &mut records, 300).len(), whole);
    }

    #[test]
    fn what_is_acknowledged_is_not_sent_again() {
        let mut records = RecordLayer::new();
        let mut flight = Flight::default();
        flight.push(PLAIN, HandshakeType::Certificate, |w| w.bytes(&[2; 900]));
        flight.push(PLAIN, HandshakeType::Finished, |w| w.bytes(&[3; 32]));
        let plain = |sequence| RecordNumber {
            epoch: PLAIN,
            sequence,
        };
        assert_eq!(datagrams(&mut flight, &mut records, 300).len(), 4);
        assert!(!flight.is_partly_acknowledged());
        assert!(flight.acknowledge(plain(0)) && flight.acknowledge(plain(2)));
        assert!(!flight.acknowledge(plain(2)), "twice");
        assert!(!flight.acknowledge(plain(99)), "never sent");
        assert!(flight.is_partly_acknowledged() && !flight.is_acknowledged());
        flight.rewind();
        // The second and last part of the Certificate, in smaller records, and the Finished.
        let again = datagrams(&mut flight, &mut records, 200);
        let lengths: usize = again.iter().map(Vec::len).sum();
        let parts = 900 - 2 * (300 - 25) + 32;
        assert_eq!(lengths, parts + 25 * 5);
        for sequence in 5..10 {
            assert!(!flight.is_acknowledged());
            assert!(flight.acknowledge(plain(sequence)), "{sequence}");
        }
        assert!(flight.is_acknowledged());
        flight.rewind();
        assert!(datagrams(&mut flight, &mut records, 200).is_empty());
    }
}
