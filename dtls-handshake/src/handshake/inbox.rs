//! Incoming messages: fragments are put together, messages handed out in their order
//! (RFC 6347 §4.2.3), within limits.

use std::collections::VecDeque;

use super::fragment::{Fragment, HANDSHAKE_HEADER_LENGTH};
use super::ranges::Ranges;
use crate::error::CloseCause;
use crate::record::PLAIN;
use crate::stats::DropReason;
use crate::wire::HandshakeType;

/// The longest message that is accepted, in bytes: room for a chain of RSA certificates.
const MESSAGE_LIMIT: usize = 32 * 1024;
/// What all incomplete messages may need together, in bytes.
const TOTAL_LIMIT: usize = 64 * 1024;
/// Messages that may wait for one another; the longest flight has six.
const AHEAD_LIMIT: usize = 7;

/// A complete message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: HandshakeType,
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes
            .get(HANDSHAKE_HEADER_LENGTH..)
            .unwrap_or_default()
    }

    /// With the header, as the transcript wants it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// It has no place in this state.
    pub(crate) fn unexpected(&self) -> CloseCause {
        CloseCause::Unexpected(match self.kind {
            HandshakeType::HelloRequest => "HelloRequest",
            HandshakeType::ClientHello => "ClientHello",
            HandshakeType::ServerHello => "ServerHello",
            HandshakeType::HelloVerifyRequest => "HelloVerifyRequest",
            HandshakeType::NewSessionTicket => "NewSessionTicket",
            HandshakeType::EncryptedExtensions => "EncryptedExtensions",
            HandshakeType::RequestConnectionId => "RequestConnectionId",
            HandshakeType::NewConnectionId => "NewConnectionId",
            HandshakeType::Certificate => "Certificate",
            HandshakeType::ServerKeyExchange => "ServerKeyExchange",
            HandshakeType::CertificateRequest => "CertificateRequest",
            HandshakeType::ServerHelloDone => "ServerHelloDone",
            HandshakeType::CertificateVerify => "CertificateVerify",
            HandshakeType::ClientKeyExchange => "ClientKeyExchange",
            HandshakeType::Finished => "Finished",
            HandshakeType::KeyUpdate => "KeyUpdate",
            HandshakeType::Unknown(_) => "handshake message of unknown type",
        })
    }
}

/// What became of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It was kept, or brought nothing new.
    Kept,
    /// It belongs to a flight that was answered: the answer may have been lost.
    Answered,
    /// It is not acceptable.
    Dropped(DropReason),
    /// It contradicts another fragment of its message (RFC 9147 §5.5: abort the handshake).
    Conflict,
}

/// Messages under construction.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// The number of the message at the front of `waiting`.
    next_message_seq: u16,
    /// Messages before this number belong to flights that were answered.
    answered: u16,
    /// The epoch that new messages come in, or a later one.
    epoch: u64,
    waiting: VecDeque<Option<Partial>>,
    /// Of a message that was handled, for the next.
    room: Vec<u8>,
}

#[derive(Debug)]
struct Partial {
    kind: HandshakeType,
    /// With a header as if the message had come whole.
    bytes: Vec<u8>,
    /// What of the body has come.
    stretches: Ranges,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self::starting_at(0)
    }

    /// What came before the message of this number is done with.
    pub(crate) fn starting_at(message_seq: u16) -> Self {
        Self {
            next_message_seq: message_seq,
            answered: 0,
            epoch: PLAIN,
            waiting: VecDeque::new(),
            room: Vec::new(),
        }
    }

    /// From here on messages come in another epoch. What came early in the old one is forgotten:
    /// it is not what the new keys would have vouched for.
    pub(crate) fn enter(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.waiting.clear();
    }

    /// Keeps no room for more than what waits: the handshake is over.
    pub(crate) fn release(&mut self) {
        self.waiting.shrink_to_fit();
        self.room = Vec::new();
    }

    /// A message was handled: the next one may have its room.
    pub(crate) fn reuse(&mut self, message: Message) {
        self.room = message.bytes;
    }

    /// Whether parts of messages wait that were not due yet.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.iter().any(Option::is_some)
    }

    /// The peer's flight is complete and answered.
    pub(crate) fn mark_answered(&mut self) {
        self.answered = self.next_message_seq;
    }

    /// Whether a message of this number belongs to a flight that was answered.
    pub(crate) fn is_answered(&self, message_seq: u16) -> bool {
        message_seq < self.answered
    }

    pub(crate) fn insert(&mut self, epoch: u64, fragment: &Fragment<'_>) -> Inserted {
        let Some(ahead) = fragment.message_seq.checked_sub(self.next_message_seq) else {
            return if self.is_answered(fragment.message_seq) {
                Inserted::Answered
            } else {
                Inserted::Dropped(DropReason::Repeated)
            };
        };
        if epoch < self.epoch {
            return Inserted::Dropped(DropReason::WrongEpoch);
        }
        let ahead = usize::from(ahead);
        if ahead >= AHEAD_LIMIT {
            return Inserted::Dropped(DropReason::TooFarAhead);
        }
        if fragment.length > MESSAGE_LIMIT {
            return Inserted::Dropped(DropReason::OversizedMessage);
        }
        if fragment.bytes.is_empty() && fragment.length > 0 {
            return Inserted::Kept;
        }
        let reserved: usize = self
            .waiting
            .iter()
            .flatten()
            .map(|partial| partial.bytes.len())
            .sum();
        if self.waiting.capacity() == 0 {
            self.waiting.reserve_exact(AHEAD_LIMIT);
        }
        while self.waiting.len() <= ahead {
            self.waiting.push_back(None);
        }
        let Some(slot) = self.waiting.get_mut(ahead) else {
            return Inserted::Dropped(DropReason::TooFarAhead);
        };
        match slot {
            Some(partial) => partial.insert(fragment),
            None if reserved + fragment.length > TOTAL_LIMIT => {
                Inserted::Dropped(DropReason::BufferFull)
            }
            None => {
                let room = core::mem::take(&mut self.room);
                slot.insert(Partial::new(fragment, room)).insert(fragment)
            }
        }
    }

    /// The message that is due, when it is complete.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        let complete = matches!(self.waiting.front(), Some(Some(partial)) if partial.is_complete());
        if !complete {
            return None;
        }
        let partial = self.waiting.pop_front().flatten()?;
        self.next_message_seq = self.next_message_seq.wrapping_add(1);
        Some(Message {
            kind: partial.kind,
            bytes: partial.bytes,
        })
    }
}

impl Partial {
    fn new(first: &Fragment<'_>, mut bytes: Vec<u8>) -> Self {
        let length = first.length;
        bytes.clear();
        bytes.resize(HANDSHAKE_HEADER_LENGTH + length, 0);
        let header = Fragment::header(first.kind, length, first.message_seq, 0, length);
        for (to, from) in bytes.iter_mut().zip(header) {
            *to = from;
        }
        Self {
            kind: first.kind,
            bytes,
            stretches: Ranges::default(),
        }
    }

    fn is_complete(&self) -> bool {
        let length = self.bytes.len() - HANDSHAKE_HEADER_LENGTH;
        length == 0 || self.stretches.covers(length)
    }

    fn insert(&mut self, fragment: &Fragment<'_>) -> Inserted {
        let length = self.bytes.len() - HANDSHAKE_HEADER_LENGTH;
        if fragment.kind != self.kind || fragment.length != length {
            return Inserted::Conflict;
        }
        let (start, end) = (fragment.offset, fragment.offset + fragment.bytes.len());
        let Some(target) = self
            .bytes
            .get_mut(HANDSHAKE_HEADER_LENGTH + start..HANDSHAKE_HEADER_LENGTH + end)
        else {
            return Inserted::Conflict;
        };
        for (from, to) in self.stretches.iter() {
            let (from, to) = (from.max(start), to.min(end));
            if from < to {
                let overlap = from - start..to - start;
                if target.get(overlap.clone()) != fragment.bytes.get(overlap) {
                    return Inserted::Conflict;
                }
            }
        }
        if !self.stretches.add(start, end) {
            return Inserted::Dropped(DropReason::BufferFull);
        }
        target.copy_from_slice(fragment.bytes);
        Inserted::Kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: HandshakeType = HandshakeType::Certificate;

    fn part(message_seq: u16, whole: &[u8], start: usize, end: usize) -> (u64, Fragment<'_>) {
        let bytes = &whole[start..end];
        (
            PLAIN,
            Fragment {
                kind: KIND,
                length: whole.len(),
                message_seq,
                offset: start,
                bytes,
            },
        )
    }

    fn insert(inbox: &mut Inbox, (epoch, fragment): (u64, Fragment<'_>)) -> Inserted {
        inbox.insert(epoch, &fragment)
    }

    #[test]
    fn fragments_in_any_order_make_the_message() {
        let whole: Vec<u8> = (0..100).collect();
        let mut inbox = Inbox::new();
        for (start, end) in [(60, 100), (0, 10), (5, 30), (20, 61)] {
            assert!(inbox.pop().is_none());
            assert_eq!(
                insert(&mut inbox, part(0, &whole, start, end)),
                Inserted::Kept
            );
        }
        let message = inbox.pop().unwrap();
        assert_eq!(message.body(), whole);
        assert_eq!(
            hex::encode(&message.bytes()[..12]),
            "0b0000640000000000000064"
        );
        let again = part(0, &whole, 0, 10);
        let repeated = Inserted::Dropped(DropReason::Repeated);
        assert_eq!(insert(&mut inbox, again), repeated);
        inbox.mark_answered();
        assert_eq!(insert(&mut inbox, again), Inserted::Answered);
    }

    #[test]
    fn messages_come_out_in_their_order() {
        let mut inbox = Inbox::new();
        assert_eq!(insert(&mut inbox, part(1, b"second", 0, 6)), Inserted::Kept);
        assert!(inbox.pop().is_none());
        assert_eq!(insert(&mut inbox, part(0, b"", 0, 0)), Inserted::Kept);
        assert_eq!(inbox.pop().unwrap().body(), b"");
        assert_eq!(inbox.pop().unwrap().body(), b"second");
        assert!(inbox.pop().is_none());
    }

    #[test]
    fn contradictions_are_conflicts() {
        let mut inbox = Inbox::new();
        insert(&mut inbox, part(0, b"abcdef", 0, 4));
        assert_eq!(
            insert(&mut inbox, part(0, b"abcXef", 3, 6)),
            Inserted::Conflict
        );
        assert_eq!(
            insert(&mut inbox, part(0, b"abcdefg", 4, 7)),
            Inserted::Conflict
        );
        let other = Fragment {
            kind: HandshakeType::Finished,
            ..part(0, b"abcdef", 4, 6).1
        };
        assert_eq!(inbox.insert(PLAIN, &other), Inserted::Conflict);
    }

    #[test]
    fn limits_hold() {
        let mut inbox = Inbox::new();
        let huge = Fragment {
            kind: KIND,
            length: 0xFF_FFFF,
            message_seq: 0,
            offset: 0,
            bytes: b"x",
        };
        let oversized = Inserted::Dropped(DropReason::OversizedMessage);
        assert_eq!(inbox.insert(PLAIN, &huge), oversized);
        assert!(inbox.waiting.is_empty());
        let far = Inserted::Dropped(DropReason::TooFarAhead);
        assert_eq!(insert(&mut inbox, part(8, b"x", 0, 1)), far);
        assert_eq!(insert(&mut inbox, part(u16::MAX, b"x", 0, 1)), far);
        let long = vec![0; MESSAGE_LIMIT];
        assert_eq!(insert(&mut inbox, part(0, &long, 0, 1)), Inserted::Kept);
        let full = Inserted::Dropped(DropReason::BufferFull);
        assert_eq!(insert(&mut inbox, part(1, &long, 0, 1)), full);
        for index in 1..32 {
            assert_eq!(
                insert(&mut inbox, part(0, &long, 2 * index, 2 * index + 1)),
                Inserted::Kept
            );
        }
        assert_eq!(insert(&mut inbox, part(0, &long, 9000, 9001)), full);
    }

    #[test]
    fn an_epoch_change_forgets_what_came_early() {
        let mut inbox = Inbox::new();
        insert(&mut inbox, part(0, b"forged", 0, 6));
        inbox.enter(1);
        assert!(inbox.pop().is_none());
        let wrong = Inserted::Dropped(DropReason::WrongEpoch);
        assert_eq!(insert(&mut inbox, part(0, b"forged", 0, 6)), wrong);
        let genuine = Fragment {
            kind: KIND,
            length: 1,
            message_seq: 0,
            offset: 0,
            bytes: b"g",
        };
        assert_eq!(inbox.insert(1, &genuine), Inserted::Kept);
        assert_eq!(inbox.pop().unwrap().body(), b"g");
    }
}
