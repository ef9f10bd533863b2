//! Cutting datagrams into records (RFC 6347 §4.1, RFC 9147 §4.1).

use super::ciphertext::{UnifiedHeader, is_identified, is_unified};
use crate::stats::DropReason;
use crate::wire::{ContentType, DTLS_1_0, DTLS_1_2, DecodeError, Reader};

/// The length of a record header in bytes.
pub(crate) const RECORD_HEADER_LENGTH: usize = 13;
/// The longest protected payload (RFC 5246 §6.2.3).
const MAX_PAYLOAD: usize = (1 << 14) + 2048;
/// The longest record of DTLS 1.3, with the longest header (RFC 8446 §5.2).
const MAX_UNIFIED: usize = 5 + 255 + (1 << 14) + 256;

/// Whether a datagram is DTLS and not STUN, TURN, SRTP or another protocol that shares its port:
/// its first byte is between 20 and 63 (RFC 7983 §7).
#[must_use]
pub fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}

/// The connection ID of this length in a datagram (RFC 9146 §4, RFC 9147 §4), by which it finds
/// its connection when it does not by its address. `None` when the first record has none; of
/// DTLS 1.2 only the record after ChangeCipherSpec has one.
#[must_use]
pub fn connection_id(datagram: &[u8], length: usize) -> Option<&[u8]> {
    let (&first, rest) = datagram.split_first()?;
    let id = if ContentType::from(first) == ContentType::ConnectionId {
        // Behind version, epoch and sequence number.
        rest.get(2 + 8..)?
    } else if is_identified(first) {
        rest
    } else {
        return None;
    };
    id.get(..length).filter(|id| !id.is_empty())
}

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) content: ContentType,
    pub(crate) version: u16,
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
}

impl RecordHeader {
    /// Epoch and sequence number as one 64-bit number: the form that nonces and additional data
    /// are made of (RFC 6347 §4.1.2.1).
    pub(crate) fn number(&self) -> [u8; 8] {
        (u64::from(self.epoch) << 48 | self.sequence).to_be_bytes()
    }
}

/// One record of a datagram, not yet opened.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    /// Unprotected, or protected as DTLS 1.2 does it.
    Explicit {
        header: RecordHeader,
        payload: &'a mut [u8],
    },
    /// Protected as DTLS 1.3 does it. `bytes` are all of it, header included.
    Unified {
        header: UnifiedHeader,
        bytes: &'a mut [u8],
    },
}

/// The records of a datagram, one after the other.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    rest: &'a mut [u8],
    connection_id: &'a [u8],
    any_version: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(datagram: &'a mut [u8]) -> Self {
        Self {
            rest: datagram,
            connection_id: &[],
            any_version: false,
        }
    }

    /// Records that have a connection ID have this one. Those with another are dropped
    /// (RFC 9146 §6).
    pub(crate) fn expecting(mut self, connection_id: &'a [u8]) -> Self {
        self.connection_id = connection_id;
        self
    }
}

impl Records<'_> {
    /// Where DTLS 1.3 is or may be spoken the version of a record in the clear is "ignored for all
    /// purposes" (RFC 9147 §4).
    pub(crate) fn of_any_version(mut self, any_version: bool) -> Self {
        self.any_version = any_version;
        self
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = core::mem::take(&mut self.rest);
        let first = *rest.first()?;
        if is_unified(first) {
            return Some(self.next_unified(rest));
        }
        Some(self.next_explicit(rest))
    }
}

impl<'a> Records<'a> {
    /// RFC 6347 §4.1.1: records do not span datagrams, so nothing can follow a cut one, and nothing
    /// one whose header has an unknown length.
    fn next_explicit(&mut self, rest: &'a mut [u8]) -> Result<Record<'a>, DropReason> {
        let (header, header_length, length) = read_header(rest, self.connection_id)?;
        let (record, rest) = rest
            .split_at_mut_checked(header_length + length)
            .ok_or(DropReason::TruncatedRecord)?;
        self.rest = rest;
        check(header, length, self.any_version)?;
        let payload = record
            .get_mut(header_length..)
            .ok_or(DropReason::TruncatedRecord)?;
        Ok(Record::Explicit { header, payload })
    }

    fn next_unified(&mut self, rest: &'a mut [u8]) -> Result<Record<'a>, DropReason> {
        let (header, length) = UnifiedHeader::read(rest, self.connection_id)?;
        let (bytes, rest) = rest
            .split_at_mut_checked(length)
            .ok_or(DropReason::TruncatedRecord)?;
        self.rest = rest;
        if length > MAX_UNIFIED {
            return Err(DropReason::OversizedRecord);
        }
        Ok(Record::Unified { header, bytes })
    }
}

/// The header, its length, and the length of the payload.
fn read_header(
    bytes: &[u8],
    connection_id: &[u8],
) -> Result<(RecordHeader, usize, usize), DropReason> {
    let mut reader = Reader::new(bytes);
    let mut read = || -> Result<RecordHeader, DecodeError> {
        Ok(RecordHeader {
            content: reader.u8("content type")?.into(),
            version: reader.u16("version")?,
            epoch: reader.u16("epoch")?,
            sequence: reader.u48("sequence number")?,
        })
    };
    let header = read().map_err(|_| DropReason::TruncatedRecord)?;
    let mut header_length = RECORD_HEADER_LENGTH;
    // RFC 9146 §4: between the numbers and the length.
    if header.content == ContentType::ConnectionId {
        let id = reader.bytes(connection_id.len(), "connection ID");
        if connection_id.is_empty() || id != Ok(connection_id) {
            return Err(DropReason::WrongConnectionId);
        }
        header_length += connection_id.len();
    }
    let length = reader
        .u16("length")
        .map_err(|_| DropReason::TruncatedRecord)?;
    Ok((header, header_length, length.into()))
}

fn check(header: RecordHeader, length: usize, any_version: bool) -> Result<(), DropReason> {
    if matches!(header.content, ContentType::Unknown(_)) {
        return Err(DropReason::UnknownContentType);
    }
    // RFC 6347 §4.1: 1.2 once negotiated; before that a hello may carry the number of 1.0.
    let acceptable = match header.epoch {
        0 => any_version || matches!(header.version, DTLS_1_0 | DTLS_1_2),
        _ => header.version == DTLS_1_2,
    };
    if !acceptable {
        return Err(DropReason::WrongVersion);
    }
    if length > MAX_PAYLOAD {
        return Err(DropReason::OversizedRecord);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, version: u16, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![content];
        out.extend(version.to_be_bytes());
        out.extend([0, 0, 0, 0, 0, 0, 0, 9]);
        out.extend((payload.len() as u16).to_be_bytes());
        out.extend(payload);
        out
    }

    #[test]
    fn records_follow_each_other() {
        let mut datagram = record(22, DTLS_1_0, b"ab");
        datagram.extend(record(99, DTLS_1_2, b"c"));
        datagram.extend(record(21, 0x0303, b"d"));
        datagram.extend(record(23, DTLS_1_2, b""));
        datagram.extend([22, 0xFE]);
        let seen: Vec<_> = Records::new(&mut datagram)
            .map(|item| {
                item.map(|record| match record {
                    Record::Explicit { header, payload } => (header.sequence, payload.to_vec()),
                    Record::Unified { .. } => panic!("{record:?}"),
                })
            })
            .collect();
        assert_eq!(
            seen,
            [
                Ok((9, b"ab".to_vec())),
                Err(DropReason::UnknownContentType),
                Err(DropReason::WrongVersion),
                Ok((9, vec![])),
                Err(DropReason::TruncatedRecord),
            ]
        );
    }

    #[test]
    fn a_record_longer_than_its_datagram_ends_it() {
        let mut datagram = record(22, DTLS_1_2, b"abcdef");
        datagram.pop();
        let seen: Vec<_> = Records::new(&mut datagram)
            .map(|item| item.is_ok())
            .collect();
        assert_eq!(seen, [false]);
    }
}
