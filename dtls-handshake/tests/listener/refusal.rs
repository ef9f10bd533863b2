//! Who does not, and what it is told.

use std::time::Duration;

use dtls_handshake::{
    Admission, AlertDescription, CipherSuite, CloseCause, DropReason, Group, Listener, Parameter,
};

use crate::common::{configs, configs_of, origin};
use crate::{
    BOTH, ONLY_1_2, ONLY_1_3, accepted, client, finish, hello_with_cookie, here, listener, offer,
    receive,
};

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
