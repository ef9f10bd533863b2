//! The record layer of both versions: epochs, sequence numbers, protection, replay windows
//! (RFC 6347 §4.1, RFC 9147 §4).
//!
//! A direction has several epochs at a time: what was sent in one is sent again in it
//! (RFC 9147 §4.2.1), and what comes late comes in an old one. Each epoch has keys, numbers and a
//! window of its own.

mod ciphertext;
mod header;
mod number;
mod protection;
mod window;

use bytes::{BufMut, BytesMut};

pub(crate) use ciphertext::{Ciphertext, UnifiedHeader};
pub(crate) use header::{RECORD_HEADER_LENGTH, Record, RecordHeader, Records};
pub use header::{connection_id, is_dtls};
pub(crate) use number::{RecordNumber, reconstruct};
pub(crate) use protection::Protection;
use window::ReplayWindow;

use crate::crypto::Refused;
use crate::stats::DropReason;
use crate::wire::{ContentType, DTLS_1_2};

/// The epoch of the unprotected part of the handshake.
pub(crate) const PLAIN: u64 = 0;
/// The epoch that a handshake of DTLS 1.2 leads to; renegotiation, which is refused, would lead
/// further.
pub(crate) const PROTECTED: u64 = 1;
/// The epoch of the protected part of a handshake of DTLS 1.3 (RFC 9147 §6.1).
pub(crate) const HANDSHAKE: u64 = 2;
/// The first epoch of data in DTLS 1.3; each key update leads one further.
pub(crate) const DATA: u64 = 3;
/// Sequence numbers have 48 bits (RFC 9147 §4: in records that are not protected no more, and
/// nobody comes that far with one key).
const SEQUENCE_LIMIT: u64 = 1 << 48;

/// With so many records protected by one key it is time for the next. RFC 8446 §5.5 bounds the
/// AES suites to 2^24.5 of full size.
const WRITTEN_LIMIT: u64 = 1 << 23;
/// As many records may fail to verify with one key (RFC 9147 §4.5.3).
const FORGED_LIMIT: u64 = 1 << 36;

/// What the newest keys have gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wear {
    /// Nothing to speak of.
    Little,
    /// Those that we write with have protected almost what they may.
    Writing,
    /// Forgers have had half the attempts that those may take that we read with.
    Reading,
    /// They have had them all.
    WornOut,
}

/// The keys of one direction in one epoch.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a connection has keys of one version
pub(crate) enum Keys {
    /// Records of DTLS 1.2.
    Protection(Protection),
    /// Records of DTLS 1.3.
    Ciphertext(Ciphertext),
}

impl Keys {
    fn with_connection_id(self, id: Vec<u8>) -> Self {
        match self {
            Self::Protection(keys) => keys.with_connection_id(id).into(),
            Self::Ciphertext(keys) => keys.with_connection_id(id).into(),
        }
    }
}

impl From<Protection> for Keys {
    fn from(protection: Protection) -> Self {
        Self::Protection(protection)
    }
}

impl From<Ciphertext> for Keys {
    fn from(ciphertext: Ciphertext) -> Self {
        Self::Ciphertext(ciphertext)
    }
}

/// Both directions of a connection, with every epoch that is in use, the newest last.
#[derive(Debug)]
pub(crate) struct RecordLayer {
    write: Vec<WriteEpoch>,
    read: Vec<ReadEpoch>,
    ids: ConnectionIds,
    /// Whether a record was opened that is newer than all before, since it was asked last.
    newest: bool,
}

/// What protected records are to have in their headers (RFC 9146); empty: nothing.
#[derive(Debug, Default)]
struct ConnectionIds {
    of_read: Vec<u8>,
    of_written: Vec<u8>,
}

#[derive(Debug)]
struct WriteEpoch {
    epoch: u64,
    next_sequence: u64,
    keys: Option<Keys>,
}

/// There is none for epoch 0: what is not authenticated must not move a window.
#[derive(Debug)]
struct ReadEpoch {
    epoch: u64,
    window: ReplayWindow,
    keys: Keys,
    /// Records that did not verify.
    forged: u64,
}

/// A protected record that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenedRecord<'a> {
    pub(crate) number: RecordNumber,
    /// `None` when there is nothing but padding.
    pub(crate) content: Option<ContentType>,
    pub(crate) payload: &'a mut [u8],
}

impl RecordLayer {
    pub(crate) fn new() -> Self {
        let plain = WriteEpoch {
            epoch: PLAIN,
            next_sequence: 0,
            keys: None,
        };
        Self {
            write: vec![plain],
            read: Vec::new(),
            ids: ConnectionIds::default(),
            newest: false,
        }
    }

    /// Whether a record was opened that is newer than all before, since this was called last.
    pub(crate) fn take_newest(&mut self) -> bool {
        core::mem::take(&mut self.newest)
    }

    /// From the next keys on records have these connection IDs, unless they are empty: those that
    /// come the one, those that go the other.
    pub(crate) fn use_connection_ids(&mut self, of_read: &[u8], of_written: &[u8]) {
        self.ids = ConnectionIds {
            of_read: of_read.to_vec(),
            of_written: of_written.to_vec(),
        };
    }

    /// What records that come have, once that is settled; empty: nothing.
    pub(crate) fn connection_id(&self) -> &[u8] {
        &self.ids.of_read
    }

    /// What was sent in the clear before this number was not sent through here.
    pub(crate) fn start_plain_at(&mut self, sequence: u64) {
        for write in self.write.iter_mut().filter(|write| write.epoch == PLAIN) {
            write.next_sequence = sequence;
        }
    }

    /// Forgets all keys: nothing is read or written any more.
    pub(crate) fn forget(&mut self) {
        self.write.clear();
        self.read.clear();
    }

    pub(crate) fn start_writing(&mut self, epoch: u64, keys: impl Into<Keys>) {
        self.start_writing_at(epoch, keys, 0);
    }

    /// As `start_writing`, with another first number, for [`testing`](crate::testing).
    pub(crate) fn start_writing_at(&mut self, epoch: u64, keys: impl Into<Keys>, sequence: u64) {
        let id = self.ids.of_written.clone();
        self.write.push(WriteEpoch {
            epoch,
            next_sequence: sequence,
            keys: Some(keys.into().with_connection_id(id)),
        });
    }

    /// From here on the newest epoch alone is written in.
    pub(crate) fn stop_writing_old(&mut self) {
        self.write.drain(..self.write.len().saturating_sub(1));
    }

    pub(crate) fn start_reading(&mut self, epoch: u64, keys: impl Into<Keys>) {
        self.start_reading_at(epoch, keys, 0);
    }

    /// As `start_reading`, after so many records, for [`testing`](crate::testing).
    pub(crate) fn start_reading_at(&mut self, epoch: u64, keys: impl Into<Keys>, received: u64) {
        let id = self.ids.of_read.clone();
        self.read.push(ReadEpoch {
            epoch,
            window: ReplayWindow::after(received),
            keys: keys.into().with_connection_id(id),
            forged: 0,
        });
    }

    /// What comes in an epoch before this one is not read any more.
    pub(crate) fn stop_reading_before(&mut self, epoch: u64) {
        self.read.retain(|read| read.epoch >= epoch);
    }

    /// RFC 9147 §4.5.3; DTLS 1.2 sets no limits.
    pub(crate) fn wear(&self) -> Wear {
        let has_1_3 = |keys: &Keys| matches!(keys, Keys::Ciphertext(_));
        let of_1_3 = |read: &&ReadEpoch| has_1_3(&read.keys);
        let forged = self.read.iter().filter(of_1_3).map(|read| read.forged);
        let forged = forged.max().unwrap_or_default();
        let newest = self.read.last().map_or(0, |read| read.forged);
        let written = self
            .write
            .last()
            .filter(|write| write.keys.as_ref().is_some_and(has_1_3));
        if forged >= FORGED_LIMIT {
            Wear::WornOut
        } else if newest >= FORGED_LIMIT / 2 {
            Wear::Reading
        } else if written.is_some_and(|write| write.next_sequence >= WRITTEN_LIMIT) {
            Wear::Writing
        } else {
            Wear::Little
        }
    }

    pub(crate) fn reads(&self, epoch: u64) -> bool {
        self.read.iter().any(|read| read.epoch == epoch)
    }

    /// Whether there are keys for an epoch with these low bits.
    pub(crate) fn reads_bits(&self, epoch_bits: u8) -> bool {
        self.read.iter().any(|read| read.has_bits(epoch_bits))
    }

    /// Whether the peer has proved that it knows the keys of any epoch.
    pub(crate) fn has_opened(&self) -> bool {
        self.read.iter().any(|read| read.window.expected() > 0)
    }

    /// The newest epoch that we write in.
    pub(crate) fn write_epoch(&self) -> u64 {
        self.write.last().map_or(PLAIN, |write| write.epoch)
    }

    /// Opens a protected record of DTLS 1.2 in place. The window moves only when the tag verifies.
    pub(crate) fn open<'a>(
        &mut self,
        header: &RecordHeader,
        payload: &'a mut [u8],
    ) -> Result<OpenedRecord<'a>, DropReason> {
        let (epoch, sequence) = (u64::from(header.epoch), header.sequence);
        let newest_epoch = self.read.last().is_some_and(|read| read.epoch == epoch);
        let (window, protection) = self
            .read
            .iter_mut()
            .find_map(|read| match &read.keys {
                Keys::Protection(protection) if read.epoch == epoch => {
                    Some((&mut read.window, protection))
                }
                _ => None,
            })
            .ok_or(DropReason::WrongEpoch)?;
        // RFC 9146 §3: where an ID is settled there has to be one, and where none is there must not.
        let is_identified = header.content == ContentType::ConnectionId;
        if is_identified == protection.connection_id().is_empty() {
            return Err(DropReason::WrongConnectionId);
        }
        if !window.is_new(sequence) {
            return Err(DropReason::Replayed);
        }
        let (content, payload) = protection
            .open(header, payload)
            .map_err(|Refused| DropReason::NotAuthentic)?;
        self.newest |= newest_epoch && sequence >= window.expected();
        window.mark(sequence);
        Ok(OpenedRecord {
            number: RecordNumber { epoch, sequence },
            content,
            payload,
        })
    }

    /// Opens a protected record of DTLS 1.3 in place. The window is asked when the tag has
    /// verified and not before: the answer's timing would tell the number (RFC 9147 §4.5.1).
    pub(crate) fn open_unified<'a>(
        &mut self,
        header: UnifiedHeader,
        record: &'a mut [u8],
    ) -> Result<OpenedRecord<'a>, DropReason> {
        // RFC 9147 §9: what was not settled is rejected. Where one is settled the first record of
        // a datagram has it, and those behind it need not.
        if header.is_identified && self.ids.of_read.is_empty() {
            return Err(DropReason::WrongConnectionId);
        }
        let newest_epoch = self.read.last().map(|read| read.epoch);
        // RFC 9147 §4.2.2: the present epoch, or the most recent one that fits.
        let ReadEpoch {
            epoch,
            window,
            keys,
            forged,
        } = self
            .read
            .iter_mut()
            .rev()
            .find(|read| read.has_bits(header.epoch_bits))
            .ok_or(DropReason::WrongEpoch)?;
        let Keys::Ciphertext(ciphertext) = keys else {
            return Err(DropReason::WrongEpoch);
        };
        let opened = ciphertext
            .open(header, window.expected(), record)
            .map_err(|Refused| {
                *forged += 1;
                DropReason::NotAuthentic
            })?;
        let epoch = *epoch;
        let sequence = opened.sequence;
        if !window.is_new(sequence) {
            return Err(DropReason::Replayed);
        }
        self.newest |= newest_epoch == Some(epoch) && sequence >= window.expected();
        window.mark(sequence);
        Ok(OpenedRecord {
            number: RecordNumber { epoch, sequence },
            content: opened.content,
            payload: opened.payload,
        })
    }

    /// What a record of this epoch adds to its payload, in bytes.
    pub(crate) fn overhead(&self, epoch: u64) -> usize {
        let keys = self.write.iter().find(|write| write.epoch == epoch);
        match keys.and_then(|write| write.keys.as_ref()) {
            None => RECORD_HEADER_LENGTH,
            Some(Keys::Protection(keys)) => RECORD_HEADER_LENGTH + keys.overhead(),
            Some(Keys::Ciphertext(keys)) => keys.overhead(),
        }
    }

    /// Appends one record whose payload is given in parts, and returns its number. Refused when
    /// there are no keys for the epoch or its numbers are used up; nothing is appended then.
    pub(crate) fn write(
        &mut self,
        epoch: u64,
        content: ContentType,
        parts: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<RecordNumber, Refused> {
        let write = self
            .write
            .iter_mut()
            .find(|write| write.epoch == epoch)
            .ok_or(Refused)?;
        let sequence = write.next_sequence;
        if sequence >= SEQUENCE_LIMIT {
            return Err(Refused);
        }
        let start = out.len();
        let written = match &write.keys {
            Some(Keys::Ciphertext(ciphertext)) => {
                ciphertext.seal(epoch, sequence, content, parts, out)
            }
            Some(Keys::Protection(protection)) => {
                write_explicit(Some(protection), epoch, sequence, content, parts, out)
            }
            None => write_explicit(None, epoch, sequence, content, parts, out),
        };
        match written {
            Ok(()) => write.next_sequence += 1,
            Err(Refused) => out.truncate(start),
        }
        written.map(|()| RecordNumber { epoch, sequence })
    }
}

impl ReadEpoch {
    fn has_bits(&self, epoch_bits: u8) -> bool {
        self.epoch & 3 == u64::from(epoch_bits)
    }
}

/// A record with the header of RFC 6347 §4.1, which unprotected records of DTLS 1.3 have as well.
fn write_explicit(
    protection: Option<&Protection>,
    epoch: u64,
    sequence: u64,
    content: ContentType,
    parts: &[&[u8]],
    out: &mut BytesMut,
) -> Result<(), Refused> {
    let header = RecordHeader {
        content: protection.map_or(content, |protection| protection.outer_content(content)),
        version: DTLS_1_2,
        epoch: epoch as u16,
        sequence,
    };
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = length + protection.map_or(0, Protection::expansion);
    out.put_u8(header.content.into());
    out.put_u16(header.version);
    out.put_slice(&header.number());
    out.put_slice(protection.map_or(&[], Protection::connection_id));
    out.put_u16(u16::try_from(length).map_err(|_| Refused)?);
    let start = out.len();
    let Some(protection) = protection else {
        parts.iter().for_each(|part| out.put_slice(part));
        return Ok(());
    };
    out.put_slice(protection.prefix());
    parts.iter().for_each(|part| out.put_slice(part));
    out.extend(protection.suffix(content));
    let payload = out.get_mut(start..).unwrap_or_default();
    let tag = protection.seal(&header, payload)?;
    out.put_slice(tag.as_ref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AeadAlgorithm;

    fn protection() -> Protection {
        Protection::new(AeadAlgorithm::Aes128Gcm, &[7; 16], &[1; 4]).unwrap()
    }

    fn only_record(datagram: &mut BytesMut) -> (RecordHeader, &mut [u8]) {
        match Records::new(datagram).next() {
            Some(Ok(Record::Explicit { header, payload })) => (header, payload),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_one_side_writes_the_other_opens_once() {
        let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
        ours.start_writing(PROTECTED, protection());
        theirs.start_reading(PROTECTED, protection());
        let mut wire = BytesMut::new();
        ours.write(
            PROTECTED,
            ContentType::ApplicationData,
            &[b"he", b"llo"],
            &mut wire,
        )
        .unwrap();
        assert_eq!(wire.len(), 5 + ours.overhead(PROTECTED));
        let mut forged = wire.clone();
        *forged.last_mut().unwrap() ^= 1;
        let (header, payload) = only_record(&mut forged);
        assert_eq!(theirs.open(&header, payload), Err(DropReason::NotAuthentic));
        let mut copy = wire.clone();
        let (header, payload) = only_record(&mut copy);
        assert_eq!(theirs.open(&header, payload).unwrap().payload, b"hello");
        let (header, payload) = only_record(&mut wire);
        assert_eq!(theirs.open(&header, payload), Err(DropReason::Replayed));
    }

    #[test]
    fn an_epoch_without_keys_neither_opens_nor_writes() {
        let mut layer = RecordLayer::new();
        let mut out = BytesMut::new();
        assert!(
            layer
                .write(PROTECTED, ContentType::Alert, &[b"x"], &mut out)
                .is_err()
        );
        assert!(out.is_empty());
        let header = RecordHeader {
            content: ContentType::Alert,
            version: DTLS_1_2,
            epoch: 1,
            sequence: 0,
        };
        assert_eq!(
            layer.open(&header, &mut [0; 40]),
            Err(DropReason::WrongEpoch)
        );
    }

    fn ciphertext() -> Ciphertext {
        let iv = crate::crypto::Secret::filled(|iv| *iv = [1; 12]);
        Ciphertext::new(AeadAlgorithm::Aes128Gcm, &[7; 16], iv, &[9; 16]).unwrap()
    }

    #[test]
    fn keys_wear_by_what_they_protect_and_by_forgeries() {
        let mut layer = RecordLayer::new();
        layer.start_writing_at(DATA, ciphertext(), WRITTEN_LIMIT - 1);
        layer.start_reading(DATA, ciphertext());
        assert_eq!(layer.wear(), Wear::Little);
        let mut wire = BytesMut::new();
        layer
            .write(DATA, ContentType::Alert, &[b"x"], &mut wire)
            .unwrap();
        assert_eq!(layer.wear(), Wear::Writing);

        let mut forged = [0; 40];
        forged[0] = 0x23;
        for (before, wear) in [
            (0, Wear::Writing),
            (FORGED_LIMIT / 2 - 1, Wear::Reading),
            (FORGED_LIMIT - 1, Wear::WornOut),
        ] {
            layer.read[0].forged = before;
            let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut forged).next()
            else {
                panic!();
            };
            let refused = layer.open_unified(header, bytes);
            assert_eq!(refused, Err(DropReason::NotAuthentic));
            assert_eq!(layer.wear(), wear);
        }
    }

    /// RFC 9147 §4.2.2: two bits of the epoch travel.
    #[test]
    fn the_most_recent_epoch_with_the_bits_is_taken() {
        let mut layer = RecordLayer::new();
        layer.start_reading(HANDSHAKE, ciphertext());
        layer.start_reading(DATA, ciphertext());
        assert!(layer.reads_bits(2) && layer.reads_bits(3) && !layer.reads_bits(0));
        layer.start_reading(6, ciphertext());
        layer.start_writing(6, ciphertext());
        let mut wire = BytesMut::new();
        layer
            .write(6, ContentType::Alert, &[b"x"], &mut wire)
            .unwrap();
        let Some(Ok(Record::Unified { header, bytes })) = Records::new(&mut wire).next() else {
            panic!();
        };
        assert_eq!(layer.open_unified(header, bytes).unwrap().number.epoch, 6);
        layer.stop_reading_before(6);
        assert!(!layer.reads(HANDSHAKE) && layer.reads(6));
    }

    /// RFC 9146 §3: a side that gave an ID away takes no record without it, and one that gave none
    /// takes none with it.
    #[test]
    fn connection_ids_are_where_they_were_settled() {
        let id = [1, 2, 3];
        let layers = |id: &[u8]| {
            let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
            ours.use_connection_ids(&[], id);
            theirs.use_connection_ids(id, &[]);
            ours.start_writing(PROTECTED, protection());
            theirs.start_reading(PROTECTED, protection());
            (ours, theirs)
        };
        let data = ContentType::ApplicationData;
        for (written, read, expected) in [
            (&id[..], &id[..], Ok(b"hello".to_vec())),
            (&[], &[], Ok(b"hello".to_vec())),
            (&[], &id, Err(DropReason::WrongConnectionId)),
            (&id, &[], Err(DropReason::WrongConnectionId)),
            (&[1, 2, 4], &id, Err(DropReason::WrongConnectionId)),
        ] {
            let mut wire = BytesMut::new();
            let (mut ours, _) = layers(written);
            ours.write(PROTECTED, data, &[b"hello"], &mut wire).unwrap();
            assert_eq!(wire.len(), 5 + ours.overhead(PROTECTED));
            assert_eq!(
                connection_id(&wire, written.len()).unwrap_or_default(),
                written
            );
            let (_, mut theirs) = layers(read);
            let opened = match Records::new(&mut wire).expecting(read).next().unwrap() {
                Ok(Record::Explicit { header, payload }) => theirs.open(&header, payload),
                Ok(other) => panic!("{other:?}"),
                Err(reason) => Err(reason),
            };
            let opened = opened.map(|opened| {
                assert_eq!(opened.content, Some(data));
                opened.payload.to_vec()
            });
            assert_eq!(opened, expected);
        }
    }

    #[test]
    fn the_newest_record_is_known_once() {
        let (mut ours, mut theirs) = (RecordLayer::new(), RecordLayer::new());
        ours.start_writing(PROTECTED, protection());
        theirs.start_reading(PROTECTED, protection());
        let mut wires = [(); 3].map(|()| {
            let mut wire = BytesMut::new();
            let data = ContentType::ApplicationData;
            ours.write(PROTECTED, data, &[b"x"], &mut wire).unwrap();
            wire
        });
        let newest = [1, 0, 2].map(|index: usize| {
            let (header, payload) = only_record(&mut wires[index]);
            assert!(theirs.open(&header, payload).is_ok());
            theirs.take_newest()
        });
        assert_eq!(newest, [true, false, true]);
        assert!(!theirs.take_newest());
    }
}
