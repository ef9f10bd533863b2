//! Records of DTLS 1.3: protection, encrypted numbers, and the way back from their low bits.

use dtls_handshake::testing::{self, OpenedRecord, TrafficSecret};
use serde_json::Value;

use crate::cases::{Cases, array, bytes, list, number, text};

/// Cipher suites by their names.
pub(crate) fn suite(name: &str) -> u16 {
    match name.split(' ').next() {
        Some("TLS_AES_128_GCM_SHA256") => 0x1301,
        Some("TLS_AES_256_GCM_SHA384") => 0x1302,
        Some("TLS_CHACHA20_POLY1305_SHA256") => 0x1303,
        _ => panic!("{name}"),
    }
}

/// The keys of a traffic secret.
pub(crate) fn check_keys(suite: u16, secret: &[u8], fields: [(&str, &Value); 3]) {
    let hash = testing::suite_hash(suite).unwrap();
    for (label, expected) in fields {
        let expected = bytes(expected);
        let found = testing::hkdf_expand_label(hash, secret, label, b"", expected.len());
        assert_eq!(found, expected, "{label}");
    }
}

pub(crate) fn records(cases: &mut Cases, name: &str, file: &Value) {
    for vector in list(&file["vectors"]) {
        let name = format!("{name} {}", vector["id"]);
        cases.check(name, || {
            keys(vector);
            record(vector);
        });
    }
}

fn keys(vector: &Value) {
    let secret = bytes(&vector["traffic_secret_hex"]);
    let fields = [
        ("key", &vector["key_hex"]),
        ("iv", &vector["iv_hex"]),
        ("sn", &vector["sn_key_hex"]),
    ];
    check_keys(suite(text(&vector["suite"])), &secret, fields);
}

fn record(vector: &Value) {
    let suite = suite(text(&vector["suite"]));
    let secret = TrafficSecret::new(suite, &bytes(&vector["traffic_secret_hex"])).unwrap();
    let secret = secret.with_connection_id(&bytes(&vector["connection_id_hex"]));
    let [epoch, sequence] = ["epoch", "sequence_number"].map(|name| number(&vector[name]));
    let content = number(&vector["content_type"]) as u8;
    let payload = bytes(&vector["content_hex"]);
    let padding = number(&vector["padding_zeros"]) as usize;
    let protected = bytes(&vector["protected_record_hex"]);
    let inner = [&payload[..], &[content], &vec![0; padding]].concat();
    assert_eq!(inner, bytes(&vector["inner_plaintext_hex"]));

    check_mask(vector, suite, &protected);
    let opened = secret.open(epoch, sequence, &mut protected.clone());
    assert_eq!(opened, [expected(epoch, sequence, content, &payload)]);
    // When others overtook it, and when it comes a second time.
    let early = sequence.saturating_sub(100);
    let opened = secret.open(epoch, early, &mut protected.clone());
    assert_eq!(opened, [expected(epoch, sequence, content, &payload)]);
    assert_eq!(secret.open(epoch, sequence + 1, &mut protected.clone()), []);
    for at in 0..protected.len() {
        let mut forged = protected.clone();
        forged[at] ^= 1;
        assert_eq!(secret.open(epoch, sequence, &mut forged), [], "byte {at}");
    }
    // The one form that we write.
    let long = number(&vector["seq_bits"]) == 16 && vector["length_present"] == true;
    if long && padding == 0 {
        let sealed = secret.seal(epoch, sequence, content, &payload);
        assert_eq!(hex::encode(sealed.unwrap()), hex::encode(&protected));
    }
}

/// A record as it comes out.
pub(crate) fn expected(epoch: u64, sequence: u64, content: u8, payload: &[u8]) -> OpenedRecord {
    OpenedRecord {
        epoch,
        sequence,
        content: Some(content),
        payload: payload.to_vec(),
    }
}

/// The mask over the number, as far as numbers reach.
fn check_mask(vector: &Value, suite: u16, protected: &[u8]) {
    let plain_header = bytes(&vector["aad_hex"]);
    let sample = protected[plain_header.len()..].first_chunk().unwrap();
    let mask = testing::record_number_mask(suite, &bytes(&vector["sn_key_hex"]), sample);
    assert_eq!(mask.unwrap(), bytes(&vector["sn_mask_hex"])[..2]);
}

pub(crate) fn masks(cases: &mut Cases, name: &str, file: &Value) {
    for vector in list(&file["vectors"]) {
        let (algorithm, key) = (text(&vector["alg"]), bytes(&vector["key_hex"]));
        cases.check(format!("{name} {algorithm}"), || {
            let suite = match (algorithm, key.len()) {
                ("ChaCha20", _) => 0x1303,
                (_, 32) => 0x1302,
                _ => 0x1301,
            };
            let mask = testing::record_number_mask(suite, &key, &array(&vector["sample_hex"]));
            assert_eq!(mask.unwrap(), bytes(&vector["mask5_hex"])[..2]);
        });
    }
}

pub(crate) fn numbers(cases: &mut Cases, name: &str, file: &Value) {
    for (at, row) in list(&file["rows"]).iter().enumerate() {
        cases.check(format!("{name} {at}"), || {
            let [expected, bits, low, whole] =
                ["next_expected", "bits", "truncated", "reconstructed"]
                    .map(|name| number(&row[name]));
            let found = testing::reconstruct_sequence(expected, low as u16, bits as u32);
            assert_eq!(found, whole, "{row}");
        });
    }
}
