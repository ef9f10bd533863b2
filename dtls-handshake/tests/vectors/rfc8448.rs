//! Handshakes of TLS 1.3 that RFC 8448 prints: each step's extraction, expansion, Finished and
//! record. The labels there begin with `tls13 ` where those of DTLS begin with `dtls13`
//! (RFC 9147 §5.9), so that whole labels are given and the prefix has a check of its own.
//!
//! Left out are private keys, which cannot be handed to the library beneath, and signatures by RSA
//! keys of 1024 bits, which it refuses.

use std::collections::BTreeMap;

use dtls_handshake::HashAlgorithm;
use dtls_handshake::testing;
use serde_json::Value;

use crate::cases::{Cases, bytes, digest, list, number, text};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
/// The random of a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: &str = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
/// The length of the random's place in front of a hello: header and version.
const RANDOM_AT: usize = 4 + 2;

/// A step of the RFC.
struct Step<'a>(&'a Value);

impl Step<'_> {
    fn action(&self) -> &str {
        text(&self.0["action"])
    }

    fn party(&self) -> &str {
        text(&self.0["party"])
    }

    /// A field's bytes; those of one that is written in words are all zero.
    fn field(&self, name: &str) -> Vec<u8> {
        let mut named = list(&self.0["fields"])
            .iter()
            .filter(|field| field["name"] == name);
        let field = named.next().unwrap_or_else(|| panic!("no {name}"));
        field.get("hex").map(bytes).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        list(&self.0["fields"]).is_empty()
    }
}

/// The two sides' keys and IVs, by who writes with them.
type Keys = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

/// What is known behind a step.
struct Run {
    hash: HashAlgorithm,
    transcript: Vec<u8>,
    /// All values of the hash of the transcript so far.
    hashes: Vec<Vec<u8>>,
    /// All secrets so far, and what went into them.
    secrets: Vec<Vec<u8>>,
    keys: Keys,
    /// The last certificate that each side sent, in DER.
    certificates: BTreeMap<String, Vec<u8>>,
    /// All that was signed.
    signed: Vec<Vec<u8>>,
}

pub(crate) fn handshake(cases: &mut Cases, name: &str, file: &Value) {
    let steps: Vec<_> = list(&file["steps"]).iter().map(Step).collect();
    let first_secret = steps
        .iter()
        .find(|step| step.action().starts_with("extract"));
    let hash = match first_secret.map(|step| step.field("secret").len()) {
        Some(48) => HashAlgorithm::Sha384,
        _ => HashAlgorithm::Sha256,
    };
    let mut run = Run {
        hash,
        transcript: Vec::new(),
        hashes: Vec::new(),
        secrets: Vec::new(),
        keys: Keys::new(),
        certificates: BTreeMap::new(),
        signed: Vec::new(),
    };
    for (number, step) in steps.iter().enumerate() {
        if !step.is_empty() && run.has_check(step) {
            let name = format!("{name} {number}: {}, {}", step.party(), step.action());
            cases.check(name, || run.step(step));
        }
    }
    if let Some(summary) = file.get("summary") {
        cases.check(format!("{name} summary"), || run.summary(summary));
        let exporters = list(&summary["derived_exporters"]["rows"]);
        let master = &summary["exporter_master_secret_hex"];
        for (number, row) in exporters.iter().enumerate() {
            let name = format!("{name} exporter {number}: {}", row["label"]);
            cases.check(name, || exporter(hash, &bytes(master), row));
        }
    }
    if let Some(expected) = file.get("ch_hrr_ch_sh_hash_hex") {
        cases.check(format!("{name} transcript with a retry"), || {
            assert!(run.hashes.contains(&bytes(expected)));
            assert!(
                run.transcript
                    .starts_with(&bytes(&file["message_hash_hex"]))
            );
        });
    }
}

impl Run {
    /// Making keys for an exchange is the one step that has none.
    fn has_check(&self, step: &Step<'_>) -> bool {
        !step.action().starts_with("create an ephemeral")
    }

    fn step(&mut self, step: &Step<'_>) {
        let action = step.action();
        if action.starts_with("construct") {
            self.message(step);
        } else if action.starts_with("extract secret") {
            let (salt, input) = (step.field("salt"), step.field("IKM"));
            let secret = step.field("secret");
            assert_eq!(testing::hkdf_extract(self.hash, &salt, &input), secret);
            self.secrets.extend([input, secret]);
        } else if action.contains("traffic keys for") {
            self.traffic_keys(step);
        } else if action.starts_with("send") {
            self.record(step);
        } else {
            self.secret(step);
        }
    }

    /// "derive secret", "calculate finished" and "generate resumption secret".
    fn secret(&mut self, step: &Step<'_>) {
        let (secret, context) = (step.field("PRK"), step.field("hash"));
        let (info, expanded) = (step.field("info"), step.field("expanded"));
        let expand = |info: &[u8]| testing::hkdf_expand(self.hash, &secret, info, expanded.len());
        assert_eq!(expand(&info), expanded);
        // The same label of DTLS is what our own labels are.
        let label_length = usize::from(info[2]);
        let label = core::str::from_utf8(&info[3 + 6..3 + label_length]).unwrap();
        let ours = [&info[..3], b"dtls13", &info[3 + 6..]].concat();
        let expected =
            testing::hkdf_expand_label(self.hash, &secret, label, &context, expanded.len());
        assert_eq!(expand(&ours), expected);
        if label.ends_with(" traffic") || label.ends_with(" master") {
            assert!(self.hashes.contains(&context), "{label} of other messages");
        }
        if step.action().starts_with("calculate finished") {
            let transcript = digest(self.hash, &self.transcript);
            let finished = testing::hmac(self.hash, &expanded, &transcript);
            assert_eq!(finished, step.field("finished"));
        }
        self.secrets.push(expanded);
    }

    fn traffic_keys(&mut self, step: &Step<'_>) {
        let secret = step.field("PRK");
        let [key, iv] = ["key", "iv"].map(|part| {
            let info = step.field(&format!("{part} info"));
            let expanded = step.field(&format!("{part} expanded"));
            let found = testing::hkdf_expand(self.hash, &secret, &info, expanded.len());
            assert_eq!(found, expanded);
            expanded
        });
        let writer = match (step.party(), step.action().contains("write")) {
            ("client", true) | ("server", false) => "client",
            _ => "server",
        };
        let keys = self.keys.entry(writer.to_owned()).or_default();
        keys.push((key, iv));
    }

    /// A message begins with its type and its length; the transcript is made of all of them.
    fn message(&mut self, step: &Step<'_>) {
        let fields = list(&step.0["fields"]);
        let message = bytes(&fields[0]["hex"]);
        let (kind, body) = (message[0], &message[4..]);
        let length = u32::from_be_bytes([0, message[1], message[2], message[3]]);
        assert_eq!(body.len(), length as usize);
        // Hellos of TLS lack the cookie that those of DTLS have.
        if kind != CLIENT_HELLO && kind != SERVER_HELLO {
            assert_eq!(testing::read_message_13(kind, body), Ok(()));
        }
        if kind == SERVER_HELLO && hex::encode(&message[RANDOM_AT..RANDOM_AT + 32]) == RETRY {
            // RFC 8446 §4.4.1: the first hello becomes its hash.
            let first = digest(self.hash, &self.transcript);
            self.transcript = [&[254, 0, 0, first.len() as u8], &first[..]].concat();
        }
        match kind {
            CERTIFICATE => {
                let der = first_certificate(body).to_vec();
                self.certificates.insert(step.party().to_owned(), der);
            }
            CERTIFICATE_VERIFY => self.signature(step.party(), body),
            _ => {}
        }
        self.transcript.extend(&message);
        self.hashes.push(digest(self.hash, &self.transcript));
    }

    /// RFC 8446 §4.4.3.
    fn signature(&mut self, party: &str, body: &[u8]) {
        let purpose = format!("TLS 1.3, {party} CertificateVerify\0");
        let hash = digest(self.hash, &self.transcript);
        let signed = [&[b' '; 64], purpose.as_bytes(), &hash].concat();
        let scheme = u16::from_be_bytes([body[0], body[1]]);
        let certificate = &self.certificates[party];
        let verifies =
            |signed: &[u8]| testing::signature_verifies(certificate, scheme, signed, &body[4..]);
        // A signature by RSA is as long as its key.
        let (is_ecdsa, bits) = (scheme & 0xFF == 3, 8 * (body.len() - 4));
        let expected = is_ecdsa || bits >= 2048;
        assert_eq!(verifies(&signed), expected, "scheme {scheme:#x}");
        assert!(!verifies(&signed[1..]));
        self.signed.push(signed);
    }

    fn record(&self, step: &Step<'_>) {
        let (payload, record) = (step.field("payload"), step.field("complete record"));
        let (header, body) = record.split_at(5);
        let Some(recomputed) = step.0.get("recomputed") else {
            assert_eq!(body, payload);
            return;
        };
        let sequence = number(&recomputed["record_sequence"]);
        let content = number(&recomputed["inner_content_type"]) as u8;
        let plain = [&payload[..], &[content]].concat();
        let opened = self.keys[step.party()].iter().any(|(key, iv)| {
            let mut nonce: [u8; 12] = iv[..].try_into().unwrap();
            for (to, from) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
                *to ^= from;
            }
            // One whose keys have another length opens nothing.
            [0x1301, 0x1302, 0x1303].iter().any(|suite| {
                let found = testing::aead_open(*suite, key, nonce, header, body);
                found.as_ref() == Some(&plain)
            })
        });
        assert!(opened, "no key opens it");
    }

    fn summary(&self, summary: &Value) {
        for (name, value) in summary.as_object().unwrap() {
            match name.as_str() {
                "transcript_hashes" => {
                    for (name, value) in value.as_object().unwrap() {
                        assert!(self.hashes.contains(&bytes(value)), "{name}");
                    }
                }
                "certificate_verify_content_hex" => {
                    assert!(self.signed.contains(&bytes(value)));
                }
                "server_certificate_der_hex" => {
                    assert_eq!(self.certificates["server"], bytes(value));
                }
                name if name.ends_with("_hex") => {
                    assert!(self.secrets.contains(&bytes(value)), "{name}");
                }
                _ => {}
            }
        }
    }
}

/// The first certificate in the body of a Certificate: behind the context and the list's length.
pub(crate) fn first_certificate(body: &[u8]) -> &[u8] {
    let at = 1 + usize::from(body[0]) + 3;
    let length = u32::from_be_bytes([0, body[at], body[at + 1], body[at + 2]]);
    &body[at + 3..at + 3 + length as usize]
}

/// RFC 8446 §7.5, with the labels of TLS.
fn exporter(hash: HashAlgorithm, master: &[u8], row: &Value) {
    let expand = |secret: &[u8], label: &str, context: &[u8], length: usize| {
        let label = format!("tls13 {label}");
        let info = [
            &(length as u16).to_be_bytes()[..],
            &[label.len() as u8],
            label.as_bytes(),
            &[context.len() as u8],
            context,
        ];
        testing::hkdf_expand(hash, secret, &info.concat(), length)
    };
    let empty = digest(hash, &[]);
    let secret = expand(master, text(&row["label"]), &empty, empty.len());
    let context = digest(hash, &bytes(&row["context_hex"]));
    let length = number(&row["length"]) as usize;
    let found = expand(&secret, "exporter", &context, length);
    assert_eq!(found, bytes(&row["output_hex"]));
}
