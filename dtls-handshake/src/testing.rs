//! Inner parts with plain interfaces, for the vector tests and the fuzz targets of this
//! workspace. No stability is promised and nothing here is needed to use the crate.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::config::Config;
use crate::connection::Connection;
use crate::crypto::{self, HashAlgorithm};
use crate::error::ExportError;
use crate::handshake::{Fragment, Inbox};
use crate::message::{
    Certificate, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, Finished,
    HelloVerifyRequest, ServerHello, ServerKeyExchange,
};
use crate::record::{PLAIN, PROTECTED, Protection, RecordLayer, Records};
use crate::suite::Suite;
use crate::v12::{RecordKeys, Session, Side};
use crate::wire::{DecodeError, HandshakeType, Reader};

/// The PRF of TLS 1.2 (RFC 5246 §5).
pub fn prf(hash: HashAlgorithm, secret: &[u8], label: &str, seed: &[u8], out: &mut [u8]) {
    crypto::prf(hash, secret, label.as_bytes(), &[seed], out);
}

/// Reads the body of a handshake message of any type; the error names the field.
///
/// # Errors
/// The name of the field that is malformed.
pub fn read_message(kind: u8, body: &[u8]) -> Result<(), &'static str> {
    let read = |body| -> Result<(), DecodeError> {
        match HandshakeType::from(kind) {
            HandshakeType::ClientHello => ClientHello::read(body).map(drop),
            HandshakeType::ServerHello => ServerHello::read(body).map(drop),
            HandshakeType::HelloVerifyRequest => HelloVerifyRequest::read(body).map(drop),
            HandshakeType::Certificate => Certificate::read(body).map(drop),
            HandshakeType::ServerKeyExchange => ServerKeyExchange::read(body).map(drop),
            HandshakeType::CertificateRequest => CertificateRequest::read(body).map(drop),
            HandshakeType::CertificateVerify => CertificateVerify::read(body).map(drop),
            HandshakeType::ClientKeyExchange => ClientKeyExchange::read(body).map(drop),
            HandshakeType::Finished => Finished::read(body).map(drop),
            _ => Ok(()),
        }
    };
    read(body).map_err(|DecodeError(what)| what)
}

/// Reads the public key out of a certificate in DER. `false` when there is none.
#[must_use]
pub fn read_certificate(der: &[u8]) -> bool {
    matches!(crypto::public_key(der), Ok(Some(_)))
}

/// Puts the plaintext handshake fragments of datagrams together, as a connection does, and
/// returns each message whose turn came: type and body.
#[must_use]
pub fn reassemble<'a>(datagrams: impl IntoIterator<Item = &'a mut [u8]>) -> Vec<(u8, Vec<u8>)> {
    let mut inbox = Inbox::new();
    let mut messages = Vec::new();
    for datagram in datagrams {
        for record in Records::new(datagram).flatten() {
            let mut reader = Reader::new(record.payload);
            while let Ok(fragment) = Fragment::read(&mut reader) {
                let _ = inbox.insert(PLAIN, &fragment);
                while let Some(message) = inbox.pop() {
                    messages.push((message.kind.into(), message.body().to_vec()));
                }
            }
        }
    }
    messages
}

/// The key schedule of a session of DTLS 1.2 with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.
#[derive(Debug)]
pub struct KeySchedule(Session);

impl KeySchedule {
    /// From a master secret, such as a key log has.
    #[must_use]
    pub fn new(master_secret: &[u8; 48], client_random: [u8; 32], server_random: [u8; 32]) -> Self {
        let [suite] = Suite::ALL;
        Self(Session::from_master_secret(
            suite,
            master_secret,
            client_random,
            server_random,
        ))
    }

    /// The extended master secret (RFC 7627 §4).
    #[must_use]
    pub fn extended_master_secret(premaster_secret: &[u8], session_hash: &[u8]) -> [u8; 48] {
        let [suite] = Suite::ALL;
        let session = Session::new(suite, premaster_secret, session_hash, [0; 32], [0; 32]);
        *session.master_secret()
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
            .filter_map(|record| {
                layer
                    .open(&record.header, record.payload)
                    .ok()
                    .map(|p| p.to_vec())
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

/// A client that is connected, with these keys for both directions.
#[must_use]
pub fn connected(
    config: Arc<Config>,
    key: &[u8; 16],
    implicit_iv: &[u8; 4],
    now: Instant,
) -> Option<Connection> {
    let [suite] = Suite::ALL;
    let protection = || Protection::new(suite.aead, key, implicit_iv).ok();
    let session = Session::from_master_secret(suite, &[0; 48], [0; 32], [0; 32]);
    Some(Connection::connected(
        config,
        session,
        protection()?,
        protection()?,
        now,
    ))
}
