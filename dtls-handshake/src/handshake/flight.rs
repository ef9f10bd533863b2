//! Outgoing flights: kept whole until they are answered, cut into datagrams as they are sent
//! (RFC 6347 §4.2.3 and §4.2.4).

use bytes::BytesMut;

use super::fragment::{Fragment, HANDSHAKE_HEADER_LENGTH, whole_message};
use crate::record::{PLAIN, RecordLayer};
use crate::wire::{ContentType, HandshakeType, Writer};

/// A fragment shorter than this is not worth its header while a new datagram can be had.
const MIN_FRAGMENT: usize = 32;

/// The flight that was last sent or is being sent.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    items: Vec<Item>,
    /// How far the present transmission has come.
    next: Position,
    next_message_seq: u16,
}

#[derive(Debug)]
enum Item {
    /// The message with its 12-byte header.
    Message {
        epoch: u16,
        kind: HandshakeType,
        message_seq: u16,
        bytes: Vec<u8>,
    },
    ChangeCipherSpec,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Position {
    item: usize,
    /// In the body of a message.
    offset: usize,
}

impl Flight {
    /// Forgets the last flight, because it was answered. Message numbers run on.
    pub(crate) fn begin(&mut self) {
        self.items.clear();
        self.next = Position::default();
    }

    /// What was sent before the message of this number was not a flight of ours.
    pub(crate) fn start_at(&mut self, message_seq: u16) {
        self.next_message_seq = message_seq;
    }

    /// Adds a message and returns it with its header, for the transcript.
    pub(crate) fn push(
        &mut self,
        epoch: u16,
        kind: HandshakeType,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> &[u8] {
        let message_seq = self.next_message_seq;
        // A handshake has a dozen messages.
        self.next_message_seq = message_seq.wrapping_add(1);
        let bytes = whole_message(kind, message_seq, body);
        self.items.push(Item::Message {
            epoch,
            kind,
            message_seq,
            bytes,
        });
        match self.items.last() {
            Some(Item::Message { bytes, .. }) => bytes,
            _ => &[],
        }
    }

    pub(crate) fn push_change_cipher_spec(&mut self) {
        self.items.push(Item::ChangeCipherSpec);
    }

    /// Sends all of it again, instead of what is left of the transmission under way.
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
            let written = match item {
                Item::ChangeCipherSpec => {
                    write_change_cipher_spec(records, room, out).map(|()| None)
                }
                Item::Message { .. } => {
                    write_fragment(item, self.next.offset, records, room, used == 0, out)
                }
            };
            match written {
                None => break,
                Some(Some(offset)) => self.next.offset = offset,
                Some(None) => {
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
}

/// Writes as much of a message as fits. `None` when nothing does, `Some(None)` when the message
/// is complete, otherwise the offset to go on from.
fn write_fragment(
    item: &Item,
    offset: usize,
    records: &mut RecordLayer,
    room: usize,
    first_in_datagram: bool,
    out: &mut BytesMut,
) -> Option<Option<usize>> {
    let Item::Message {
        epoch,
        kind,
        message_seq,
        bytes,
    } = item
    else {
        return None;
    };
    let body = bytes.get(HANDSHAKE_HEADER_LENGTH..)?;
    let rest = body.get(offset..)?;
    let room = room.checked_sub(records.overhead(*epoch) + HANDSHAKE_HEADER_LENGTH)?;
    if room < rest.len() && room < MIN_FRAGMENT && !first_in_datagram {
        return None;
    }
    let (part, rest) = rest.split_at_checked(room).unwrap_or((rest, &[]));
    let header = Fragment::header(*kind, body.len(), *message_seq, offset, part.len());
    records
        .write(*epoch, ContentType::Handshake, &[&header, part], out)
        .ok()?;
    Some((!rest.is_empty()).then_some(offset + part.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Records;
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
                    let record = record.unwrap();
                    assert_eq!(record.header.sequence, sequence);
                    sequence += 1;
                    if record.header.content == ContentType::ChangeCipherSpec {
                        change_cipher_specs += 1;
                        continue;
                    }
                    let fragment = Fragment::read(&mut Reader::new(record.payload)).unwrap();
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
}
