//! Strangers at a `Listener`: cookies, parts of hellos, who gets a connection and who does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use common::{End, configs, configs_of, fingerprint, origin};
use dtls_handshake::{
    Admission, AlertDescription, CipherSuite, CloseCause, Config, Connection, DropReason, Group,
    Handled, Listener, Parameter, Version,
};

const BOTH: &[Version] = &[Version::Dtls12, Version::Dtls13];
const ONLY_1_2: &[Version] = &[Version::Dtls12];
const ONLY_1_3: &[Version] = &[Version::Dtls13];

fn here() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

fn listener(config: Config) -> Listener {
    Listener::new(config, [3; 32])
}

fn client(config: Config) -> End {
    let mut connection = Connection::client(config, [1; 32], origin());
    connection.set_peer_fingerprints(origin(), vec![fingerprint(1)]);
    End::new(connection)
}

/// Hands all datagrams in, and returns what the last one led to, and the replies of all.
fn offer(
    listener: &mut Listener,
    now: Instant,
    remote: SocketAddr,
    datagrams: &[Vec<u8>],
) -> (Option<Admission>, Vec<Vec<u8>>) {
    let mut replies = Vec::new();
    let mut last = None;
    for datagram in datagrams {
        let mut out = BytesMut::new();
        let admission = listener.handle_datagram(now, remote, &mut datagram.clone(), &mut out);
        if let Admission::Reply(range) = &admission {
            replies.push(out[range.clone()].to_vec());
        }
        last = Some(admission);
    }
    (last, replies)
}

fn receive(end: &mut End, now: Instant, datagrams: &[Vec<u8>]) {
    for datagram in datagrams {
        let _: Handled = end.connection.handle_datagram(now, &mut datagram.clone());
    }
}

/// A client's second ClientHello, which has the cookie.
fn hello_with_cookie(listener: &mut Listener, client: &mut End, now: Instant) -> Vec<Vec<u8>> {
    let first = client.transmits();
    let (last, replies) = offer(listener, now, here(), &first);
    assert!(matches!(last, Some(Admission::Reply(_))), "{last:?}");
    let [reply] = &replies[..] else {
        panic!("{} replies", replies.len());
    };
    let asked: usize = first.iter().map(Vec::len).sum();
    assert!(reply.len() <= asked, "{} for {asked}", reply.len());
    receive(client, now, &replies);
    client.transmits()
}

fn accepted(listener: &mut Listener, now: Instant, hello: &[Vec<u8>]) -> End {
    match offer(listener, now, here(), hello).0 {
        Some(Admission::Accepted(connection)) => End::new(*connection),
        other => panic!("{other:?}"),
    }
}

/// Both ends exchange what they have until neither has more.
fn finish(client: &mut End, server: &mut End, now: Instant) {
    loop {
        let (ours, theirs) = (client.transmits(), server.transmits());
        if ours.is_empty() && theirs.is_empty() {
            break;
        }
        receive(server, now, &ours);
        receive(client, now, &theirs);
    }
    client.take_events(now);
    server.take_events(now);
}

#[test]
fn a_cookie_that_comes_back_begins_a_connection() {
    for (of_client, of_server, version) in [
        (ONLY_1_2, ONLY_1_2, Version::Dtls12),
        (ONLY_1_2, BOTH, Version::Dtls12),
        (BOTH, ONLY_1_2, Version::Dtls12),
        (BOTH, BOTH, Version::Dtls13),
        (ONLY_1_3, BOTH, Version::Dtls13),
    ] {
        for (mtu, profiles) in [(1200, vec![7]), (256, (1..=64).collect())] {
            let [ours, theirs] = configs().map(|c| c.with_srtp_profiles(&profiles).with_mtu(mtu));
            let mut listener = listener(theirs.with_versions(of_server));
            let mut client = client(ours.with_versions(of_client));
            let now = origin();
            let second = hello_with_cookie(&mut listener, &mut client, now);
            // A hybrid share is longer than a datagram.
            let long = mtu == 256 || of_client != ONLY_1_2;
            assert_eq!(second.len() > 1, long, "in parts");
            let mut server = accepted(&mut listener, now, &second);
            server
                .connection
                .set_peer_fingerprints(now, vec![fingerprint(0)]);
            finish(&mut client, &mut server, now);
            assert_eq!(client.exported(), server.exported());
            assert_eq!(client.connected.as_ref().unwrap().version, version);
            assert_eq!(client.connection.stats().timeouts, 0);
            assert_eq!(listener.stats().replies, 1);
            assert_eq!(listener.stats().accepted, 1);
        }
    }
}

/// Whatever datagram is lost, in whatever direction: it is sent again, and nothing is stuck.
#[test]
fn any_lost_datagram_is_made_up_for() {
    for versions in [ONLY_1_2, BOTH] {
        for lost in 0..12 {
            let [ours, theirs] = configs_of(versions);
            let (mut listener, mut client) = (listener(theirs), client(ours));
            let mut server: Option<End> = None;
            let mut now = origin();
            let mut sent = 0;
            for _ in 0..100 {
                let mut lose = |datagrams: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
                    let kept = datagrams.into_iter().filter(|_| {
                        sent += 1;
                        sent != lost + 1
                    });
                    kept.collect()
                };
                let to_server = lose(client.transmits());
                let to_client = match &mut server {
                    Some(server) => {
                        receive(server, now, &to_server);
                        lose(server.transmits())
                    }
                    None => match offer(&mut listener, now, here(), &to_server) {
                        (Some(Admission::Accepted(mut connection)), _) => {
                            connection.set_peer_fingerprints(now, vec![fingerprint(0)]);
                            let mut end = End::new(*connection);
                            let answer = lose(end.transmits());
                            server = Some(end);
                            answer
                        }
                        (_, replies) => lose(replies),
                    },
                };
                receive(&mut client, now, &to_client);
                client.take_events(now);
                if to_server.is_empty() && to_client.is_empty() {
                    let ends = [Some(&client), server.as_ref()].into_iter().flatten();
                    let wake = ends.filter_map(|end| end.connection.poll_timeout()).min();
                    let Some(at) = wake else { break };
                    now = at;
                    client.connection.handle_timeout(now);
                    if let Some(server) = &mut server {
                        server.connection.handle_timeout(now);
                    }
                }
            }
            let mut server = server.unwrap();
            server.take_events(now);
            assert_eq!(client.exported(), server.exported(), "{versions:?}, {lost}");
        }
    }
}

/// RFC 6347 §4.2.8, RFC 9147 §5.11: from an address with a connection that the client has lost.
#[test]
fn a_client_that_begins_anew_is_accepted_beside_its_old_connection() {
    for versions in [ONLY_1_2, BOTH] {
        let [ours, theirs] = configs_of(versions);
        let mut listener = listener(theirs);
        let now = origin();
        let connect = |listener: &mut Listener, old: Option<&mut End>| {
            let mut client = client(ours.clone());
            if let Some(old) = old {
                // The old connection drops the hello, and is none the worse for it.
                for mut datagram in client.transmits() {
                    let handled = old.connection.handle_datagram(now, &mut datagram);
                    assert_eq!(handled, Handled::Dropped);
                }
                let at = client.connection.poll_timeout().unwrap();
                client.connection.handle_timeout(at);
            }
            let second = hello_with_cookie(listener, &mut client, now);
            let mut server = accepted(listener, now, &second);
            server
                .connection
                .set_peer_fingerprints(now, vec![fingerprint(0)]);
            finish(&mut client, &mut server, now);
            assert_eq!(client.exported(), server.exported());
            (client, server)
        };
        let (mut client, mut old) = connect(&mut listener, None);
        let (_, new) = connect(&mut listener, Some(&mut old));
        assert_ne!(old.exported(), new.exported());
        client.connection.send(now, b"still here").unwrap();
        finish(&mut client, &mut old, now);
        assert_eq!(old.data(), [b"still here"]);
    }
}

/// One HelloRetryRequest asks for both (RFC 8446 §4.1.4).
#[test]
fn a_share_of_another_group_is_asked_for_with_the_cookie() {
    for suite in [
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256,
    ] {
        let [ours, theirs] = configs_of(ONLY_1_3).map(|c| c.with_cipher_suites(&[suite]));
        let mut listener = listener(theirs.with_groups(&[Group::Secp384r1]));
        let mut client = client(ours.with_groups(&[Group::X25519, Group::Secp384r1]));
        let now = origin();
        let second = hello_with_cookie(&mut listener, &mut client, now);
        let mut server = accepted(&mut listener, now, &second);
        server
            .connection
            .set_peer_fingerprints(now, vec![fingerprint(0)]);
        finish(&mut client, &mut server, now);
        assert_eq!(client.exported(), server.exported());
        let connected = server.connected.as_ref().unwrap();
        assert_eq!(connected.group, Group::Secp384r1);
        assert_eq!(connected.cipher_suite, suite);
    }
}

/// RFC 9147 §5.1: illegal_parameter, so that the client can begin anew.
#[test]
fn a_wrong_cookie_of_dtls_1_3_ends_the_handshake() {
    let [ours, theirs] = configs_of(ONLY_1_3);
    let (mut listener, mut client) = (listener(theirs), client(ours));
    let now = origin();
    let second = hello_with_cookie(&mut listener, &mut client, now);
    let refused = |admission: &(Option<Admission>, Vec<Vec<u8>>)| {
        // alert, DTLS 1.2, in the clear; 2 bytes: fatal, illegal_parameter.
        let (Some(Admission::Reply(_)), replies) = admission else {
            return false;
        };
        replies[0][0] == 21 && replies[0][13..] == [2, 47]
    };
    let elsewhere = ([192, 0, 2, 1], 5001).into();
    assert!(refused(&offer(&mut listener, now, elsewhere, &second)));
    let later = now + Duration::from_secs(120);
    let admission = offer(&mut listener, later, here(), &second);
    assert!(refused(&admission));
    // Each byte of the cookie counts: generation, code, group and hash.
    let at = second[0].windows(2).position(|w| w == [0, 44]).unwrap() + 6;
    for index in 0..1 + 16 + 2 + 32 {
        let mut forged = second.clone();
        forged[0][at + index] ^= 1;
        assert!(
            refused(&offer(&mut listener, now, here(), &forged)),
            "{index}"
        );
    }
    accepted(&mut listener, now, &second);
    receive(&mut client, later, &admission.1);
    client.take_events(later);
    let told = CloseCause::PeerAlert(AlertDescription::IllegalParameter);
    assert_eq!(client.closed, Some(told));
}

#[test]
fn a_client_of_dtls_1_3_without_anything_in_common_is_told_at_once() {
    let [ours, theirs] = configs_of(ONLY_1_3);
    let theirs = theirs.with_cipher_suites(&[CipherSuite::Aes256GcmSha384]);
    for ours in [
        ours.clone()
            .with_cipher_suites(&[CipherSuite::Aes128GcmSha256]),
        ours.with_groups(&[Group::Secp256r1]),
    ] {
        let theirs = theirs.clone().with_groups(&[Group::X25519]);
        let (mut listener, mut client) = (listener(theirs), client(ours));
        let now = origin();
        let (_, replies) = offer(&mut listener, now, here(), &client.transmits());
        receive(&mut client, now, &replies);
        client.take_events(now);
        let told = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
        assert_eq!(client.closed, Some(told));
        assert_eq!(listener.stats().replies, 1);
        assert_eq!(listener.stats().accepted, 0);
    }
}

/// RFC 6347 §4.2.1: the answers have the record numbers of what they answer, and message numbers
/// that go on.
#[test]
fn the_numbers_of_the_answers_are_those_of_the_hellos() {
    let [ours, theirs] = configs();
    let (mut listener, mut client) = (listener(theirs), client(ours));
    let (now, later) = (origin(), origin() + Duration::from_millis(400));
    let first = client.transmits();
    client.connection.handle_timeout(later);
    let again = client.transmits();
    let (_, replies) = offer(&mut listener, now, here(), &[&first[..], &again].concat());
    let numbers = |datagram: &[u8]| (datagram[10], datagram[13], datagram[18]);
    assert_eq!(numbers(&replies[0]), (0, 3, 0));
    assert_eq!(numbers(&replies[1]), (1, 3, 0));
    receive(&mut client, later, &replies);
    let second = client.transmits();
    assert_eq!(numbers(&second[0]), (2, 1, 1));
    let mut server = accepted(&mut listener, later, &second);
    let answer = server.transmits();
    assert_eq!(numbers(&answer[0]), (2, 2, 1));
}

#[test]
fn a_cookie_is_worth_nothing_elsewhere_or_later() {
    let [ours, theirs] = configs();
    let (mut listener, mut client) = (listener(theirs.clone()), client(ours));
    let now = origin();
    let second = hello_with_cookie(&mut listener, &mut client, now);
    let is_asked_again = |admission| matches!(admission, (Some(Admission::Reply(_)), _));
    let elsewhere = ([192, 0, 2, 1], 5001).into();
    assert!(is_asked_again(offer(
        &mut listener,
        now,
        elsewhere,
        &second
    )));
    let later = now + Duration::from_secs(120);
    assert!(is_asked_again(offer(&mut listener, later, here(), &second)));
    let mut other = Listener::new(theirs, [4; 32]);
    assert!(is_asked_again(offer(&mut other, now, here(), &second)));
    let mut changed = second.clone();
    // In the random.
    changed[0][13 + 12 + 2 + 20] ^= 1;
    assert!(is_asked_again(offer(&mut listener, now, here(), &changed)));
    // And here and now it is as good as ever.
    accepted(&mut listener, now, &second);
}

/// A client that is asked again, because its cookie was too old, begins anew.
#[test]
fn a_client_whose_hello_comes_too_late_fails_and_a_new_one_connects() {
    let [ours, theirs] = configs();
    let (mut listener, mut first) = (listener(theirs), client(ours.clone()));
    let now = origin();
    let second = hello_with_cookie(&mut listener, &mut first, now);
    let later = now + Duration::from_secs(200);
    let (_, replies) = offer(&mut listener, later, here(), &second);
    receive(&mut first, now, &replies);
    first.take_events(now);
    assert_eq!(
        first.closed,
        Some(CloseCause::Unexpected("HelloVerifyRequest"))
    );
    let mut anew = client(ours);
    let second = hello_with_cookie(&mut listener, &mut anew, later);
    accepted(&mut listener, later, &second);
}

#[test]
fn what_is_refused_is_refused_after_the_cookie() {
    let [ours, theirs] = configs();
    let ours = ours.with_cipher_suites(&[CipherSuite::EcdheRsaAes128GcmSha256]);
    let (mut listener, mut client) = (listener(theirs), client(ours));
    let now = origin();
    let second = hello_with_cookie(&mut listener, &mut client, now);
    let mut server = accepted(&mut listener, now, &second);
    finish(&mut client, &mut server, now);
    let nothing = CloseCause::NothingInCommon(Parameter::CipherSuite);
    assert_eq!(server.closed, Some(nothing));
    let told = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
    assert_eq!(client.closed, Some(told));
}

#[test]
fn what_is_no_hello_is_dropped_and_counted() {
    let [ours, theirs] = configs();
    let mut listener = listener(theirs);
    let [hello] = &client(ours).transmits()[..] else {
        panic!("in parts");
    };
    let change = |at: usize, byte: u8| {
        let mut datagram = hello.clone();
        datagram[at] = byte;
        datagram
    };
    for (datagram, reason) in [
        (Vec::new(), DropReason::TruncatedRecord),
        (
            hello[..hello.len() - 1].to_vec(),
            DropReason::TruncatedRecord,
        ),
        (change(0, 21), DropReason::OutOfPlace),
        (change(4, 1), DropReason::WrongEpoch),
        (change(2, 0x77), DropReason::WrongVersion),
        (change(13, 2), DropReason::OutOfPlace),
        // 2^16 bytes long.
        (change(14, 1), DropReason::OversizedMessage),
        (change(24, 0xFF), DropReason::MalformedFragment),
        // A session id of 33 bytes.
        (change(13 + 12 + 34, 33), DropReason::MalformedHello),
    ] {
        let before = listener.stats().dropped(reason);
        let (admission, replies) = offer(&mut listener, origin(), here(), &[datagram]);
        assert!(replies.is_empty());
        let Some(Admission::Dropped(because)) = admission else {
            panic!("{admission:?} for {reason:?}");
        };
        assert_eq!(because, reason);
        assert_eq!(listener.stats().dropped(reason), before + 1);
    }
    assert_eq!(listener.stats().datagrams_received, 9);
    assert_eq!(listener.stats().replies, 0);
}

/// No hello, whatever it looks like, is answered with more than it costs.
#[test]
fn no_answer_is_longer_than_its_hello() {
    for versions in [ONLY_1_2, BOTH] {
        let [ours, theirs] = configs_of(versions);
        let ours = ours.with_groups(&[Group::X25519]);
        let mut listener = listener(theirs);
        let [hello] = &client(ours).transmits()[..] else {
            panic!("in parts");
        };
        // With this many of its extensions.
        let at = 13 + 12 + 2 + 32 + 2 + 2 + usize::from(hello[13 + 12 + 2 + 32 + 3]) + 2;
        let mut answered = 0;
        for length in 2..hello.len() - at {
            let mut datagram = hello[..at + length].to_vec();
            for (at, length) in [
                (11, length + at - 13),
                (15, length + at - 25),
                (23, length + at - 25),
                (at, length - 2),
            ] {
                datagram[at..at + 2].copy_from_slice(&(length as u16).to_be_bytes());
            }
            let (_, replies) = offer(&mut listener, origin(), here(), &[datagram.clone()]);
            for reply in replies {
                answered += 1;
                assert!(reply.len() <= datagram.len());
            }
        }
        assert!(answered > 3, "{answered}");
    }
}
