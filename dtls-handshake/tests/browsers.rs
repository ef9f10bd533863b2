//! ClientHellos of browsers and others, captured on the wire, and what we answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use common::{configs, configs_of, origin};
use dtls_handshake::{Config, Connection, Event, Handled, Version, is_dtls, testing};

fn captures() -> Vec<(String, Vec<Vec<u8>>)> {
    let directory = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/packets/dtls"
    ));
    let Ok(entries) = std::fs::read_dir(directory) else {
        println!(
            "shared captures absent, nothing checked: {}",
            directory.display()
        );
        return Vec::new();
    };
    let mut all: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let datagrams = text
                .lines()
                .map(|line| hex::decode(line.trim()).unwrap())
                .collect();
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                datagrams,
            )
        })
        .collect();
    all.sort();
    all
}

/// The server's first flight, as messages: type and body.
fn answer(server: &mut Connection) -> Vec<(u8, Vec<u8>)> {
    let mut flight = Vec::new();
    let mut out = BytesMut::new();
    while let Some(range) = server.poll_transmit(&mut out) {
        flight.push(out[range].to_vec());
    }
    testing::reassemble(flight.iter_mut().map(Vec::as_mut_slice))
}

/// Whether the capture begins with the beginning of a ClientHello.
fn begins_with_hello(datagrams: &[Vec<u8>]) -> bool {
    let first = &datagrams[0];
    is_dtls(first) && first[13] == 1 && first[19..22] == [0, 0, 0]
}

/// A server that has heard the hello of a capture, and in how many datagrams.
fn hear(config: Config, datagrams: Vec<Vec<u8>>, name: &str) -> (Connection, usize) {
    let mut server = Connection::server(config, [9; 32], origin());
    let mut parts = 0;
    for mut datagram in datagrams.into_iter().take(2) {
        parts += 1;
        let handled = server.handle_datagram(origin(), &mut datagram);
        assert_eq!(handled, Handled::Consumed, "{name}");
        // What waits for an answer has been said.
        let soon = origin() + Duration::from_secs(1);
        if server.poll_timeout().is_some_and(|at| at < soon) {
            break;
        }
    }
    (server, parts)
}

/// The version and the group in a ServerHello, when it has the extensions for them, in this order.
/// Behind them is a share, in which any bytes can stand.
fn version_and_group(hello: &[u8]) -> Option<([u8; 2], [u8; 2])> {
    let version = hello.windows(4).position(|part| part == [0, 43, 0, 2])?;
    let (version, rest) = hello[version + 4..].split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk::<2>()?;
    assert_eq!(kind, &[0, 51], "key_share");
    Some((*version, *rest[2..].first_chunk()?))
}

#[test]
fn the_hellos_of_browsers_are_answered_in_their_newest_version() {
    let mut answered = BTreeMap::new();
    for (name, datagrams) in captures() {
        if !begins_with_hello(&datagrams) {
            continue;
        }
        let [_, config] = configs_of(&[Version::Dtls12, Version::Dtls13]);
        let (mut server, _) = hear(config, datagrams, &name);
        let messages = answer(&mut server);
        assert_eq!(server.poll_event(), None::<Event>, "{name}");
        assert_eq!(messages[0].0, 2, "{name}: a ServerHello");
        answered.insert(name, version_and_group(&messages[0].1));
    }
    if answered.is_empty() {
        return;
    }
    const NEW: [u8; 2] = [0xFE, 0xFC];
    for (name, expected) in [
        ("chromium-chromium-call", Some((NEW, [0x11, 0xEC]))),
        ("chromium-pqcoff", Some((NEW, [0, 29]))),
        ("firefox-firefox-call", Some((NEW, [0x11, 0xEC]))),
        ("firefox-firefox-call-dtls12max", None),
        ("openssl-openssl-dtls12-srtp-ecdsa", None),
        ("gnutls-gnutls-dtls12", None),
    ] {
        assert_eq!(answered[name], expected, "{name}");
    }
}

#[test]
fn the_hellos_of_browsers_are_answered_with_dtls_1_2() {
    let mut answered = Vec::new();
    for (name, datagrams) in captures() {
        if !begins_with_hello(&datagrams) {
            continue;
        }
        let [_, config] = configs();
        let length = usize::from(datagrams[0][15]) << 8 | usize::from(datagrams[0][16]);
        let (mut server, parts) = hear(config, datagrams, &name);
        let messages = answer(&mut server);
        let kinds: Vec<_> = messages.iter().map(|message| message.0).collect();
        assert_eq!(server.poll_event(), None::<Event>, "{name}");
        // ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone.
        assert_eq!(kinds, [2, 11, 12, 13, 14], "{name}");
        let hello = &messages[0].1;
        assert_eq!(hello[..2], [0xFE, 0xFD], "{name}");
        assert_eq!(hello[35..37], [0xC0, 0x2B], "{name}");
        // Named curve x25519.
        assert_eq!(messages[2].1[..3], [3, 0, 29], "{name}");
        answered.push((name, length, parts));
    }
    if answered.is_empty() {
        return;
    }
    let long: Vec<_> = answered
        .iter()
        .filter(|(_, _, parts)| *parts == 2)
        .collect();
    println!("answered: {answered:?}");
    assert!(answered.len() >= 14, "{}", answered.len());
    // Chromium's and Firefox's hellos of today come in two datagrams.
    assert!(
        long.iter()
            .any(|(name, ..)| name.starts_with("chromium-chromium"))
    );
    assert!(
        long.iter()
            .any(|(name, ..)| name.starts_with("firefox-firefox"))
    );
}

/// Every handshake message of every capture that travels in the clear parses.
#[test]
fn every_captured_message_parses() {
    for (name, datagrams) in captures() {
        for mut datagram in datagrams {
            for (kind, body) in testing::reassemble([datagram.as_mut_slice()]) {
                assert_eq!(testing::read_message(kind, &body), Ok(()), "{name}");
            }
        }
    }
}
