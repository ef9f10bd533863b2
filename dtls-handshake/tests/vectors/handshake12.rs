//! Captured handshakes of DTLS 1.2: every record is cut and opened as it was, every message is
//! read, and the signatures, Finished values and exported keys are the same.
//!
//! Nonces and additional data of the records have no check of their own: a record opens only with
//! the right ones.

use dtls_handshake::testing::{self, FragmentShape, KeySchedule, RecordShape};
use dtls_handshake::{CipherSuite, Fingerprint, HashAlgorithm};
use serde_json::Value;

use crate::cases::{Cases, array, bytes, digest, list, number, text};
use crate::schedule12::{KEY_BLOCK, exporter, joined};

/// Handshake message types by the names in the files.
const MESSAGES: [(&str, u8); 13] = [
    ("hello_request", 0),
    ("client_hello", 1),
    ("server_hello", 2),
    ("hello_verify_request", 3),
    ("new_session_ticket", 4),
    ("certificate", 11),
    ("server_key_exchange", 12),
    ("certificate_request", 13),
    ("server_hello_done", 14),
    ("certificate_verify", 15),
    ("client_key_exchange", 16),
    ("finished", 20),
    ("certificate_status", 22),
];
const EXTENDED_MASTER_SECRET: [u8; 4] = [0, 23, 0, 0];

fn message_type(name: &Value) -> u8 {
    let name = text(name);
    let known = MESSAGES.iter().find(|(known, _)| *known == name);
    known.unwrap_or_else(|| panic!("{name}")).1
}

fn content_type(name: &Value) -> u8 {
    match text(name) {
        "change_cipher_spec" => 20,
        "alert" => 21,
        "handshake" => 22,
        "application_data" => 23,
        other => panic!("{other}"),
    }
}

pub(crate) fn handshake(cases: &mut Cases, name: &str, file: &Value) {
    let captured = Captured(file);
    cases.check(format!("{name} suite and keys"), || captured.keys());
    cases.check(format!("{name} records"), || captured.records());
    cases.check(format!("{name} protected records"), || captured.opened());
    cases.check(format!("{name} messages"), || captured.messages());
    cases.check(format!("{name} transcript and Finished"), || {
        captured.finished();
    });
    cases.check(format!("{name} certificate"), || captured.certificate());
    cases.check(format!("{name} signature of ServerKeyExchange"), || {
        captured.server_signature();
    });
    if file["flags"]["client_certificate"] == true {
        cases.check(format!("{name} signature of CertificateVerify"), || {
            captured.client_signature();
        });
    }
    cases.check(format!("{name} exporter"), || {
        exporter(&captured.schedule(), &file["exporter"]);
    });
}

struct Captured<'a>(&'a Value);

impl Captured<'_> {
    fn schedule(&self) -> KeySchedule {
        KeySchedule::new(
            self.suite(),
            &array(&self.0["master_secret_hex"]),
            array(&self.0["client_random_hex"]),
            array(&self.0["server_random_hex"]),
        )
        .unwrap_or_else(|| panic!("no such cipher suite: {}", self.0["suite"]))
    }

    /// Who sent it, and the whole message with its header of 12 bytes.
    fn transcript(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        let messages = list(&self.0["transcript_messages"]).iter();
        messages.map(|message| (text(&message["sender"]), bytes(&message["hex"])))
    }

    fn message(&self, sender: &str, name: &str) -> Vec<u8> {
        let messages = list(&self.0["transcript_messages"]).iter();
        let mut named =
            messages.filter(|message| message["sender"] == sender && message["msg"] == name);
        bytes(&named.next().unwrap()["hex"])
    }

    /// Out of the ServerHello: behind header, version, random and session id.
    fn suite(&self) -> u16 {
        let hello = self.message("server", "server_hello");
        let at = 12 + 2 + 32 + 1 + usize::from(hello[46]);
        u16::from_be_bytes([hello[at], hello[at + 1]])
    }

    fn hash(&self) -> HashAlgorithm {
        if text(&self.0["suite"]).ends_with("SHA384") {
            HashAlgorithm::Sha384
        } else {
            HashAlgorithm::Sha256
        }
    }

    fn keys(&self) {
        let registered = CipherSuite::from(self.suite()).to_string();
        let ours = registered
            .replace("TLS_", "")
            .replace("_WITH", "")
            .replace("AES_", "AES")
            .replace('_', "-");
        let theirs = text(&self.0["suite"]);
        assert!(ours.starts_with(theirs), "{ours}, {theirs}");
        let expected = bytes(&self.0["key_block_hex"]);
        let (client, server) = (&self.0["client_random_hex"], &self.0["server_random_hex"]);
        let seed = [bytes(server), bytes(client)].concat();
        let secret = bytes(&self.0["master_secret_hex"]);
        let mut out = vec![0; expected.len()];
        testing::prf(self.hash(), &secret, "key expansion", &seed, &mut out);
        assert_eq!(out, expected);
        assert_eq!(joined(&self.0["keys"], &KEY_BLOCK), expected);
    }

    fn records(&self) {
        for datagram in list(&self.0["datagrams"]) {
            let found = testing::records(&mut bytes(&datagram["hex"]));
            let expected = list(&datagram["records"]);
            assert_eq!(found.len(), expected.len());
            for ((shape, payload), expected) in found.into_iter().zip(expected) {
                assert_eq!(shape, record_shape(expected));
                if let Some(fragments) = expected.get("fragments") {
                    let fragments: Vec<_> = list(fragments).iter().map(fragment_shape).collect();
                    assert_eq!(testing::fragments(&payload), fragments);
                }
            }
        }
    }

    fn opened(&self) {
        let schedule = self.schedule();
        for datagram in list(&self.0["datagrams"]) {
            let expected: Vec<_> = list(&datagram["records"])
                .iter()
                .filter_map(|record| record.get("decrypted"))
                .map(|decrypted| bytes(&decrypted["plaintext_hex"]))
                .collect();
            let from_client = datagram["sender"] == "client";
            let opened = schedule.open(from_client, &mut bytes(&datagram["hex"]));
            assert_eq!(opened, expected);
        }
    }

    /// The captured fragments, put together, are the messages of the transcript, and with them the
    /// ClientHello and the HelloVerifyRequest that a transcript leaves out; every one parses.
    fn messages(&self) {
        let flags = &self.0["flags"];
        for sender in ["client", "server"] {
            let mut datagrams: Vec<_> = list(&self.0["datagrams"])
                .iter()
                .filter(|datagram| datagram["sender"] == sender)
                .map(|datagram| bytes(&datagram["hex"]))
                .collect();
            let mut found = testing::reassemble(datagrams.iter_mut().map(Vec::as_mut_slice));
            for (kind, body) in &found {
                assert_eq!(testing::read_message(*kind, body), Ok(()));
            }
            if flags["hello_verify_request"] == true {
                let first = found.remove(0).0;
                assert_eq!(first, if sender == "client" { 1 } else { 3 });
            }
            let expected: Vec<_> = self
                .transcript()
                .filter(|(from, _)| *from == sender)
                .map(|(_, message)| (message[0], message[12..].to_vec()))
                .collect();
            assert_eq!(found, expected);
            let has = |kind| found.iter().any(|message| message.0 == kind);
            let flag = |name: &str| flags[name] == true;
            if sender == "client" {
                assert_eq!(has(11), flag("client_certificate"));
            } else {
                assert_eq!(has(4), flag("new_session_ticket"));
                let hello = &found[0].1;
                let agreed = hello.windows(4).any(|part| part == EXTENDED_MASTER_SECRET);
                assert_eq!(agreed, flag("extended_master_secret"));
            }
        }
        for message in list(&self.0["transcript_messages"]) {
            let bytes = bytes(&message["hex"]);
            assert_eq!(bytes[0], message_type(&message["msg"]));
            let sequence = u16::from_be_bytes([bytes[4], bytes[5]]);
            assert_eq!(u64::from(sequence), number(&message["message_seq"]));
        }
    }

    /// What the server says behind ClientKeyExchange comes after the client's Finished.
    fn finished(&self) {
        let hash = self.hash();
        let schedule = self.schedule();
        let (mut transcript, mut after, mut exchanged) = (Vec::new(), Vec::new(), false);
        for (sender, message) in self.transcript() {
            if exchanged && sender == "server" {
                after.extend(message);
                continue;
            }
            let is_exchange = message[0] == 16;
            transcript.extend(message);
            if is_exchange {
                exchanged = true;
                let expected = &self.0["session_hash_through_client_key_exchange_hex"];
                assert_eq!(digest(hash, &transcript), bytes(expected));
            }
        }
        for side in ["client", "server"] {
            let value = digest(hash, &transcript);
            assert_eq!(value, bytes(&self.0[format!("{side}_finished_hash_hex")]));
            let verify_data = schedule.verify_data(side == "client", &value);
            let expected = array(&self.0[format!("{side}_verify_data_hex")]);
            assert_eq!(verify_data, expected);
            transcript.extend(self.finished_of(side));
            assert_eq!(transcript[transcript.len() - 12..], expected);
            transcript.extend(core::mem::take(&mut after));
        }
    }

    /// The first protected handshake message of a side.
    fn finished_of(&self, side: &str) -> Vec<u8> {
        let datagrams = list(&self.0["datagrams"]).iter();
        let records = datagrams
            .filter(|datagram| datagram["sender"] == side)
            .flat_map(|datagram| list(&datagram["records"]));
        let mut protected = records
            .filter(|record| record["type"] == "handshake")
            .filter_map(|record| record.get("decrypted"));
        bytes(&protected.next().unwrap()["plaintext_hex"])
    }

    fn certificate(&self) {
        let certificate = bytes(&self.0["server_certificate_der_hex"]);
        assert!(testing::read_certificate(&certificate));
        let fingerprint = Fingerprint::of(HashAlgorithm::Sha256, &certificate).to_string();
        let expected = text(&self.0["server_certificate_sha256_fingerprint"]);
        assert_eq!(fingerprint, format!("sha-256 {expected}"));
        let sent = self.message("server", "certificate");
        assert_eq!(first_certificate(&sent[12..]), certificate);
    }

    /// RFC 8422 §5.4: over both randoms and the parameters.
    fn server_signature(&self) {
        let message = self.message("server", "server_key_exchange");
        let body = &message[12..];
        let (parameters, signature) = body.split_at(4 + usize::from(body[3]));
        let (client, server) = (&self.0["client_random_hex"], &self.0["server_random_hex"]);
        let signed = [&bytes(client)[..], &bytes(server), parameters].concat();
        let certificate = bytes(&self.0["server_certificate_der_hex"]);
        assert_verifies(&certificate, signature, &signed);
    }

    /// RFC 5246 §7.4.8: over all messages before it.
    fn client_signature(&self) {
        let before = self
            .transcript()
            .take_while(|(_, message)| message[0] != 15);
        let signed: Vec<u8> = before.flat_map(|(_, message)| message).collect();
        let certificate = self.message("client", "certificate");
        let verify = self.message("client", "certificate_verify");
        assert_verifies(
            first_certificate(&certificate[12..]),
            &verify[12..],
            &signed,
        );
    }
}

/// `signature` begins with its scheme and its length; and it is about nothing else.
fn assert_verifies(certificate: &[u8], signature: &[u8], signed: &[u8]) {
    let scheme = u16::from_be_bytes([signature[0], signature[1]]);
    let verifies =
        |signed: &[u8]| testing::signature_verifies(certificate, scheme, signed, &signature[4..]);
    assert!(verifies(signed));
    assert!(!verifies(&signed[1..]));
}

/// The body of a Certificate begins with the lengths of the list and of its first certificate.
fn first_certificate(body: &[u8]) -> &[u8] {
    let length = usize::from(body[3]) << 16 | usize::from(body[4]) << 8 | usize::from(body[5]);
    &body[6..6 + length]
}

fn record_shape(record: &Value) -> RecordShape {
    RecordShape {
        content: content_type(&record["type"]),
        version: u16::from_str_radix(text(&record["version"]), 16).unwrap(),
        epoch: number(&record["epoch"]) as u16,
        sequence: number(&record["seq"]),
        length: number(&record["length"]) as usize,
    }
}

fn fragment_shape(fragment: &Value) -> FragmentShape {
    FragmentShape {
        kind: message_type(&fragment["msg"]),
        length: number(&fragment["msg_len"]) as usize,
        message_seq: number(&fragment["message_seq"]) as u16,
        offset: number(&fragment["frag_off"]) as usize,
        fragment_length: number(&fragment["frag_len"]) as usize,
    }
}
