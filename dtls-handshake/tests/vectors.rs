//! The shared vectors: PRF, key schedule, captured handshakes of another implementation, and
//! hostile datagrams. They stand beside the workspace; where they are absent a line says so.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use common::{configs, origin};
use dtls_handshake::testing::{self, KeySchedule};
use dtls_handshake::{
    AlertDescription, CloseCause, Connection, Event, Fingerprint, Handled, HashAlgorithm,
};
use serde_json::Value;

/// A file of the shared vectors; `VECTORS` names another directory for them.
fn vectors(path: &str) -> Option<Value> {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let directory = std::env::var("VECTORS").unwrap_or_else(|_| shared.to_owned());
    let path = PathBuf::from(directory).join(path);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => {
            println!(
                "shared vectors absent, nothing checked: {}: {error}",
                path.display()
            );
            None
        }
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_else(|| panic!("no text: {value}"))).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn hash(name: &Value) -> HashAlgorithm {
    match name.as_str().unwrap() {
        "sha256" => HashAlgorithm::Sha256,
        "sha384" => HashAlgorithm::Sha384,
        other => panic!("{other}"),
    }
}

#[test]
fn prf() {
    let Some(file) = vectors("dtls/tls12_prf.json") else {
        return;
    };
    for vector in list(&file["vectors"]) {
        let expected = bytes(&vector["output_hex"]);
        let mut out = vec![0; expected.len()];
        let label = vector["label"].as_str().unwrap();
        let (secret, seed) = (bytes(&vector["secret_hex"]), bytes(&vector["seed_hex"]));
        testing::prf(hash(&vector["hash"]), &secret, label, &seed, &mut out);
        assert_eq!(out, expected, "{}", vector["id"]);
    }
}

#[test]
fn key_schedule() {
    let Some(file) = vectors("dtls/tls12_key_schedule.json") else {
        return;
    };
    let all = list(&file["vectors"]);
    let by_id = |id| all.iter().find(|vector| vector["id"] == id).unwrap();
    let session = by_id("illustrated-tls12");
    let schedule = KeySchedule::new(
        0xC02B,
        &array(&session["master_secret_hex"]),
        array(&session["client_random_hex"]),
        array(&session["server_random_hex"]),
    )
    .unwrap();
    let mut checked = 0;
    for vector in all {
        let id = &vector["id"];
        if vector.get("session_hash_hex").is_some() {
            let premaster = bytes(&vector["pre_master_secret_hex"]);
            let session_hash = bytes(&vector["session_hash_hex"]);
            let secret = KeySchedule::extended_master_secret(0xC02B, &premaster, &session_hash);
            assert_eq!(secret, Some(array(&vector["master_secret_hex"])), "{id}");
            checked += 1;
        } else if vector.get("client_verify_data_hex").is_some() {
            let transcript: Vec<u8> = list(&vector["handshake_messages_hex"])
                .iter()
                .flat_map(bytes)
                .collect();
            let digest = Fingerprint::of(HashAlgorithm::Sha256, &transcript);
            assert_eq!(digest.bytes(), bytes(&vector["handshake_hash_hex"]), "{id}");
            let verify_data = schedule.verify_data(true, digest.bytes());
            assert_eq!(
                verify_data,
                array(&vector["client_verify_data_hex"]),
                "{id}"
            );
            checked += 1;
        } else if vector.get("output_hex").is_some() {
            let context = vector.get("context_hex").map(bytes);
            let expected = bytes(&vector["output_hex"]);
            let mut out = vec![0; expected.len()];
            let label = vector["label"].as_str().unwrap();
            schedule
                .export(label, context.as_deref(), &mut out)
                .unwrap();
            assert_eq!(out, expected, "{id}");
            checked += 1;
        }
    }
    assert_eq!(checked, 7);
}

/// Handshakes of another implementation: its records open, its Finished values and its exported
/// keys are ours.
#[test]
fn captured_handshakes() {
    for name in ["ems_hvr_mutual", "p256_frag"] {
        let Some(file) = vectors(&format!("dtls/dtls12_openssl_{name}.json")) else {
            return;
        };
        let schedule = KeySchedule::new(
            0xC02B,
            &array(&file["master_secret_hex"]),
            array(&file["client_random_hex"]),
            array(&file["server_random_hex"]),
        )
        .unwrap();
        let mut records = 0;
        for datagram in list(&file["datagrams"]) {
            let from_client = datagram["sender"] == "client";
            let expected: Vec<_> = list(&datagram["records"])
                .iter()
                .filter_map(|record| record.get("decrypted"))
                .map(|decrypted| bytes(&decrypted["plaintext_hex"]))
                .collect();
            let opened = schedule.open(from_client, &mut bytes(&datagram["hex"]));
            assert_eq!(opened, expected, "{name}");
            records += opened.len();
        }
        assert_eq!(records, 5, "{name}");

        for (of_client, side) in [(true, "client"), (false, "server")] {
            let digest = bytes(&file[format!("{side}_finished_hash_hex")]);
            let verify_data = array(&file[format!("{side}_verify_data_hex")]);
            assert_eq!(
                schedule.verify_data(of_client, &digest),
                verify_data,
                "{name}"
            );
        }
        let expected = bytes(&file["exporter"]["output_hex"]);
        let mut out = vec![0; expected.len()];
        schedule
            .export("EXTRACTOR-dtls_srtp", None, &mut out)
            .unwrap();
        assert_eq!(out, expected, "{name}");
        check_transcript(&file, name);
    }
}

/// The captured fragments, put together, are the messages of the transcript; every one parses.
fn check_transcript(file: &Value, name: &str) {
    let expected: Vec<_> = list(&file["transcript_messages"])
        .iter()
        .map(|m| bytes(&m["hex"]))
        .collect();
    for sender in ["client", "server"] {
        let mut datagrams: Vec<_> = list(&file["datagrams"])
            .iter()
            .filter(|datagram| datagram["sender"] == sender)
            .map(|datagram| bytes(&datagram["hex"]))
            .collect();
        let messages = testing::reassemble(datagrams.iter_mut().map(Vec::as_mut_slice));
        assert!(messages.len() >= 2, "{name}");
        // The first of each side is left out of the transcript: ClientHello without a cookie
        // and HelloVerifyRequest.
        for (index, (kind, body)) in messages.iter().enumerate() {
            assert_eq!(testing::read_message(*kind, body), Ok(()), "{name}");
            let in_transcript = expected
                .iter()
                .any(|m| m[0] == *kind && m[12..] == body[..]);
            assert_eq!(in_transcript, index > 0, "{name} {sender} {index}");
        }
    }
    let certificate = bytes(&file["server_certificate_der_hex"]);
    assert!(testing::read_certificate(&certificate));
    let fingerprint = Fingerprint::of(HashAlgorithm::Sha256, &certificate).to_string();
    let expected = file["server_certificate_sha256_fingerprint"]
        .as_str()
        .unwrap();
    assert_eq!(fingerprint, format!("sha-256 {expected}"));
}

/// What datagrams did to a server that had heard nobody before.
fn verdict(datagrams: Vec<Vec<u8>>) -> String {
    let [_, config] = configs();
    let mut server = Connection::server(config, [5; 32], origin());
    for mut datagram in datagrams {
        let _: Handled = server.handle_datagram(origin(), &mut datagram);
        assert!(server.poll_timeout().is_none_or(|at| at > origin()));
    }
    match server.poll_event() {
        // Well formed, and refused for what it offers.
        Some(Event::Closed(
            CloseCause::ExtendedMasterSecretMissing | CloseCause::NothingInCommon(_),
        )) if server_alert(&mut server) == AlertDescription::HandshakeFailure => {
            "client-hello".into()
        }
        Some(Event::Closed(cause)) => format!("alert:{}", cause.alert().unwrap()),
        Some(event) => panic!("{event:?}"),
        None if server.poll_transmit(&mut BytesMut::new()).is_some() => "client-hello".into(),
        None => "discard".into(),
    }
}

fn server_alert(server: &mut Connection) -> AlertDescription {
    let mut out = BytesMut::new();
    server.poll_transmit(&mut out).unwrap();
    assert_eq!(out[0], 21);
    out[14].into()
}

fn datagrams(case: &Value) -> Vec<Vec<u8>> {
    if case["id"] == "frag-100000-tiny" {
        return (0..32768_u32).map(tiny_fragment).collect();
    }
    list(&case["datagrams_hex"]).iter().map(bytes).collect()
}

/// Record `i`: byte `2 * i` of a ClientHello of 65536 bytes.
fn tiny_fragment(i: u32) -> Vec<u8> {
    let mut out = vec![22, 0xFE, 0xFD, 0, 0, 0, 0];
    out.extend(i.to_be_bytes());
    out.extend([0, 13, 1, 1, 0, 0, 0, 0]);
    out.extend(&(2 * i).to_be_bytes()[1..]);
    out.extend([0, 0, 1, 0]);
    out
}

/// Malformed in extensions that only DTLS 1.3 has: a server of DTLS 1.2 skips them unread.
const OF_DTLS_1_3: [&str; 4] = [
    "ch-ks-length",
    "ch-ks-entry-past-end",
    "ch-ks-x25519-31",
    "ch-psk-not-last",
];

#[test]
fn hostile_first_flights() {
    let Some(file) = vectors("torture/dtls.json") else {
        return;
    };
    let mut checked = 0;
    for case in list(&file["cases"]) {
        if case["group"] != "server-first-flight" {
            continue;
        }
        let mut acceptable = vec![case["verdict"].as_str().unwrap()];
        if let Some(more) = case.get("also_acceptable") {
            acceptable.extend(list(more).iter().map(|value| value.as_str().unwrap()));
        }
        if OF_DTLS_1_3.contains(&case["id"].as_str().unwrap()) {
            acceptable = vec!["client-hello"];
        }
        let found = verdict(datagrams(case));
        // From outside, waiting and discarding look the same.
        let fits = acceptable.iter().any(|verdict| match *verdict {
            "wait" | "discard-by-configured-limit" => found == "discard",
            other => found == other,
        });
        assert!(fits, "{}: {found}, not {acceptable:?}", case["id"]);
        checked += 1;
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn hostile_protected_records() {
    let Some(file) = vectors("torture/dtls.json") else {
        return;
    };
    let keys = &file["keys"]["dtls12"];
    let mut checked = 0;
    for case in list(&file["cases"]) {
        if case["group"] != "dtls12-protected-records" {
            continue;
        }
        let [config, _] = configs();
        let (key, iv) = (array(&keys["key_hex"]), array(&keys["implicit_iv_hex"]));
        let mut connection = testing::connected(Arc::new(config), &key, &iv, origin()).unwrap();
        for (datagram, expected) in datagrams(case).into_iter().zip(list(&case["verdict"])) {
            let mut datagram = datagram;
            let _: Handled = connection.handle_datagram(origin(), &mut datagram);
            let mut found = Vec::new();
            let mut out = BytesMut::new();
            while let Some(range) = connection.poll_data(&mut out) {
                found.push(format!("application-data:{}", hex::encode(&out[range])));
            }
            if let Some(Event::Closed(cause)) = connection.poll_event() {
                found.push(format!("alert:{}", cause.alert().unwrap()));
            }
            let expected: Vec<_> = list(expected)
                .iter()
                .map(|event| event.as_str().unwrap())
                .filter(|event| *event != "discard")
                .collect();
            assert_eq!(found, expected, "{}", case["id"]);
        }
        checked += 1;
    }
    assert_eq!(checked, 12);
}
