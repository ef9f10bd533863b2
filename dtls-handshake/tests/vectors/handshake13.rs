//! A captured handshake of DTLS 1.3: its key schedule, records, transcript and signatures.
//!
//! Left out are the private keys of the exchange, which cannot be handed to the library beneath.

use dtls_handshake::HashAlgorithm;
use dtls_handshake::testing::{self, KeySchedule13, TrafficSecret};
use serde_json::Value;

use crate::cases::{Cases, array, bytes, digest, list, number, optional_bytes, text};
use crate::records13::{check_keys, expected, suite};
use crate::rfc8448::first_certificate;

const HANDSHAKE: u8 = 22;
const ACK: u8 = 26;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;

pub(crate) fn handshake(cases: &mut Cases, name: &str, file: &Value) {
    let captured = Captured(file);
    cases.check(format!("{name} hellos"), || captured.hellos());
    cases.check(format!("{name} secrets"), || captured.secrets());
    for keys in file["traffic_keys"].as_object().unwrap().keys() {
        cases.check(format!("{name} {keys} keys"), || captured.keys(keys));
    }
    for (number, record) in list(&file["records"]).iter().enumerate() {
        let of = format!("{} {}", text(&record["sender"]), text(&record["name"]));
        cases.check(format!("{name} record {number}: {of}"), || {
            captured.record(record);
        });
    }
    cases.check(format!("{name} transcript"), || captured.transcript());
    cases.check(format!("{name} exporter and next secrets"), || {
        captured.derived();
    });
}

struct Captured<'a>(&'a Value);

impl Captured<'_> {
    fn suite(&self) -> u16 {
        suite(text(&self.0["suite"]))
    }

    fn secret(&self, name: &str) -> Vec<u8> {
        bytes(&self.0["secrets"][format!("{name}_hex")])
    }

    /// The secret that a side writes with in an epoch.
    fn traffic_secret(&self, sender: &str, epoch: u64) -> Vec<u8> {
        match epoch {
            2 => self.secret(&format!("{sender}_handshake_traffic_secret")),
            _ => self.secret(&format!("{sender}_application_traffic_secret_0")),
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        testing::suite_hash(self.suite()).unwrap()
    }

    fn hash(&self, messages: &[u8]) -> Vec<u8> {
        digest(self.hash_algorithm(), messages)
    }

    fn schedule(&self) -> KeySchedule13 {
        let transcript = &self.0["transcript"];
        KeySchedule13::new(
            self.suite(),
            &bytes(&self.0["key_exchange"]["shared_secret_hex"]),
            &bytes(&transcript["ch_sh_hash_hex"]),
            &bytes(&transcript["ch_to_server_finished_hash_hex"]),
        )
        .unwrap()
    }

    fn hellos(&self) {
        for side in ["client", "server"] {
            let mut datagram = bytes(&self.0[format!("{side}_hello_record_hex")]);
            let messages = testing::reassemble([datagram.as_mut_slice()]);
            let [(kind, body)] = &messages[..] else {
                panic!("{messages:?}");
            };
            assert_eq!(testing::read_message(*kind, body), Ok(()));
            let expected = bytes(&self.0["transcript"][format!("{side}_hello_hex")]);
            assert_eq!(with_short_header(*kind, body), expected);
        }
    }

    fn secrets(&self) {
        let hash = self.hash_algorithm();
        let expected = |name: &str| self.secret(name);
        let KeySchedule13 {
            handshake,
            application,
            ..
        } = self.schedule();
        for (side, secrets) in ["client", "server"]
            .iter()
            .zip(handshake.iter().zip(application))
        {
            let name = format!("{side}_handshake_traffic_secret");
            assert_eq!(secrets.0.bytes(), expected(&name));
            let name = format!("{side}_application_traffic_secret_0");
            assert_eq!(secrets.1.bytes(), expected(&name));
        }

        // What stands between them, and is nobody's to see otherwise.
        let shared = bytes(&self.0["key_exchange"]["shared_secret_hex"]);
        let empty = self.hash(&[]);
        let zeros = vec![0; empty.len()];
        let derive = |secret: &[u8], label, context: &[u8]| {
            testing::hkdf_expand_label(hash, secret, label, context, zeros.len())
        };
        let extract = |salt: &[u8], input: &[u8]| testing::hkdf_extract(hash, salt, input);
        assert_eq!(extract(&[], &zeros), expected("early_secret"));
        let early = expected("early_secret");
        assert_eq!(derive(&early, "derived", &empty), expected("derived_1"));
        let salt = expected("derived_1");
        assert_eq!(extract(&salt, &shared), expected("handshake_secret"));
        let secret = expected("handshake_secret");
        assert_eq!(derive(&secret, "derived", &empty), expected("derived_2"));
        let salt = expected("derived_2");
        assert_eq!(extract(&salt, &zeros), expected("master_secret"));
        let (master, finished) = (
            expected("master_secret"),
            bytes(&self.0["transcript"]["ch_to_server_finished_hash_hex"]),
        );
        let exporter = derive(&master, "exp master", &finished);
        assert_eq!(exporter, expected("exporter_master_secret"));
        for side in ["client", "server"] {
            let secret = expected(&format!("{side}_handshake_traffic_secret"));
            let key = expected(&format!("{side}_finished_key"));
            assert_eq!(derive(&secret, "finished", &[]), key);
        }
    }

    /// `name` is such as `server_handshake`.
    fn keys(&self, name: &str) {
        let (sender, part) = name.split_once('_').unwrap();
        let epoch = if part == "handshake" { 2 } else { 3 };
        let keys = &self.0["traffic_keys"][name];
        let fields = [
            ("key", &keys["key_hex"]),
            ("iv", &keys["iv_hex"]),
            ("sn", &keys["sn_hex"]),
        ];
        check_keys(self.suite(), &self.traffic_secret(sender, epoch), fields);
    }

    fn record(&self, record: &Value) {
        let [epoch, sequence] = ["epoch", "sequence_number"].map(|name| number(&record[name]));
        let content = number(&record["content_type"]) as u8;
        let (payload, protected) = (
            bytes(&record["content_hex"]),
            bytes(&record["protected_record_hex"]),
        );
        let secret = self.traffic_secret(text(&record["sender"]), epoch);
        let secret = TrafficSecret::new(self.suite(), &secret).unwrap();
        let opened = secret.open(epoch, sequence, &mut protected.clone());
        assert_eq!(opened, [expected(epoch, sequence, content, &payload)]);
        let sealed = secret.seal(epoch, sequence, content, &payload).unwrap();
        assert_eq!(hex::encode(sealed), hex::encode(&protected));

        assert_eq!(protected[..1], bytes(&record["first_byte"]));
        assert_eq!(protected[1..3], bytes(&record["encrypted_sn_hex"]));
        let (key, sample) = (
            bytes(&record["sn_key_hex"]),
            array(&record["sn_sample_hex"]),
        );
        let mask = testing::record_number_mask(self.suite(), &key, &sample).unwrap();
        assert_eq!(mask, bytes(&record["sn_mask_hex"])[..2]);
        let inner = [&payload[..], &[content]].concat();
        assert_eq!(inner, bytes(&record["inner_plaintext_hex"]));
        if content == ACK {
            let expected: Vec<_> = list(&self.0["ack_record_numbers"])
                .iter()
                .map(|row| (number(&row["epoch"]), number(&row["sequence_number"])))
                .collect();
            assert_eq!(testing::read_ack(&payload), Some(expected));
        }
    }

    /// The protected handshake messages, in their order: who sent them, type, body.
    fn protected_messages(&self) -> Vec<(&str, u8, Vec<u8>)> {
        list(&self.0["records"])
            .iter()
            .filter(|record| record["content_type"] == HANDSHAKE)
            .map(|record| {
                let message = bytes(&record["content_hex"]);
                // Each came whole, behind a header of 12 bytes.
                (text(&record["sender"]), message[0], message[12..].to_vec())
            })
            .collect()
    }

    /// Hashes, CertificateVerify and both Finished.
    fn transcript(&self) {
        let transcript = &self.0["transcript"];
        let mut messages = bytes(&transcript["client_hello_hex"]);
        messages.extend(bytes(&transcript["server_hello_hex"]));
        let assert_hash = |name: &str, messages: &[u8]| {
            if let Some(expected) = optional_bytes(&transcript[name]) {
                assert_eq!(self.hash(messages), expected, "{name}");
            }
        };
        assert_hash("ch_sh_hash_hex", &messages);
        let mut certificate = Vec::new();
        for (sender, kind, body) in self.protected_messages() {
            assert_eq!(testing::read_message_13(kind, &body), Ok(()));
            match kind {
                11 => certificate = first_certificate(&body).to_vec(),
                CERTIFICATE_VERIFY => {
                    if sender == "server" {
                        assert_hash("ch_to_certificate_hash_hex", &messages);
                    }
                    self.signature(sender, &certificate, &body, &self.hash(&messages));
                }
                FINISHED => {
                    let secret = self.traffic_secret(sender, 2);
                    let secret = TrafficSecret::new(self.suite(), &secret).unwrap();
                    assert_eq!(secret.verify_data(&self.hash(&messages)), body);
                }
                _ => {}
            }
            messages.extend(with_short_header(kind, &body));
            match (sender, kind) {
                ("server", CERTIFICATE_VERIFY) => {
                    assert_hash("ch_to_certificate_verify_hash_hex", &messages);
                }
                ("server", FINISHED) => {
                    assert_hash("ch_to_server_finished_hash_hex", &messages);
                }
                _ => {}
            }
        }
        let hash = self.hash_algorithm();
        let (master, all) = (self.secret("master_secret"), self.hash(&messages));
        let resumption = testing::hkdf_expand_label(hash, &master, "res master", &all, all.len());
        assert_eq!(resumption, self.secret("resumption_master_secret"));
    }

    /// RFC 8446 §4.4.3.
    fn signature(&self, sender: &str, certificate: &[u8], body: &[u8], hash: &[u8]) {
        let purpose = format!("TLS 1.3, {sender} CertificateVerify\0");
        let signed = [&[b' '; 64], purpose.as_bytes(), hash].concat();
        if sender == "server" {
            assert_eq!(signed, bytes(&self.0["certificate_verify_content_hex"]));
        }
        let scheme = u16::from_be_bytes([body[0], body[1]]);
        let verifies =
            |signed: &[u8]| testing::signature_verifies(certificate, scheme, signed, &body[4..]);
        assert!(verifies(&signed) && !verifies(&signed[1..]));
    }

    fn derived(&self) {
        let derived = &self.0["derived"];
        let schedule = self.schedule();
        for row in list(&derived["exporters"]) {
            let context = optional_bytes(&row["context_hex"]);
            let mut out = vec![0; number(&row["length"]) as usize];
            let label = text(&row["label"]);
            schedule
                .export(label, context.as_deref(), &mut out)
                .unwrap();
            assert_eq!(out, bytes(&row["output_hex"]), "{row}");
        }
        for side in ["client", "server"] {
            let secret = self.traffic_secret(side, 3);
            let secret = TrafficSecret::new(self.suite(), &secret).unwrap();
            let expected = &derived[format!("{side}_application_traffic_secret_1_hex")];
            assert_eq!(secret.next().bytes(), bytes(expected));
        }
    }
}

/// The header that transcripts of DTLS 1.3 have: type and length (RFC 9147 §5.2).
fn with_short_header(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}
