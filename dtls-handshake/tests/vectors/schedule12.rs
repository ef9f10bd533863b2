//! The PRF and the key schedule of TLS 1.2, which DTLS 1.2 shares.

use dtls_handshake::HashAlgorithm;
use dtls_handshake::testing::{self, KeySchedule};
use serde_json::Value;

use crate::cases::{Cases, array, bytes, digest, hash, list, number, optional_bytes, text};

pub(crate) fn prf(cases: &mut Cases, name: &str, file: &Value) {
    for vector in list(&file["vectors"]) {
        cases.check(format!("{name} {}", vector["id"]), || {
            let mut out = vec![0; number(&vector["length"]) as usize];
            let (secret, seed) = (bytes(&vector["secret_hex"]), bytes(&vector["seed_hex"]));
            let label = text(&vector["label"]);
            testing::prf(hash(&vector["hash"]), &secret, label, &seed, &mut out);
            assert_eq!(out, bytes(&vector["output_hex"]));
        });
    }
}

/// A suite of ours with this hash function: the key schedule of all of them is the same.
fn suite(hash: HashAlgorithm) -> u16 {
    match hash {
        HashAlgorithm::Sha384 => 0xC02C,
        _ => 0xC02B,
    }
}

fn schedule(session: &Value) -> KeySchedule {
    KeySchedule::new(
        suite(hash(&session["hash"])),
        &array(&session["master_secret_hex"]),
        random(&session["client_random_hex"]),
        random(&session["server_random_hex"]),
    )
    .unwrap()
}

/// Finished depends on no randoms, and its vectors have none.
fn random(value: &Value) -> [u8; 32] {
    if value.is_null() {
        [0; 32]
    } else {
        array(value)
    }
}

pub(crate) fn key_schedule(cases: &mut Cases, name: &str, file: &Value) {
    let vectors = list(&file["vectors"]);
    for vector in vectors {
        let name = format!("{name} {}", vector["id"]);
        let has = |field: &str| vector.get(field).is_some();
        if has("pre_master_secret_hex") {
            cases.check(format!("{name} master secret"), || master_secret(vector));
        }
        if has("key_block_hex") || has("key_block_40_hex") {
            cases.check(format!("{name} key block"), || key_block(vector));
        }
        for side in ["client", "server"] {
            if has(&format!("{side}_verify_data_hex")) {
                cases.check(format!("{name} {side} Finished"), || finished(vector, side));
            }
        }
        if has("output_hex") {
            // Of the first session in the file that has all of it, unless it brings its own.
            let complete = |vector: &&Value| {
                [
                    "master_secret_hex",
                    "client_random_hex",
                    "server_random_hex",
                ]
                .iter()
                .all(|field| vector.get(field).is_some())
            };
            let session = Some(vector)
                .filter(complete)
                .or_else(|| vectors.iter().find(complete));
            cases.check(format!("{name} exporter"), || {
                exporter(&schedule(session.unwrap()), vector);
            });
        }
    }
}

/// With the extended master secret where there is a session hash (RFC 7627 §4), by RFC 5246 §8.1
/// where there is none.
fn master_secret(vector: &Value) {
    let premaster = bytes(&vector["pre_master_secret_hex"]);
    let hash = hash(&vector["hash"]);
    let secret = match optional_bytes(&vector["session_hash_hex"]) {
        Some(session) => {
            KeySchedule::extended_master_secret(suite(hash), &premaster, &session).unwrap()
        }
        None => {
            let (client, server) = (&vector["client_random_hex"], &vector["server_random_hex"]);
            let seed = [bytes(client), bytes(server)].concat();
            let mut out = [0; 48];
            testing::prf(hash, &premaster, "master secret", &seed, &mut out);
            out
        }
    };
    assert_eq!(secret, array(&vector["master_secret_hex"]));
}

fn key_block(vector: &Value) {
    let field = ["key_block_hex", "key_block_40_hex"]
        .into_iter()
        .find(|field| vector.get(field).is_some());
    let expected = bytes(&vector[field.unwrap()]);
    let mut out = vec![0; expected.len()];
    let (client, server) = (&vector["client_random_hex"], &vector["server_random_hex"]);
    let seed = [bytes(server), bytes(client)].concat();
    let secret = bytes(&vector["master_secret_hex"]);
    testing::prf(
        hash(&vector["hash"]),
        &secret,
        "key expansion",
        &seed,
        &mut out,
    );
    assert_eq!(out, expected);
    if let Some(split) = vector.get("aes128gcm_split") {
        assert_eq!(joined(split, &KEY_BLOCK), expected);
    }
}

/// The parts of a key block, in their order.
pub(crate) const KEY_BLOCK: [&str; 4] = [
    "client_write_key_hex",
    "server_write_key_hex",
    "client_write_iv_hex",
    "server_write_iv_hex",
];

/// The parts of exported keys for SRTP, in their order (RFC 5764 §4.2).
pub(crate) const SRTP_KEYS: [&str; 4] = [
    "client_write_SRTP_master_key_hex",
    "server_write_SRTP_master_key_hex",
    "client_write_SRTP_master_salt_hex",
    "server_write_SRTP_master_salt_hex",
];

pub(crate) fn joined(parts: &Value, order: &[&str; 4]) -> Vec<u8> {
    order.iter().flat_map(|name| bytes(&parts[name])).collect()
}

fn finished(vector: &Value, side: &str) {
    let messages: Vec<u8> = list(&vector["handshake_messages_hex"])
        .iter()
        .flat_map(bytes)
        .collect();
    let transcript = digest(hash(&vector["hash"]), &messages);
    assert_eq!(transcript, bytes(&vector["handshake_hash_hex"]));
    let verify_data = schedule(vector).verify_data(side == "client", &transcript);
    let expected = array(&vector[format!("{side}_verify_data_hex")]);
    assert_eq!(verify_data, expected);
}

/// Compares an export, and how it is cut into keys where the vector tells.
pub(crate) fn exporter(schedule: &KeySchedule, vector: &Value) {
    let context = optional_bytes(&vector["context_hex"]).or(optional_bytes(&vector["context"]));
    let mut out = vec![0; number(&vector["length"]) as usize];
    let label = text(&vector["label"]);
    schedule
        .export(label, context.as_deref(), &mut out)
        .unwrap();
    assert_eq!(out, bytes(&vector["output_hex"]));
    for split in ["split", "rfc5764_split_aes_cm_128"] {
        if let Some(split) = vector.get(split) {
            assert_eq!(joined(split, &SRTP_KEYS), out);
        }
    }
}
