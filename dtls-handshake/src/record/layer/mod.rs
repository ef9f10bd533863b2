//! What a connection reads and writes with: its epochs, one after the other.

#[cfg(test)]
mod tests;

use bytes::BytesMut;

use super::keys::{Keys, write_explicit};
use super::window::ReplayWindow;
use super::{PLAIN, RECORD_HEADER_LENGTH, RecordHeader, RecordNumber, UnifiedHeader};
use crate::crypto::Refused;
use crate::stats::DropReason;
use crate::wire::ContentType;

/// Sequence numbers have 48 bits (RFC 9147 §4: in records that are not protected no more, and
/// nobody comes that far with one key).
const SEQUENCE_LIMIT: u64 = 1 << 48;

/// With so many records protected by one key it is time for the next. RFC 8446 §5.5 bounds the
/// AES suites to 2^24.5 of full size.
const WRITTEN_LIMIT: u64 = 1 << 23;
/// As many records may fail to verify with one key (RFC 9147 §4.5.3).
const FORGED_LIMIT: u64 = 1 << 36;

/// Those that a handshake writes in.
const USUAL_EPOCHS: usize = 3;
/// Those that it reads in with keys.
const USUAL_KEYS: usize = 2;

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
        let mut write = Vec::with_capacity(USUAL_EPOCHS);
        write.push(plain);
        Self {
            write,
            read: Vec::with_capacity(USUAL_KEYS),
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

    /// What protected records that go have; empty: nothing.
    pub(crate) fn written_connection_id(&self) -> &[u8] {
        &self.ids.of_written
    }

    /// From here on records that go have another connection ID, in every epoch.
    pub(crate) fn change_written_connection_id(&mut self, id: &[u8]) {
        self.ids.of_written = id.to_vec();
        for keys in self
            .write
            .iter_mut()
            .filter_map(|write| write.keys.as_mut())
        {
            keys.set_connection_id(id);
        }
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
        let mut keys = keys.into();
        keys.set_connection_id(&self.ids.of_written);
        self.write.reserve_exact(1);
        self.write.push(WriteEpoch {
            epoch,
            next_sequence: sequence,
            keys: Some(keys),
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
        let mut keys = keys.into();
        keys.set_connection_id(&self.ids.of_read);
        self.read.reserve_exact(1);
        self.read.push(ReadEpoch {
            epoch,
            window: ReplayWindow::after(received),
            keys,
            forged: 0,
        });
    }

    /// What comes in an epoch before this one is not read any more.
    pub(crate) fn stop_reading_before(&mut self, epoch: u64) {
        self.read.retain(|read| read.epoch >= epoch);
    }

    /// Has the newest keys written so many records, for [`testing`](crate::testing).
    pub(crate) fn age_written(&mut self, written: u64) {
        if let Some(write) = self.write.last_mut() {
            write.next_sequence = written;
        }
    }

    /// Has the newest keys read so many records, and so many that were forged, for
    /// [`testing`](crate::testing).
    pub(crate) fn age_read(&mut self, received: u64, forged: u64) {
        if let Some(read) = self.read.last_mut() {
            read.window = ReplayWindow::after(received);
            read.forged = forged;
        }
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
            Some(keys) => keys.overhead(),
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
        let written = match write.keys.as_ref() {
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
