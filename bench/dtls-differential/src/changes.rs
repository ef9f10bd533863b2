//! What is done to records and messages on their way.

use crate::dice::Dice;

const HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// Records that the other side sends in a handshake, and one more.
const RECORDS: usize = 8;

/// One operation on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Drop,
    Repeat,
    /// It arrives after the next one.
    Later,
    /// It is a datagram of its own.
    Apart,
    /// The last so many bytes are missing, and the header does not say so.
    Cut(usize),
    /// As many as the header says, but it says less.
    Shorten(usize),
    /// So many bytes of nonsense stand behind it in its datagram.
    Trail(usize),
    Version(u16),
    Content(u8),
    Epoch(u16),
    /// A bit of the payload; of a message, behind its header.
    Flip(usize),
    /// A record of this content, in the clear, in front of it.
    Before(u8, &'static [u8]),
    /// As that, behind it.
    Behind(u8, &'static [u8]),
    /// The message comes in pieces of this length; in reverse order or not.
    Pieces(usize, bool),
    /// As that, each piece beginning earlier than it has to.
    Overlapping(usize),
    MessageType(u8),
    MessageSeq(u16),
    /// The message is one byte longer than it says it should be.
    TrailingByte,
    /// The header says that the message is this much longer.
    LongerSaid(usize),
    OffsetSaid(usize),
    /// A piece with other bytes comes first.
    Contradicted,
    /// A message of this type and no length, with the number of this one, in front of it.
    Empty(u8),
}

/// An operation, and the record that it was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) change: Change,
    pub(crate) of: Kind,
}

/// What a record was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message of this type in the clear.
    Message(u8),
    ChangeCipherSpec,
    /// A message that is protected: Finished.
    Protected,
}

impl Kind {
    fn of(record: &[u8]) -> Self {
        match Message::read(record) {
            Some(message) => Self::Message(message.kind),
            None if record.first() == Some(&CHANGE_CIPHER_SPEC) => Self::ChangeCipherSpec,
            None => Self::Protected,
        }
    }
}

/// The operations on one handshake: which is done to the record of which number.
pub(crate) struct Changes {
    planned: Vec<(usize, Change)>,
    made: Vec<Made>,
    seen: usize,
}

impl Changes {
    pub(crate) fn new(mut dice: Dice) -> Self {
        let count = 1 + dice.below(3);
        let planned = (0..count)
            .map(|_| (dice.below(RECORDS), draw(&mut dice)))
            .collect();
        Self {
            planned,
            made: Vec::new(),
            seen: 0,
        }
    }

    /// Those that there was something to do for.
    pub(crate) fn made(self) -> Vec<Made> {
        self.made
    }

    /// What arrives of these datagrams.
    pub(crate) fn apply(&mut self, datagrams: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut items = Vec::new();
        let mut later = None;
        for (id, datagram) in datagrams.iter().enumerate() {
            for record in records(datagram) {
                let mut item = vec![Item {
                    datagram: Some(id),
                    bytes: record.to_vec(),
                }];
                let mut is_later = false;
                let of = Kind::of(record);
                let made = |change| Made { change, of };
                for (_, change) in self.planned.iter().filter(|(at, _)| *at == self.seen) {
                    if *change == Change::Later {
                        is_later = true;
                        self.made.push(made(*change));
                    } else if let Some(changed) = change.of(&item) {
                        item = changed;
                        self.made.push(made(*change));
                    }
                }
                self.seen += 1;
                if is_later {
                    items.extend(later.replace(item).into_iter().flatten());
                } else {
                    items.extend(item);
                    items.extend(later.take().into_iter().flatten());
                }
            }
        }
        items.extend(later.into_iter().flatten());
        join(items)
    }
}

/// A record, and in which datagram it was; `None`: in one of its own.
#[derive(Debug, Clone)]
struct Item {
    datagram: Option<usize>,
    bytes: Vec<u8>,
}

fn records(mut datagram: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while datagram.len() >= HEADER {
        let length = HEADER + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let (record, rest) = datagram.split_at(length.min(datagram.len()));
        records.push(record);
        datagram = rest;
    }
    records
}

/// Numbers the records in the clear in the order in which they arrive: a number that comes twice is a
/// replay to one and to the other not, and says nothing about what is tried here.
pub(crate) fn renumber(datagrams: &mut [Vec<u8>], next: &mut u64) {
    for datagram in datagrams {
        let mut at = 0;
        while let Some(header) = datagram.get_mut(at..at + HEADER) {
            if header[3..5] == [0, 0] {
                header[5..11].copy_from_slice(&next.to_be_bytes()[2..]);
                *next += 1;
            }
            at += HEADER + usize::from(u16::from_be_bytes([header[11], header[12]]));
        }
    }
}

fn join(items: Vec<Item>) -> Vec<Vec<u8>> {
    let mut datagrams: Vec<Vec<u8>> = Vec::new();
    let mut last = None;
    for item in items {
        match datagrams.last_mut() {
            Some(datagram) if item.datagram.is_some() && item.datagram == last => {
                datagram.extend(item.bytes);
            }
            _ => datagrams.push(item.bytes),
        }
        last = item.datagram;
    }
    datagrams
}

fn draw(dice: &mut Dice) -> Change {
    let inserted: (u8, &[u8]) = dice.one_of(&[
        (ALERT, &[1, 90][..]),
        (ALERT, &[1, 100]),
        (ALERT, &[2, 40]),
        (ALERT, &[1, 0]),
        (ALERT, &[2]),
        (ALERT, &[]),
        (CHANGE_CIPHER_SPEC, &[1]),
        (CHANGE_CIPHER_SPEC, &[2]),
        (CHANGE_CIPHER_SPEC, &[]),
        (DATA, b"data"),
        (DATA, &[]),
        (HANDSHAKE, &[]),
        (HANDSHAKE, &[1, 0, 0]),
        (24, &[1, 0, 0]),
        (99, b"x"),
    ]);
    let (content, payload) = inserted;
    match dice.below(24) {
        0 => Change::Drop,
        1 => Change::Repeat,
        2 => Change::Later,
        3 => Change::Apart,
        4 => Change::Cut(1 + dice.below(20)),
        5 => Change::Shorten(1 + dice.below(20)),
        6 => Change::Trail(1 + dice.below(20)),
        7 => Change::Version(dice.one_of(&[0xFEFF, 0xFEFC, 0xFE00, 0x0303, 0])),
        8 => Change::Content(dice.one_of(&[20, 21, 22, 23, 24, 25, 26, 32, 99])),
        9 => Change::Epoch(dice.one_of(&[0, 1, 2, 0xFFFF])),
        10..=12 => Change::Flip(dice.below(400)),
        13 | 14 => Change::Before(content, payload),
        15 => Change::Behind(content, payload),
        16 => Change::Pieces(1 + dice.below(200), dice.below(2) == 1),
        17 => Change::Overlapping(2 + dice.below(200)),
        18 => Change::MessageType(dice.one_of(&[0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20, 99])),
        19 => Change::MessageSeq(dice.one_of(&[1, 2, 7, 8, 100])),
        20 => Change::TrailingByte,
        21 => Change::LongerSaid(dice.one_of(&[1, 100, 1 << 20])),
        22 => match dice.below(2) {
            0 => Change::OffsetSaid(dice.one_of(&[1, 100, 1 << 20])),
            _ => Change::Contradicted,
        },
        _ => Change::Empty(dice.one_of(&[0, 1, 3, 14, 99])),
    }
}

impl Change {
    /// What it makes of a record, or of what another made of it; `None` where there is nothing to
    /// do.
    fn of(self, items: &[Item]) -> Option<Vec<Item>> {
        let (last, before) = items.split_last()?;
        if last.bytes.len() < HEADER {
            return None;
        }
        let mut changed = before.to_vec();
        let with = |bytes: Vec<u8>| Item {
            bytes,
            ..last.clone()
        };
        match self {
            Self::Later => return None,
            Self::Drop => {}
            Self::Repeat => changed.extend([last.clone(), last.clone()]),
            Self::Apart => changed.push(Item {
                datagram: None,
                ..last.clone()
            }),
            Self::Before(content, payload) => {
                changed.extend([with(clear(&last.bytes, content, payload)), last.clone()]);
            }
            Self::Behind(content, payload) => {
                changed.extend([last.clone(), with(clear(&last.bytes, content, payload))]);
            }
            Self::Empty(kind) => {
                let message = Message::read(&last.bytes)?;
                let empty = message.piece(kind, 0, 0, 0, &[]);
                changed.extend([with(clear(&last.bytes, HANDSHAKE, &empty)), last.clone()]);
            }
            Self::Pieces(..) | Self::Overlapping(_) | Self::Contradicted => {
                let pieces = self.pieces(&Message::read(&last.bytes)?);
                for piece in pieces {
                    changed.push(with(clear(&last.bytes, HANDSHAKE, &piece)));
                }
            }
            Self::MessageType(_)
            | Self::MessageSeq(_)
            | Self::TrailingByte
            | Self::LongerSaid(_)
            | Self::OffsetSaid(_) => {
                let message = self.header(Message::read(&last.bytes)?);
                changed.push(with(clear(&last.bytes, HANDSHAKE, &message)));
            }
            _ => changed.push(with(self.record(&last.bytes))),
        }
        Some(changed)
    }

    /// Changes of one record alone.
    fn record(self, record: &[u8]) -> Vec<u8> {
        let mut record = record.to_vec();
        match self {
            Self::Cut(bytes) => record.truncate(record.len().saturating_sub(bytes)),
            Self::Shorten(bytes) => {
                let length = (record.len() - HEADER).saturating_sub(bytes);
                record.truncate(HEADER + length);
                record[11..13].copy_from_slice(&(length as u16).to_be_bytes());
            }
            Self::Trail(bytes) => record.extend(std::iter::repeat_n(22, bytes)),
            Self::Version(version) => record[1..3].copy_from_slice(&version.to_be_bytes()),
            Self::Content(content) => record[0] = content,
            Self::Epoch(epoch) => record[3..5].copy_from_slice(&epoch.to_be_bytes()),
            Self::Flip(at) => {
                let start = match Message::read(&record) {
                    Some(_) => HEADER + MESSAGE_HEADER,
                    None => HEADER,
                };
                let length = record.len().saturating_sub(start);
                if length > 0 {
                    record[start + at % length] ^= 1;
                }
            }
            _ => {}
        }
        record
    }

    /// The message with another header.
    fn header(self, message: Message<'_>) -> Vec<u8> {
        let Message { kind, seq, body } = message;
        let (length, mut kind, mut seq, mut said, mut offset) = (body.len(), kind, seq, 0, 0);
        let mut bytes = body.to_vec();
        match self {
            Self::MessageType(other) => kind = other,
            Self::MessageSeq(more) => seq += more,
            Self::TrailingByte => {
                bytes.push(0);
                said = 1;
            }
            Self::LongerSaid(more) => said = more,
            Self::OffsetSaid(other) => offset = other,
            _ => {}
        }
        Message { kind, seq, body }.piece(kind, length + said, offset, bytes.len(), &bytes)
    }

    fn pieces(self, message: &Message<'_>) -> Vec<Vec<u8>> {
        let body = message.body;
        let whole = |start: usize, end: usize| {
            message.piece(
                message.kind,
                body.len(),
                start,
                end - start,
                &body[start..end],
            )
        };
        let (length, overlap) = match self {
            Self::Pieces(length, _) => (length, 0),
            Self::Overlapping(length) => (length, length / 2),
            _ => {
                let end = body.len().min(8);
                let other = vec![0xAA; end];
                let first = message.piece(message.kind, body.len(), 0, end, &other);
                return vec![first, whole(0, body.len())];
            }
        };
        let mut pieces: Vec<_> = (0..body.len().max(1))
            .step_by(length)
            .map(|start| {
                whole(
                    start.saturating_sub(overlap),
                    (start + length).min(body.len()),
                )
            })
            .collect();
        if matches!(self, Self::Pieces(_, true)) {
            pieces.reverse();
        }
        pieces
    }
}

/// A whole message in the clear.
struct Message<'a> {
    kind: u8,
    seq: u16,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        let message = record.get(HEADER..)?;
        let is_clear = record[0] == HANDSHAKE && record[3..5] == [0, 0];
        let body = message.get(MESSAGE_HEADER..)?;
        let length = u32::from_be_bytes([0, message[1], message[2], message[3]]);
        (is_clear && length as usize == body.len()).then_some(Self {
            kind: message[0],
            seq: u16::from_be_bytes([message[4], message[5]]),
            body,
        })
    }

    fn piece(&self, kind: u8, length: usize, offset: usize, said: usize, bytes: &[u8]) -> Vec<u8> {
        let u24 = |number: usize| (number as u32).to_be_bytes()[1..].to_vec();
        let seq = self.seq.to_be_bytes().to_vec();
        [
            vec![kind],
            u24(length),
            seq,
            u24(offset),
            u24(said),
            bytes.to_vec(),
        ]
        .concat()
    }
}

/// A record in the clear with the version and the number of another.
fn clear(like: &[u8], content: u8, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![content, like[1], like[2], 0, 0];
    record.extend(&like[5..11]);
    record.extend((payload.len() as u16).to_be_bytes());
    record.extend(payload);
    record
}
