//! Keys and records of DTLS 1.3.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::config::Config;
use crate::connection::Connection;
use crate::error::ExportError;
use crate::record::{DATA, Record, RecordLayer, Records};
use crate::suite::Suite;
use crate::v13::{ApplicationSecrets, HandshakeSecrets, ScheduleSecret, Session, Side};
use crate::{Version, negotiation};

fn suite_of(cipher_suite: u16) -> Option<Suite> {
    Suite::by_id(cipher_suite.into()).filter(|suite| suite.version == Version::Dtls13)
}

/// A secret of the key schedule of DTLS 1.3 (RFC 8446 §7.1), such as a key log has, with the cipher
/// suite that it is for.
#[derive(Debug)]
pub struct TrafficSecret {
    suite: Suite,
    secret: ScheduleSecret,
    connection_id: Vec<u8>,
}

/// A record that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRecord {
    /// The epoch.
    pub epoch: u64,
    /// The sequence number.
    pub sequence: u64,
    /// The content type; `None` when there is nothing but padding.
    pub content: Option<u8>,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl TrafficSecret {
    /// `None` for a cipher suite that is not of DTLS 1.3, or a secret of another length than its
    /// hash function gives.
    #[must_use]
    pub fn new(cipher_suite: u16, secret: &[u8]) -> Option<Self> {
        let suite = suite_of(cipher_suite)?;
        (secret.len() == suite.hash.output_length()).then(|| Self {
            suite,
            secret: ScheduleSecret::new(suite.hash, secret),
            connection_id: Vec::new(),
        })
    }

    /// Its records have this connection ID.
    #[must_use]
    pub fn with_connection_id(mut self, connection_id: &[u8]) -> Self {
        self.connection_id = connection_id.to_vec();
        self
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.secret.expose()
    }

    /// What Finished of the side whose handshake secret this is says.
    #[must_use]
    pub fn verify_data(&self, transcript_hash: &[u8]) -> Vec<u8> {
        self.secret.verify_data(transcript_hash).as_ref().to_vec()
    }

    /// The secret of the next epoch (RFC 8446 §7.2).
    #[must_use]
    pub fn next(&self) -> Self {
        let mut secret = ScheduleSecret::new(self.suite.hash, self.secret.expose());
        secret.advance();
        Self {
            suite: self.suite,
            secret,
            connection_id: self.connection_id.clone(),
        }
    }

    /// Opens the records of a datagram in place, those of this epoch that verify. `received` is how
    /// many records of the epoch have come before: all up to that number.
    #[must_use]
    pub fn open(&self, epoch: u64, received: u64, datagram: &mut [u8]) -> Vec<OpenedRecord> {
        let Ok(keys) = self.secret.record_keys(self.suite.aead) else {
            return Vec::new();
        };
        let mut layer = RecordLayer::new();
        layer.use_connection_ids(&self.connection_id, &[]);
        layer.start_reading_at(epoch, keys, received);
        Records::new(datagram)
            .expecting(&self.connection_id)
            .flatten()
            .filter_map(|record| match record {
                Record::Unified { header, bytes } => layer.open_unified(header, bytes).ok(),
                Record::Explicit { .. } => None,
            })
            .map(|opened| OpenedRecord {
                epoch: opened.number.epoch,
                sequence: opened.number.sequence,
                content: opened.content.map(u8::from),
                payload: opened.payload.to_vec(),
            })
            .collect()
    }

    /// A datagram with one record, as this crate writes it: what a peer that knows the keys, and
    /// does not keep the rules, could send. `None` for what no record holds.
    #[must_use]
    pub fn seal(&self, epoch: u64, sequence: u64, content: u8, payload: &[u8]) -> Option<Vec<u8>> {
        let mut layer = RecordLayer::new();
        let keys = self.secret.record_keys(self.suite.aead).ok()?;
        layer.use_connection_ids(&[], &self.connection_id);
        layer.start_writing_at(epoch, keys, sequence);
        let mut out = BytesMut::new();
        layer
            .write(epoch, content.into(), &[payload], &mut out)
            .ok()?;
        Some(out.to_vec())
    }
}

/// A client that is connected, whose two directions have this one secret.
#[must_use]
pub fn connected_13(
    config: Arc<Config>,
    secret: &TrafficSecret,
    now: Instant,
) -> Option<Connection> {
    let TrafficSecret { suite, secret, .. } = secret;
    let keys = || secret.record_keys(suite.aead).ok();
    let keys = [keys()?.into(), keys()?.into()];
    let secrets = ApplicationSecrets::of(secret);
    let session = negotiation::Session::Dtls13(Session::new(Side::Client, *suite, secrets));
    Some(Connection::connected(config, session, keys, now))
}

/// Makes the keys that a connection writes with as old as so many records make them.
pub fn age_written(connection: &mut Connection, written: u64) {
    connection.records().age_written(written);
}

/// Makes the keys that a connection reads with as old as so many records make them, and so many
/// attempts to forge some.
pub fn age_read(connection: &mut Connection, received: u64, forged: u64) {
    connection.records().age_read(received, forged);
}

/// The secrets of a handshake and of what comes after it, with the client's first.
#[derive(Debug)]
pub struct KeySchedule13 {
    /// The handshake traffic secrets.
    pub handshake: [TrafficSecret; 2],
    /// The first application traffic secrets.
    pub application: [TrafficSecret; 2],
    session: Session,
}

impl KeySchedule13 {
    /// From the shared secret, the hash of ClientHello to ServerHello, and that of ClientHello to
    /// the Finished of the server. `None` for a cipher suite that is not of DTLS 1.3.
    #[must_use]
    pub fn new(
        cipher_suite: u16,
        shared_secret: &[u8],
        hello_hash: &[u8],
        finished_hash: &[u8],
    ) -> Option<Self> {
        let suite = suite_of(cipher_suite)?;
        let secrets = HandshakeSecrets::new(suite, shared_secret, hello_hash);
        let mut application = secrets.application(finished_hash);
        let copy = |secret: &ScheduleSecret| TrafficSecret {
            suite,
            secret: ScheduleSecret::new(suite.hash, secret.expose()),
            connection_id: Vec::new(),
        };
        Some(Self {
            handshake: [copy(&secrets.client), copy(&secrets.server)],
            application: [
                copy(application.written(Side::Client)),
                copy(application.read(Side::Client)),
            ],
            session: Session::new(Side::Client, suite, application),
        })
    }

    /// Exported keying material (RFC 8446 §7.5).
    ///
    /// # Errors
    /// As [`Connection::export_keying_material`](crate::Connection::export_keying_material).
    pub fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        self.session.export(label, context, out)
    }
}

/// The whole sequence number of which the low `bits` bits are `low`, when `expected` is one more
/// than the highest that has come (RFC 9147 §4.2.2).
#[must_use]
pub fn reconstruct_sequence(expected: u64, low: u16, bits: u32) -> u64 {
    crate::record::reconstruct(expected, low, bits)
}

/// The first epoch of data.
pub const FIRST_DATA_EPOCH: u64 = DATA;
