//! The record layer: epochs, sequence numbers, protection, replay windows (RFC 6347 §4.1).

mod header;
mod protection;
mod window;

use bytes::{BufMut, BytesMut};

pub use header::is_dtls;
pub(crate) use header::{RECORD_HEADER_LENGTH, Record, RecordHeader, Records};
pub(crate) use protection::Protection;
use window::ReplayWindow;

use crate::crypto::Refused;
use crate::stats::DropReason;
use crate::wire::{ContentType, DTLS_1_2};

/// The epoch of the unprotected part of the handshake.
pub(crate) const PLAIN: u16 = 0;
/// The epoch that a handshake of DTLS 1.2 leads to; renegotiation, which is refused, would lead
/// further.
pub(crate) const PROTECTED: u16 = 1;
/// Sequence numbers have 48 bits.
const SEQUENCE_LIMIT: u64 = 1 << 48;

/// Both directions of a connection, with every epoch that is in use.
#[derive(Debug)]
pub(crate) struct RecordLayer {
    write: Vec<WriteEpoch>,
    read: Vec<ReadEpoch>,
}

#[derive(Debug)]
struct WriteEpoch {
    epoch: u16,
    next_sequence: u64,
    protection: Option<Protection>,
}

/// There is none for epoch 0: what is not authenticated must not move a window.
#[derive(Debug)]
struct ReadEpoch {
    epoch: u16,
    window: ReplayWindow,
    protection: Protection,
}

impl RecordLayer {
    pub(crate) fn new() -> Self {
        let plain = WriteEpoch {
            epoch: PLAIN,
            next_sequence: 0,
            protection: None,
        };
        Self {
            write: vec![plain],
            read: Vec::new(),
        }
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

    pub(crate) fn start_writing(&mut self, epoch: u16, protection: Protection) {
        let protection = Some(protection);
        self.write.push(WriteEpoch {
            epoch,
            next_sequence: 0,
            protection,
        });
    }

    pub(crate) fn start_reading(&mut self, epoch: u16, protection: Protection) {
        let window = ReplayWindow::default();
        self.read.push(ReadEpoch {
            epoch,
            window,
            protection,
        });
    }

    pub(crate) fn reads(&self, epoch: u16) -> bool {
        self.read.iter().any(|read| read.epoch == epoch)
    }

    /// The newest epoch that we write in.
    pub(crate) fn write_epoch(&self) -> u16 {
        self.write.last().map_or(PLAIN, |write| write.epoch)
    }

    /// Opens a protected record in place. The window moves only when the tag verifies.
    pub(crate) fn open<'a>(
        &mut self,
        header: &RecordHeader,
        payload: &'a mut [u8],
    ) -> Result<&'a mut [u8], DropReason> {
        let read = self
            .read
            .iter_mut()
            .find(|read| read.epoch == header.epoch)
            .ok_or(DropReason::WrongEpoch)?;
        if !read.window.is_new(header.sequence) {
            return Err(DropReason::Replayed);
        }
        let opened = read
            .protection
            .open(header, payload)
            .map_err(|Refused| DropReason::NotAuthentic)?;
        read.window.mark(header.sequence);
        Ok(opened)
    }

    /// What a record that we write in this epoch adds to its payload, in bytes.
    pub(crate) fn overhead(&self, epoch: u16) -> usize {
        let write = self.write.iter().find(|write| write.epoch == epoch);
        let protection = write.and_then(|write| write.protection.as_ref());
        RECORD_HEADER_LENGTH + protection.map_or(0, Protection::overhead)
    }

    /// Appends one record whose payload is given in parts. Refused when there are no keys for the
    /// epoch or its numbers are used up; nothing is appended then.
    pub(crate) fn write(
        &mut self,
        epoch: u16,
        content: ContentType,
        parts: &[&[u8]],
        out: &mut BytesMut,
    ) -> Result<(), Refused> {
        let write = self
            .write
            .iter_mut()
            .find(|write| write.epoch == epoch)
            .ok_or(Refused)?;
        if write.next_sequence >= SEQUENCE_LIMIT {
            return Err(Refused);
        }
        let sequence = write.next_sequence;
        let header = RecordHeader {
            content,
            version: DTLS_1_2,
            epoch,
            sequence,
        };
        let start = out.len();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let protection = write.protection.as_ref();
        let length = length + protection.map_or(0, Protection::overhead);
        out.put_u8(content.into());
        out.put_u16(header.version);
        out.put_slice(&header.number());
        out.put_u16(u16::try_from(length).map_err(|_| Refused)?);
        match protection {
            None => parts.iter().for_each(|part| out.put_slice(part)),
            Some(protection) => {
                out.put_slice(protection.prefix());
                parts.iter().for_each(|part| out.put_slice(part));
                let payload = out
                    .get_mut(start + RECORD_HEADER_LENGTH..)
                    .unwrap_or_default();
                let tag = protection.seal(&header, payload)?;
                out.put_slice(tag.as_ref());
            }
        }
        write.next_sequence += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AeadAlgorithm;

    fn protection() -> Protection {
        Protection::new(AeadAlgorithm::Aes128Gcm, &[7; 16], &[1; 4]).unwrap()
    }

    fn only_record(datagram: &mut BytesMut) -> Record<'_> {
        Records::new(datagram).next().unwrap().unwrap()
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
        let record = only_record(&mut forged);
        assert_eq!(
            theirs.open(&record.header, record.payload),
            Err(DropReason::NotAuthentic)
        );
        let mut copy = wire.clone();
        let record = only_record(&mut copy);
        assert_eq!(
            theirs.open(&record.header, record.payload).unwrap(),
            b"hello"
        );
        let record = only_record(&mut wire);
        assert_eq!(
            theirs.open(&record.header, record.payload),
            Err(DropReason::Replayed)
        );
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
            epoch: PROTECTED,
            sequence: 0,
        };
        assert_eq!(
            layer.open(&header, &mut [0; 40]),
            Err(DropReason::WrongEpoch)
        );
    }
}
