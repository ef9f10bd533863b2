//! Keys and records of DTLS 1.2.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::config::Config;
use crate::connection::Connection;
use crate::error::ExportError;
use crate::negotiation;
use crate::record::{PROTECTED, Protection, Record, RecordLayer, Records};
use crate::suite::Suite;
use crate::v12::{RecordKeys, Session, Side};

/// The key schedule of a session of DTLS 1.2.
#[derive(Debug)]
pub struct KeySchedule(Session);

impl KeySchedule {
    /// From a master secret, such as a key log has. `None` for a cipher suite that is not here.
    #[must_use]
    pub fn new(
        cipher_suite: u16,
        master_secret: &[u8; 48],
        client_random: [u8; 32],
        server_random: [u8; 32],
    ) -> Option<Self> {
        let suite = Suite::by_id(cipher_suite.into())?;
        Some(Self(Session::from_master_secret(
            suite,
            master_secret,
            client_random,
            server_random,
        )))
    }

    /// The extended master secret (RFC 7627 §4).
    #[must_use]
    pub fn extended_master_secret(
        cipher_suite: u16,
        premaster_secret: &[u8],
        session_hash: &[u8],
    ) -> Option<[u8; 48]> {
        let suite = Suite::by_id(cipher_suite.into())?;
        let session = Session::new(suite, premaster_secret, session_hash, [0; 32], [0; 32]);
        Some(*session.master_secret())
    }

    /// What Finished of the client or of the server says.
    #[must_use]
    pub fn verify_data(&self, of_client: bool, transcript_hash: &[u8]) -> [u8; 12] {
        let side = if of_client {
            Side::Client
        } else {
            Side::Server
        };
        self.0.verify_data(side, transcript_hash)
    }

    /// Exported keying material (RFC 5705).
    ///
    /// # Errors
    /// As [`Connection::export_keying_material`].
    pub fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        self.0.export(label, context, out)
    }

    /// Opens the protected records of a datagram in place: the payloads of those that verify.
    #[must_use]
    pub fn open(&self, from_client: bool, datagram: &mut [u8]) -> Vec<Vec<u8>> {
        let Ok(RecordKeys { client, server }) = self.0.record_keys() else {
            return Vec::new();
        };
        let mut layer = RecordLayer::new();
        layer.start_reading(PROTECTED, if from_client { client } else { server });
        Records::new(datagram)
            .flatten()
            .filter_map(|record| match record {
                Record::Explicit { header, payload } => layer
                    .open(&header, payload)
                    .ok()
                    .map(|r| r.payload.to_vec()),
                Record::Unified { .. } => None,
            })
            .collect()
    }

    /// A datagram with one protected record of one side: what a peer that knows the keys, and does
    /// not keep the rules, could send.
    #[must_use]
    pub fn seal(&self, from_client: bool, sequence: u16, content: u8, payload: &[u8]) -> Vec<u8> {
        let Ok(RecordKeys { client, server }) = self.0.record_keys() else {
            return Vec::new();
        };
        let mut layer = RecordLayer::new();
        layer.start_writing(PROTECTED, if from_client { client } else { server });
        let mut out = BytesMut::new();
        for _ in 0..=sequence {
            out.clear();
            let _ = layer.write(PROTECTED, content.into(), &[payload], &mut out);
        }
        out.to_vec()
    }
}

/// A client that is connected with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, with these keys for
/// both directions.
#[must_use]
pub fn connected(
    config: Arc<Config>,
    key: &[u8; 16],
    implicit_iv: &[u8; 4],
    now: Instant,
) -> Option<Connection> {
    let suite = Suite::by_id(0xC02B.into())?;
    let protection = || Protection::new(suite.aead, key, implicit_iv).ok();
    let session = Session::from_master_secret(suite, &[0; 48], [0; 32], [0; 32]);
    let keys = [protection()?.into(), protection()?.into()];
    let session = negotiation::Session::Dtls12(session);
    Some(Connection::connected(config, session, keys, now))
}
