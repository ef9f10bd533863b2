//! Protected records that came before the keys for them: the network had them overtake what the
//! keys are made from (RFC 9147 §4.2.1).

use std::time::Instant;

use super::{Connection, Phase};
use crate::event::Version;
use crate::negotiation::Handshake;
use crate::record::{HANDSHAKE, PROTECTED, Record, RecordHeader, UnifiedHeader};
use crate::stats::DropReason;
use crate::wire::ContentType;

/// How many records of DTLS 1.2 may wait, and how long each may be: a Finished is 48 bytes long.
const EXPLICIT_LIMIT: usize = 4;
const EXPLICIT_LENGTH: usize = 256;
/// What of DTLS 1.3 may wait in bytes, each record counting 64 more: a flight with a certificate
/// in small datagrams.
const UNIFIED_LIMIT: usize = 8 * 1024;
const RECORD_COST: usize = 64;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct EarlyRecords(Vec<EarlyRecord>);

#[derive(Debug)]
enum EarlyRecord {
    Explicit(RecordHeader, Vec<u8>),
    Unified(UnifiedHeader, Vec<u8>),
}

impl EarlyRecords {
    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    /// Whether records of DTLS 1.3 wait.
    pub(super) fn has_unified(&self) -> bool {
        self.0
            .iter()
            .any(|record| matches!(record, EarlyRecord::Unified(..)))
    }

    pub(super) fn keep(&mut self, record: Record<'_>) -> Result<(), DropReason> {
        match record {
            Record::Explicit { header, payload } => {
                if self.0.len() >= EXPLICIT_LIMIT || payload.len() > EXPLICIT_LENGTH {
                    return Err(DropReason::BufferFull);
                }
                self.0.push(EarlyRecord::Explicit(header, payload.to_vec()));
            }
            Record::Unified { header, bytes } => {
                let waiting: usize = self.0.iter().map(EarlyRecord::cost).sum();
                if waiting + bytes.len() + RECORD_COST > UNIFIED_LIMIT {
                    return Err(DropReason::BufferFull);
                }
                self.0.push(EarlyRecord::Unified(header, bytes.to_vec()));
            }
        }
        Ok(())
    }
}

impl EarlyRecord {
    fn cost(&self) -> usize {
        let (Self::Explicit(_, bytes) | Self::Unified(_, bytes)) = self;
        bytes.len() + RECORD_COST
    }

    fn as_record(&mut self) -> Record<'_> {
        match self {
            Self::Explicit(header, payload) => Record::Explicit {
                header: *header,
                payload,
            },
            Self::Unified(header, bytes) => Record::Unified {
                header: *header,
                bytes,
            },
        }
    }
}

impl Connection {
    /// Whether a record has to wait for its keys. While nobody has been heard none does: there
    /// are no keys on their way.
    pub(super) fn is_early(&self, record: &Record<'_>) -> bool {
        let Phase::Handshake(handshake) = &self.phase else {
            return false;
        };
        let records = &self.context.records;
        match record {
            // The Finished of a client can overtake what the keys for it are made from.
            Record::Explicit { header, .. } => {
                u64::from(header.epoch) == PROTECTED
                    && matches!(
                        header.content,
                        ContentType::Handshake | ContentType::ConnectionId
                    )
                    && !records.reads(PROTECTED)
                    && matches!(handshake, Handshake::Server12(_))
            }
            Record::Unified { header, .. } => {
                let expected = match handshake {
                    Handshake::ServerHello(_) => self.context.config.speaks(Version::Dtls13),
                    Handshake::Client13(_) | Handshake::Server13(_) => true,
                    _ => false,
                };
                expected
                    && u64::from(header.epoch_bits) >= HANDSHAKE
                    && !records.reads_bits(header.epoch_bits)
            }
        }
    }

    /// Takes what waits no more.
    pub(super) fn replay_early(&mut self, now: Instant) {
        let mut next = 0;
        while let Some(mut early) = self.early.take_at(next) {
            if self.is_early(&early.as_record()) {
                self.early.0.insert(next, early);
                next += 1;
            } else {
                if let Err(reason) = self.handle_record(now, early.as_record()) {
                    self.stats.count(reason);
                }
                // What it led to can have brought keys for those before it.
                next = 0;
            }
        }
    }
}

impl EarlyRecords {
    fn take_at(&mut self, at: usize) -> Option<EarlyRecord> {
        (at < self.0.len()).then(|| self.0.remove(at))
    }
}
