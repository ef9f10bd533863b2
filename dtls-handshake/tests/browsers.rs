//! ClientHellos of browsers and others, captured on the wire, and what we answer.

mod common;

use std::path::Path;

use bytes::BytesMut;
use common::{configs, origin};
use dtls_handshake::{Connection, Event, Handled, is_dtls, testing};

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

#[test]
fn the_hellos_of_browsers_are_answered_with_dtls_1_2() {
    let mut answered = Vec::new();
    for (name, datagrams) in captures() {
        if !begins_with_hello(&datagrams) {
            continue;
        }
        let [_, config] = configs();
        let mut server = Connection::server(config, [9; 32], origin());
        let length = usize::from(datagrams[0][15]) << 8 | usize::from(datagrams[0][16]);
        let mut parts = 0;
        for mut datagram in datagrams.into_iter().take(2) {
            parts += 1;
            assert_eq!(
                server.handle_datagram(origin(), &mut datagram),
                Handled::Consumed,
                "{name}"
            );
            if server
                .poll_timeout()
                .is_some_and(|at| at - origin() < std::time::Duration::from_secs(1))
            {
                break;
            }
        }
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
