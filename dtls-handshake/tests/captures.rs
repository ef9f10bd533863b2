//! Captured handshakes of browsers whose keys are in a key log: every protected record opens, and
//! what both sides proved to each other is what our key schedule says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

use std::collections::BTreeMap;
use std::path::PathBuf;

use dtls_handshake::testing::{self, KeySchedule, OpenedRecord, TrafficSecret};
use dtls_handshake::{Fingerprint, HashAlgorithm};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;

fn captures() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures").into()
}

/// The lines of a key log, by label and client random.
struct KeyLog(BTreeMap<(String, String), Vec<u8>>);

impl KeyLog {
    fn read() -> Option<Self> {
        let path = captures().join("pcap/firefox-keylog.txt");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("not there, nothing checked: {}", path.display());
            return None;
        };
        let mut lines = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let [label, random, secret] = line.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            let key = (label.to_owned(), random.to_owned());
            lines.insert(key, hex::decode(secret).unwrap());
        }
        Some(Self(lines))
    }

    fn secret(&self, label: &str, client_random: &[u8]) -> &[u8] {
        &self.0[&(label.to_owned(), hex::encode(client_random))]
    }
}

/// A message: type, number, body.
type Message = (u8, u16, Vec<u8>);

/// The datagrams of a capture, each with whether the client sent it.
struct Capture(Vec<(bool, Vec<u8>)>);

impl Capture {
    fn read(name: &str) -> Self {
        let base = captures().join("packets/dtls").join(name);
        let read = |extension| std::fs::read_to_string(base.with_extension(extension)).unwrap();
        let (flow, datagrams) = (read("flow"), read("hex"));
        let sender = |line: &str| line.split(' ').next().unwrap().to_owned();
        let client = sender(flow.lines().next().unwrap());
        let datagrams = flow.lines().zip(datagrams.lines());
        Self(
            datagrams
                .map(|(flow, hex)| (sender(flow) == client, hex::decode(hex).unwrap()))
                .collect(),
        )
    }

    fn of(&self, client: bool) -> impl Iterator<Item = Vec<u8>> {
        let sent = self.0.iter().filter(move |(from, _)| *from == client);
        sent.map(|(_, datagram)| datagram.clone())
    }

    /// The messages that one side sent in the clear. None of these captures has a cookie.
    fn messages(&self, client: bool) -> Vec<Message> {
        let mut datagrams: Vec<_> = self.of(client).collect();
        testing::reassemble(datagrams.iter_mut().map(Vec::as_mut_slice))
            .into_iter()
            .zip(0..)
            .map(|((kind, body), number)| (kind, number, body))
            .collect()
    }
}

/// With the header of 12 bytes that transcripts of DTLS 1.2 have (RFC 6347 §4.2.6).
fn whole((kind, number, body): &Message) -> Vec<u8> {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    [
        &[*kind],
        length,
        &number.to_be_bytes(),
        &[0; 3],
        length,
        body,
    ]
    .concat()
}

#[test]
fn a_handshake_of_dtls_1_2_opens_with_its_key_log() {
    let Some(log) = KeyLog::read() else { return };
    let capture = Capture::read("firefox-aiortc-dtls12-keylogged");
    let (client, server) = (capture.messages(true), capture.messages(false));
    assert_eq!((client[0].0, server[0].0), (CLIENT_HELLO, SERVER_HELLO));
    let client_random: [u8; 32] = client[0].2[2..34].try_into().unwrap();
    let hello = &server[0].2;
    let server_random: [u8; 32] = hello[2..34].try_into().unwrap();
    let at = 35 + usize::from(hello[34]);
    let suite = u16::from_be_bytes([hello[at], hello[at + 1]]);
    let secret = log.secret("CLIENT_RANDOM", &client_random);
    let secret: [u8; 48] = secret.try_into().unwrap();
    let schedule = KeySchedule::new(suite, &secret, client_random, server_random).unwrap();

    let mut finished = [None, None];
    let mut opened = [0, 0];
    for (from_client, mut datagram) in capture.0.clone() {
        let records = testing::records(&mut datagram.clone());
        let protected = records.iter().filter(|(shape, _)| shape.epoch == 1);
        let shapes: Vec<_> = protected.map(|(shape, _)| *shape).collect();
        let payloads = schedule.open(from_client, &mut datagram);
        assert_eq!(payloads.len(), shapes.len(), "not every record opens");
        opened[usize::from(from_client)] += payloads.len();
        for (shape, payload) in shapes.iter().zip(payloads) {
            match shape.content {
                22 => finished[usize::from(from_client)] = Some(payload),
                // SCTP of data channels, from and to port 5000.
                23 => assert_eq!(payload[..4], [0x13, 0x88, 0x13, 0x88]),
                _ => assert_eq!(payload.len(), 2),
            }
        }
    }
    assert!(opened[0] > 5 && opened[1] > 5, "{opened:?}");

    let first_flights = [&client[..1], &server[..], &client[1..]].concat();
    let mut transcript: Vec<u8> = first_flights.iter().flat_map(whole).collect();
    let kinds: Vec<_> = first_flights.iter().map(|message| message.0).collect();
    assert!(kinds.contains(&SERVER_HELLO_DONE) && kinds.ends_with(&[CERTIFICATE_VERIFY]));
    for from_client in [true, false] {
        let digest = Fingerprint::of(HashAlgorithm::Sha256, &transcript);
        let said = finished[usize::from(from_client)].take().unwrap();
        assert_eq!(said[0], FINISHED);
        let expected = schedule.verify_data(from_client, digest.bytes());
        assert_eq!(said[12..], expected);
        transcript.extend(said);
    }
}

/// How many records with the header of RFC 9147 §4 a datagram has.
fn unified_records(mut datagram: &[u8]) -> usize {
    let mut count = 0;
    while let Some(first) = datagram.first() {
        let unified = first & 0xE0 == 0x20;
        // These captures have numbers of 16 bits and lengths throughout.
        let (length_at, header) = if unified { (3, 5) } else { (11, 13) };
        let length = u16::from_be_bytes([datagram[length_at], datagram[length_at + 1]]);
        count += usize::from(unified);
        datagram = &datagram[header + usize::from(length)..];
    }
    count
}

/// What one side sent in a handshake of DTLS 1.3.
struct Sent {
    /// All messages, with the header of 4 bytes that transcripts have (RFC 9147 §5.2).
    messages: Vec<Vec<u8>>,
    /// What was opened and is no handshake message.
    others: Vec<OpenedRecord>,
}

impl Sent {
    /// Opens everything with the secrets of the two epochs.
    fn open(datagrams: impl Iterator<Item = Vec<u8>>, secrets: &[TrafficSecret; 2]) -> Self {
        let mut others = Vec::new();
        let mut plain = Vec::new();
        for datagram in datagrams {
            let records: Vec<_> = secrets
                .iter()
                .zip([2, 3])
                .flat_map(|(secret, epoch)| secret.open(epoch, 0, &mut datagram.clone()))
                .collect();
            assert_eq!(
                records.len(),
                unified_records(&datagram),
                "not every record opens"
            );
            plain.push(datagram);
            for record in records {
                if record.content == Some(22) {
                    plain.push(in_the_clear(&record.payload));
                } else {
                    others.push(record);
                }
            }
        }
        let messages = testing::reassemble(plain.iter_mut().map(Vec::as_mut_slice));
        for (kind, body) in &messages {
            assert_eq!(testing::read_message_13(*kind, body), Ok(()));
        }
        let with_header = |(kind, body): &(u8, Vec<u8>)| {
            [&[*kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
        };
        Self {
            messages: messages.iter().map(with_header).collect(),
            others,
        }
    }

    fn kinds(&self) -> Vec<u8> {
        self.messages.iter().map(|message| message[0]).collect()
    }
}

/// An unprotected record with this payload.
fn in_the_clear(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let header = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
    [&header, &length[..], payload].concat()
}

/// Of the body of a Certificate without context.
fn first_certificate(message: &[u8]) -> &[u8] {
    let length = u32::from_be_bytes([0, message[8], message[9], message[10]]);
    &message[11..11 + length as usize]
}

#[test]
fn a_handshake_of_dtls_1_3_opens_with_its_key_log() {
    let Some(log) = KeyLog::read() else { return };
    let capture = Capture::read("firefox-firefox-call-dtls13-keylogged");
    let hello = |client| capture.of(client).next().unwrap();
    let client_random = hello(true)[27..59].to_vec();
    let server_hello = hello(false);
    let at = 60 + usize::from(server_hello[59]);
    let suite = u16::from_be_bytes([server_hello[at], server_hello[at + 1]]);
    let secret =
        |label: &str| TrafficSecret::new(suite, log.secret(label, &client_random)).unwrap();
    let secrets = |side: &str| {
        let handshake = secret(&format!("{side}_HANDSHAKE_TRAFFIC_SECRET"));
        [handshake, secret(&format!("{side}_TRAFFIC_SECRET_0"))]
    };
    let client = Sent::open(capture.of(true), &secrets("CLIENT"));
    let server = Sent::open(capture.of(false), &secrets("SERVER"));
    // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
    assert_eq!(server.kinds()[..6], [SERVER_HELLO, 8, 13, 11, 15, FINISHED]);
    assert_eq!(client.kinds(), [CLIENT_HELLO, 11, 15, FINISHED]);

    let hash = testing::suite_hash(suite).unwrap();
    let first_flights = [
        &client.messages[..1],
        &server.messages[..6],
        &client.messages[1..],
    ];
    let mut transcript: Vec<u8> = Vec::new();
    let mut certificate: &[u8] = &[];
    for (at, message) in first_flights.concat().iter().enumerate() {
        let side = if (1..7).contains(&at) {
            "server"
        } else {
            "client"
        };
        let digest = Fingerprint::of(hash, &transcript);
        match message[0] {
            11 => certificate = first_certificate(message),
            CERTIFICATE_VERIFY => {
                let purpose = format!("TLS 1.3, {side} CertificateVerify\0");
                let signed = [&[b' '; 64], purpose.as_bytes(), digest.bytes()].concat();
                let scheme = u16::from_be_bytes([message[4], message[5]]);
                let verifies =
                    testing::signature_verifies(certificate, scheme, &signed, &message[8..]);
                assert!(verifies, "{side}");
            }
            FINISHED => {
                let [secret, _] = secrets(&side.to_uppercase());
                assert_eq!(secret.verify_data(digest.bytes()), message[4..], "{side}");
            }
            _ => {}
        }
        transcript.extend(message);
    }
    // The server acknowledges the client's Finished, which has no answer otherwise.
    let mut acks = server
        .others
        .iter()
        .filter(|record| record.content == Some(26));
    let numbers = testing::read_ack(&acks.next().unwrap().payload).unwrap();
    assert!(!numbers.is_empty() && numbers.iter().all(|(epoch, _)| *epoch == 2));
}
