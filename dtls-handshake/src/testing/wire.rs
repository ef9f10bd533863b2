//! Records, fragments and messages.

use bytes::BytesMut;

use crate::connection::Connection;
use crate::handshake::{Fragment, Inbox};
use crate::message::{
    Certificate, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, Finished,
    HelloVerifyRequest, ServerHello, ServerKeyExchange, v13,
};
use crate::record::{PLAIN, Record, Records};
use crate::wire::{DecodeError, HandshakeType, Reader};

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

/// As `read_message`, in the form that messages have in DTLS 1.3.
///
/// # Errors
/// The name of the field that is malformed.
pub fn read_message_13(kind: u8, body: &[u8]) -> Result<(), &'static str> {
    let read = |body| -> Result<(), DecodeError> {
        match HandshakeType::from(kind) {
            HandshakeType::EncryptedExtensions => v13::EncryptedExtensions::read(body).map(drop),
            HandshakeType::Certificate => v13::Certificate::read(body).map(drop),
            HandshakeType::CertificateRequest => v13::CertificateRequest::read(body).map(drop),
            // As long as the hash function's output, which the reader has to be told.
            HandshakeType::Finished => Ok(()),
            _ => read_message(kind, body).map_err(DecodeError),
        }
    };
    read(body).map_err(|DecodeError(what)| what)
}

/// The record numbers of an acknowledgement: epochs and sequence numbers (RFC 9147 §7).
#[must_use]
pub fn read_ack(body: &[u8]) -> Option<Vec<(u64, u64)>> {
    let ack = v13::Ack::read(body).ok()?;
    let numbers = ack.iter().map(|number| (number.epoch, number.sequence));
    Some(numbers.collect())
}

/// What the header of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordShape {
    /// The content type.
    pub content: u8,
    /// The version, such as 0xFEFD.
    pub version: u16,
    /// The epoch.
    pub epoch: u16,
    /// The sequence number.
    pub sequence: u64,
    /// The length of the payload in bytes.
    pub length: usize,
}

/// What the header of a fragment of a handshake message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentShape {
    /// The type of the message.
    pub kind: u8,
    /// The length of the message in bytes.
    pub length: usize,
    /// The number of the message.
    pub message_seq: u16,
    /// Where in the message the fragment stands.
    pub offset: usize,
    /// The length of the fragment in bytes.
    pub fragment_length: usize,
}

/// The records of a datagram that have a well-formed header of 13 bytes, each with its payload.
#[must_use]
pub fn records(datagram: &mut [u8]) -> Vec<(RecordShape, Vec<u8>)> {
    Records::new(datagram)
        .flatten()
        .filter_map(|record| match record {
            Record::Explicit { header, payload } => {
                let shape = RecordShape {
                    content: header.content.into(),
                    version: header.version,
                    epoch: header.epoch,
                    sequence: header.sequence,
                    length: payload.len(),
                };
                Some((shape, payload.to_vec()))
            }
            Record::Unified { .. } => None,
        })
        .collect()
}

/// The fragments in the payload of a handshake record, up to the first that is malformed.
#[must_use]
pub fn fragments(payload: &[u8]) -> Vec<FragmentShape> {
    let mut reader = Reader::new(payload);
    let mut shapes = Vec::new();
    while let Ok(fragment) = Fragment::read(&mut reader) {
        shapes.push(FragmentShape {
            kind: fragment.kind.into(),
            length: fragment.length,
            message_seq: fragment.message_seq,
            offset: fragment.offset,
            fragment_length: fragment.bytes.len(),
        });
    }
    shapes
}

/// A datagram with one record of this connection, in its newest epoch or one that is so many
/// before: what a peer that has the keys, and does not keep the rules, could send.
#[must_use]
pub fn speak(
    connection: &mut Connection,
    before: u64,
    content: u8,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let records = connection.records();
    let epoch = records.write_epoch().checked_sub(before)?;
    let mut out = BytesMut::new();
    records
        .write(epoch, content.into(), &[payload], &mut out)
        .ok()?;
    Some(out.to_vec())
}

/// Puts the plaintext handshake fragments of datagrams together, as a connection does, and
/// returns each message whose turn came: type and body.
#[must_use]
pub fn reassemble<'a>(datagrams: impl IntoIterator<Item = &'a mut [u8]>) -> Vec<(u8, Vec<u8>)> {
    let mut inbox = Inbox::new();
    let mut messages = Vec::new();
    for datagram in datagrams {
        for record in Records::new(datagram).flatten() {
            let Record::Explicit { payload, .. } = record else {
                continue;
            };
            let mut reader = Reader::new(payload);
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
