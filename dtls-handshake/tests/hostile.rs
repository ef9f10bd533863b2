//! Hostile input in every state: nothing panics, nothing hangs, and what an outsider sends never
//! ends what is connected.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use bytes::BytesMut;
use common::{Link, configs, configs_of, fingerprint, origin};
use dtls_handshake::testing;
use dtls_handshake::{
    AlertDescription, CloseCause, Connection, DropReason, Event, Fingerprint, FingerprintError,
    Handled, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use virtual_network::Weather;

const VERSIONS: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// A handshake of DTLS 1.2 that has come so far.
fn link_after(deliveries: usize) -> Link {
    link_of(Version::Dtls12, deliveries)
}

/// A handshake that has come so far: deliveries between the two.
fn link_of(version: Version, deliveries: usize) -> Link {
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs_of(&[version]), 3, weather).introduced();
    link.drain();
    for _ in 0..deliveries {
        if link.is_busy() {
            link.step();
            link.drain();
        }
    }
    link
}

fn plain_record(content: u8, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![content, 0xFE, 0xFD];
    out.extend(sequence.to_be_bytes());
    out.extend((payload.len() as u16).to_be_bytes());
    out.extend(payload);
    out
}

fn handshake_record(kind: u8, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let mut payload = vec![kind];
    payload.extend(length);
    payload.extend(message_seq.to_be_bytes());
    payload.extend([0, 0, 0]);
    payload.extend(length);
    payload.extend(body);
    plain_record(22, 0, &payload)
}

fn drain(connection: &mut Connection) {
    let mut out = BytesMut::new();
    while connection.poll_transmit(&mut out).is_some() {}
    while connection.poll_event().is_some() {}
    while connection.poll_data(&mut out).is_some() {}
}

/// Runs the clock until nothing is due any more.
fn run_out(connection: &mut Connection) {
    for _ in 0..100 {
        drain(connection);
        let Some(at) = connection.poll_timeout() else {
            return;
        };
        connection.handle_timeout(at);
        assert!(connection.poll_timeout().is_none_or(|next| next > at));
    }
    panic!("it never ends");
}

/// Datagrams that begin as DTLS does.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    let payload = vec(any::<u8>(), 0..300);
    let record = (20_u8..27, 0_u64..3, payload.clone())
        .prop_map(|(content, sequence, payload)| plain_record(content, sequence, &payload));
    let message = (0_u8..25, 0_u16..8, payload.clone())
        .prop_map(|(kind, seq, body)| handshake_record(kind, seq, &body));
    // The header of DTLS 1.3: every form of it.
    let unified = (0x20_u8..0x40, payload.clone())
        .prop_map(|(first, payload)| [&[first], &payload[..]].concat());
    prop_oneof![payload, record, message, unified]
}

/// A whole handshake message, or something else.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let body = || vec(any::<u8>(), 0..80);
    let whole = (0_u8..26, 0_u8..9, body()).prop_map(|(kind, number, body)| {
        let length = body.len() as u8;
        let header = [kind, 0, 0, length, 0, number, 0, 0, 0, 0, 0, length];
        [&header, &body[..]].concat()
    });
    prop_oneof![body(), whole]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_in_any_state(
        version in select(&VERSIONS[..]),
        deliveries in 0_usize..5,
        datagrams in vec(datagram(), 0..12),
    ) {
        let mut link = link_of(version, deliveries);
        let now = link.now();
        for end in &mut link.ends {
            for datagram in &datagrams {
                let _: Handled = end.connection.handle_datagram(now, &mut datagram.clone());
                drain(&mut end.connection);
            }
            run_out(&mut end.connection);
        }
    }

    #[test]
    fn any_bytes_as_any_message(kind in any::<u8>(), body in vec(any::<u8>(), 0..200)) {
        let _ = testing::read_message(kind, &body);
        let _ = testing::read_message_13(kind, &body);
        let _ = testing::read_certificate(&body);
    }

    /// What a peer says under its own keys can end the connection, and nothing worse.
    #[test]
    fn any_message_under_the_peers_keys_in_any_state(
        version in select(&VERSIONS[..]),
        deliveries in 0_usize..5,
        speaker in 0_usize..2,
        said in vec((0_u64..4, 20_u8..28, message()), 1..6),
    ) {
        let mut link = link_of(version, deliveries);
        let now = link.now();
        for (before, content, payload) in said {
            let connection = &mut link.ends[speaker].connection;
            if let Some(mut datagram) = testing::speak(connection, before, content, &payload) {
                let other = &mut link.ends[1 - speaker].connection;
                let _: Handled = other.handle_datagram(now, &mut datagram);
                prop_assert!(other.poll_timeout().is_none_or(|at| at > now));
            }
        }
        for end in &mut link.ends {
            end.connection.close(now);
            run_out(&mut end.connection);
        }
    }

    #[test]
    fn truncated_and_changed_flights(
        version in select(&VERSIONS[..]),
        deliveries in 0_usize..4,
        cut in any::<prop::sample::Index>(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut link = link_of(version, deliveries);
        let now = link.now();
        for (to, mut datagram) in link.take_under_way() {
            for (at, bits) in &flips {
                let at = at.index(datagram.len());
                datagram[at] ^= bits;
            }
            datagram.truncate(cut.index(datagram.len() + 1));
            let _: Handled = link.ends[to].connection.handle_datagram(now, &mut datagram);
        }
        for end in &mut link.ends {
            run_out(&mut end.connection);
        }
    }

    #[test]
    fn any_text_as_a_fingerprint(text in ".{0,80}") {
        let parsed: Result<Fingerprint, FingerprintError> = text.parse();
        if let Ok(fingerprint) = parsed {
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn outsiders_cannot_end_a_connection(
        version in select(&VERSIONS[..]),
        datagrams in vec(datagram(), 0..20),
    ) {
        let mut link = link_of(version, 4);
        let now = link.now();
        prop_assert!(link.ends.iter().all(|end| end.connected.is_some()));
        for end in &mut link.ends {
            for datagram in &datagrams {
                let mut datagram = datagram.clone();
                prop_assert_eq!(end.connection.handle_datagram(now, &mut datagram), Handled::Dropped);
            }
            prop_assert_eq!(end.connection.poll_event(), None);
            prop_assert_eq!(end.connection.poll_transmit(&mut BytesMut::new()), None);
        }
        link.ends[0].connection.send(now, b"still here").unwrap();
        link.deliver();
        prop_assert_eq!(link.ends[1].data(), [b"still here"]);
    }
}

#[test]
fn unprotected_alerts_and_data_after_the_handshake_are_ignored() {
    for version in VERSIONS {
        let mut link = link_of(version, 4);
        let now = link.now();
        for end in &mut link.ends {
            for content in [21, 23] {
                let mut datagram = plain_record(content, 9, &[2, 40]);
                let handled = end.connection.handle_datagram(now, &mut datagram);
                assert_eq!(handled, Handled::Dropped);
            }
            assert_eq!(end.connection.stats().dropped(DropReason::Unprotected), 2);
            assert_eq!(end.connection.poll_event(), None);
            assert!(end.data().is_empty());
        }
    }
}

#[test]
fn a_fatal_alert_during_the_handshake_is_a_cause() {
    let mut link = link_after(1);
    let now = link.now();
    let mut alert = plain_record(21, 5, &[2, 40]);
    assert_eq!(
        link.ends[0].connection.handle_datagram(now, &mut alert),
        Handled::Consumed
    );
    let cause = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
    assert_eq!(
        link.ends[0].connection.poll_event(),
        Some(Event::Closed(cause))
    );
    assert_eq!(
        link.ends[0].connection.poll_transmit(&mut BytesMut::new()),
        None
    );
    assert_eq!(link.ends[0].connection.poll_timeout(), None);
}

/// RFC 6347 §4.1.2.6, RFC 9147 §4.5.1: what does not authenticate moves no window.
#[test]
fn forged_records_do_not_move_the_window() {
    // Where the numbers of records stand.
    for (version, number) in [(Version::Dtls12, 5..11), (Version::Dtls13, 1..3)] {
        let mut link = link_of(version, 4);
        let now = link.now();
        link.ends[0].connection.send(now, b"one").unwrap();
        let mut genuine = link.ends[0].transmits().remove(0);
        let mut forged = genuine.clone();
        forged[number].iter_mut().for_each(|byte| *byte ^= 0xFF);
        let server = &mut link.ends[1].connection;
        assert_eq!(server.handle_datagram(now, &mut forged), Handled::Dropped);
        assert_eq!(server.stats().dropped(DropReason::NotAuthentic), 1);
        let mut copy = genuine.clone();
        assert_eq!(server.handle_datagram(now, &mut genuine), Handled::Consumed);
        assert_eq!(server.handle_datagram(now, &mut copy), Handled::Dropped);
        assert_eq!(server.stats().dropped(DropReason::Replayed), 1);
        assert_eq!(link.ends[1].data(), [b"one"]);
    }
}

/// A Finished that anybody could have sent in the clear does not count, however early.
#[test]
fn a_finished_in_the_clear_is_nothing() {
    let mut link = link_after(1);
    let now = link.now();
    // After Certificate, ClientKeyExchange and CertificateVerify Finished is message 4.
    let mut forged = handshake_record(20, 4, &[0; 12]);
    let _: Handled = link.ends[1].connection.handle_datagram(now, &mut forged);
    link.settle();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
}

#[test]
fn an_announced_length_of_16_mib_is_dropped() {
    let [config, _] = configs();
    let mut server = Connection::server(config, [0; 32], origin());
    let mut datagram = handshake_record(1, 0, &[0xFE]);
    datagram[14..17].copy_from_slice(&[0xFF; 3]);
    assert_eq!(
        server.handle_datagram(origin(), &mut datagram),
        Handled::Dropped
    );
    assert_eq!(server.stats().dropped(DropReason::OversizedMessage), 1);
}

#[test]
fn messages_in_the_wrong_place_end_the_handshake_with_a_cause() {
    let mut link = link_after(1);
    let now = link.now();
    let mut done = handshake_record(14, 0, &[]);
    let _: Handled = link.ends[0].connection.handle_datagram(now, &mut done);
    let cause = CloseCause::Unexpected("ServerHelloDone");
    assert_eq!(
        link.ends[0].connection.poll_event(),
        Some(Event::Closed(cause))
    );
    let mut out = BytesMut::new();
    link.ends[0].connection.poll_transmit(&mut out).unwrap();
    assert_eq!(out[13..], [2, 10], "a fatal unexpected_message");
}

/// The client answers a HelloVerifyRequest with the same hello and the cookie (RFC 6347 §4.2.1).
#[test]
fn a_cookie_comes_back() {
    let [config, _] = configs();
    let mut client = Connection::client(config, [7; 32], origin());
    client.set_peer_fingerprints(origin(), vec![fingerprint(1)]);
    let hello = |client: &mut Connection| {
        let mut out = BytesMut::new();
        client.poll_transmit(&mut out).unwrap();
        out.to_vec()
    };
    let first = hello(&mut client);
    let mut request = handshake_record(3, 0, &[0xFE, 0xFF, 3, 7, 8, 9]);
    assert_eq!(
        client.handle_datagram(origin(), &mut request),
        Handled::Consumed
    );
    let second = hello(&mut client);
    assert_eq!(second[17..19], [0, 1], "message number");
    // Header of record and message, version, random, empty session id.
    let cookie_at = 13 + 12 + 2 + 32 + 1;
    assert_eq!(first[25..cookie_at], second[25..cookie_at]);
    assert_eq!(first[cookie_at], 0);
    assert_eq!(second[cookie_at..cookie_at + 4], [3, 7, 8, 9]);
    assert_eq!(first[cookie_at + 1..], second[cookie_at + 4..]);

    // The same request again: the answer was lost. A second, other one is out of place.
    let now = origin() + Duration::from_secs(1);
    let mut again = handshake_record(3, 0, &[0xFE, 0xFF, 3, 7, 8, 9]);
    assert_eq!(client.handle_datagram(now, &mut again), Handled::Consumed);
    assert_eq!(hello(&mut client)[13..], second[13..]);
    let mut other = handshake_record(3, 1, &[0xFE, 0xFF, 1, 7]);
    let _: Handled = client.handle_datagram(now, &mut other);
    let cause = CloseCause::Unexpected("HelloVerifyRequest");
    assert_eq!(client.poll_event(), Some(Event::Closed(cause)));
}
