//! Hostile datagrams, each with the verdict that the standards ask for.

use std::sync::Arc;

use bytes::BytesMut;
use dtls_handshake::testing::{self, TrafficSecret};
use dtls_handshake::{
    AlertDescription, CloseCause, Connection, Event, Handled, HashAlgorithm, Version,
};
use serde_json::Value;

use crate::cases::{Cases, array, bytes, digest, list, number, text};
use crate::common::{configs, configs_of, origin};
use crate::records13::suite;

pub(crate) fn datagrams(cases: &mut Cases, name: &str, file: &Value) {
    for case in list(&file["cases"]) {
        let name = format!("{name} {}", case["id"]);
        match text(&case["group"]) {
            "server-first-flight" => cases.check(name, || first_flight(case)),
            "dtls12-protected-records" => {
                let keys = &file["keys"]["dtls12"];
                cases.check(name, || protected_records(case, keys));
            }
            "dtls13-protected-records" => {
                let keys = &file["keys"]["dtls13"];
                cases.check(name, || protected_records_13(case, keys));
            }
            other => panic!("{other}"),
        }
    }
}

fn acceptable(case: &Value) -> Vec<&str> {
    list(&case["also_acceptable"]).iter().map(text).collect()
}

fn first_flight(case: &Value) {
    let mut acceptable = acceptable(case);
    acceptable.push(text(&case["verdict"]));
    let found = verdict(received(case));
    // From outside, waiting and discarding look the same.
    let fits = acceptable.iter().any(|verdict| match *verdict {
        "wait" | "discard-by-configured-limit" => found == "discard",
        other => found == other,
    });
    assert!(fits, "{found}, not {acceptable:?}");
}

/// What datagrams did to a server that had heard nobody before.
fn verdict(datagrams: Vec<Vec<u8>>) -> String {
    let [_, config] = configs_of(&[Version::Dtls12, Version::Dtls13]);
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

fn protected_records(case: &Value, keys: &Value) {
    let [config, _] = configs();
    assert_eq!(number(&keys["epoch"]), 1);
    let (key, iv) = (array(&keys["key_hex"]), array(&keys["implicit_iv_hex"]));
    let connection = testing::connected(Arc::new(config), &key, &iv, origin());
    check_events(case, connection.unwrap());
}

fn protected_records_13(case: &Value, keys: &Value) {
    let [config, _] = configs();
    let secret = bytes(&keys["traffic_secret_hex"]);
    let suite = suite(text(&keys["suite"]));
    assert_eq!(number(&keys["epoch"]), testing::FIRST_DATA_EPOCH);
    let secret = TrafficSecret::new(suite, &secret).unwrap();
    let connection = testing::connected_13(Arc::new(config), &secret, origin());
    check_events(case, connection.unwrap());
}

/// What a connected side makes of each datagram.
fn check_events(case: &Value, mut connection: Connection) {
    for (mut datagram, expected) in received(case).into_iter().zip(list(&case["verdict"])) {
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
            .map(text)
            // What is acknowledged cannot be seen from outside.
            .filter(|event| *event != "discard" && !event.starts_with("ack:"))
            .collect();
        let dropped = found.is_empty() && acceptable(case).contains(&"discard");
        assert!(found == expected || dropped, "{found:?}, not {expected:?}");
    }
}

/// The datagrams of a case, or what its recipe describes.
fn received(case: &Value) -> Vec<Vec<u8>> {
    if case.get("datagrams_hex").is_some() {
        return list(&case["datagrams_hex"]).iter().map(bytes).collect();
    }
    let recipe = text(&case["recipe"]);
    let made: Vec<_> = (0..number(&case["datagram_count"]))
        .map(|i| tiny_fragment(recipe, i))
        .collect();
    let whole = digest(HashAlgorithm::Sha256, &made.concat());
    assert_eq!(whole, bytes(&case["sha256_of_concatenation"]), "{recipe}");
    made
}

/// A record that holds one byte of a message, by a recipe such as "record seq i, handshake type 1,
/// length 65536, message_seq 0, fragment_offset 2*i, fragment_length 1, one zero byte".
fn tiny_fragment(recipe: &str, i: u64) -> Vec<u8> {
    let value = |name: &str| {
        let (_, rest) = recipe.split_once(&format!(" {name} ")).unwrap();
        let word = rest.split([',', ' ']).next().unwrap();
        match word.strip_suffix("*i") {
            Some(step) => step.parse::<u64>().unwrap() * i,
            None if word == "i" => i,
            None => word.parse().unwrap(),
        }
    };
    let mut out = vec![22, 0xFE, 0xFD, 0, 0];
    out.extend(&value("seq").to_be_bytes()[2..]);
    out.extend([0, 13, value("type") as u8]);
    out.extend(&value("length").to_be_bytes()[5..]);
    out.extend(&value("message_seq").to_be_bytes()[6..]);
    out.extend(&value("fragment_offset").to_be_bytes()[5..]);
    out.extend([0, 0, 1, 0]);
    out
}
