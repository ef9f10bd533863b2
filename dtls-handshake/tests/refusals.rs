//! Peers that offer or answer what must be refused: each is told with the right alert, and the
//! owner learns the cause.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::Link;
use dtls_handshake::{AlertDescription, CipherSuite, CloseCause, Config, Parameter, Version};
use virtual_network::Weather;

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Record and handshake header.
const HEADERS: usize = 13 + 12;

/// With one suite, so that hellos are easy to change.
fn configs() -> [Config; 2] {
    common::configs()
        .map(|config| config.with_cipher_suites(&[CipherSuite::EcdheEcdsaAes128GcmSha256]))
}

/// Runs a handshake in which the first datagram that `change` accepts, on its way to `to`, is
/// changed, and returns the cause there. The other side has to learn the alert.
fn cause(to: usize, change: impl Fn(&mut Vec<u8>) -> bool) -> CloseCause {
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs(), 11, weather).introduced();
    let mut changed = false;
    for _ in 0..20 {
        link.drain();
        link.change_under_way(|side, datagram| {
            if side == to && !changed {
                changed = change(datagram);
            }
        });
        if link.ends[to].closed.is_some() || !link.is_busy() {
            break;
        }
        link.step();
    }
    assert!(changed, "nothing to change");
    link.deliver();
    let cause = link.ends[to]
        .closed
        .unwrap_or_else(|| panic!("no refusal: {:?}", link.causes()));
    let told = CloseCause::PeerAlert(cause.alert().unwrap());
    assert_eq!(link.ends[1 - to].closed, Some(told));
    cause
}

/// Replaces bytes by others of the same number.
fn replace(from: &[u8], to: &[u8]) -> impl Fn(&mut Vec<u8>) -> bool {
    assert_eq!(from.len(), to.len());
    move |datagram| {
        let at = datagram
            .windows(from.len())
            .position(|window| window == from);
        if let Some(at) = at {
            datagram[at..at + to.len()].copy_from_slice(to);
        }
        at.is_some()
    }
}

/// Replaces an extension of the hello at the beginning of a datagram, by none or by another, and
/// corrects every length around it.
fn replace_extension(
    extensions_at: usize,
    from: &[u8],
    to: &[u8],
) -> impl Fn(&mut Vec<u8>) -> bool {
    move |datagram| {
        let Some(at) = datagram
            .windows(from.len())
            .position(|window| window == from)
        else {
            return false;
        };
        datagram.splice(at..at + from.len(), to.iter().copied());
        let grown = to.len() as isize - from.len() as isize;
        for length_at in [11, 15, 23, extensions_at] {
            let length = &mut datagram[length_at..length_at + 2];
            let old = isize::from(i16::from_be_bytes([length[0], length[1]]));
            length.copy_from_slice(&((old + grown) as u16).to_be_bytes());
        }
        true
    }
}

/// Version, random, no session id, no cookie, one suite, one compression method.
const CLIENT_EXTENSIONS: usize = HEADERS + 2 + 32 + 1 + 1 + 4 + 2;
/// Version, random, no session id, suite, compression method.
const SERVER_EXTENSIONS: usize = HEADERS + 2 + 32 + 1 + 2 + 1;
const MASTER_SECRET: [u8; 4] = [0, 23, 0, 0];
const RENEGOTIATION: [u8; 5] = [0xFF, 1, 0, 1, 0];
const RENEGOTIATING: [u8; 7] = [0xFF, 1, 0, 3, 2, 1, 1];

#[test]
fn client_hellos_with_nothing_in_common() {
    let nothing_in = CloseCause::NothingInCommon;
    let suites = replace(&[0, 2, 0xC0, 0x2B], &[0, 2, 0xC0, 0x2C]);
    assert_eq!(cause(SERVER, suites), nothing_in(Parameter::CipherSuite));
    let groups = replace(&[0, 6, 0, 29, 0, 23, 0, 24], &[0, 6, 9, 9, 9, 8, 9, 7]);
    assert_eq!(cause(SERVER, groups), nothing_in(Parameter::Group));
    let not_ours = replace(&[0, 6, 0, 29, 0, 23, 0, 24], &[0, 6, 0, 29, 9, 8, 9, 7]);
    assert_eq!(cause(SERVER, not_ours), nothing_in(Parameter::Group));
    let schemes = replace(&[0, 18, 4, 3], &[0, 18, 2, 3]);
    assert_eq!(
        cause(SERVER, schemes),
        nothing_in(Parameter::SignatureScheme)
    );
    for older in [[0xFE, 0xFF], [0x7F, 0xFF], [3, 3]] {
        let refused = cause(SERVER, version(older));
        assert_eq!(refused, nothing_in(Parameter::Version));
        assert_eq!(refused.alert(), Some(AlertDescription::ProtocolVersion));
    }
}

/// Changes the version in a ClientHello.
fn version(version: [u8; 2]) -> impl Fn(&mut Vec<u8>) -> bool {
    move |datagram| {
        datagram[HEADERS..HEADERS + 2].copy_from_slice(&version);
        true
    }
}

/// RFC 5246 §E.1: a client that speaks what is not known here is answered with what is. What ends the
/// handshake later is that the hello was changed on its way.
#[test]
fn client_hellos_of_later_versions_are_answered() {
    for later in [[0xFE, 0xFC], [0xFD, 0xFF], [0x80, 0]] {
        let refused = cause(SERVER, version(later));
        assert_eq!(refused, CloseCause::NotVerified("CertificateVerify"));
    }
}

#[test]
fn client_hellos_that_must_not_be() {
    let master_secret = replace_extension(CLIENT_EXTENSIONS, &MASTER_SECRET, &[]);
    assert_eq!(
        cause(SERVER, master_secret),
        CloseCause::ExtendedMasterSecretMissing
    );
    let renegotiation = replace_extension(CLIENT_EXTENSIONS, &RENEGOTIATION, &RENEGOTIATING);
    assert_eq!(
        cause(SERVER, renegotiation),
        CloseCause::RenegotiationRefused
    );
    let compression = replace(&[0xC0, 0x2B, 1, 0], &[0xC0, 0x2B, 1, 1]);
    assert_eq!(
        cause(SERVER, compression),
        CloseCause::Illegal("compression_methods")
    );
    let formats = replace(&[0, 11, 0, 2, 1, 0], &[0, 11, 0, 2, 1, 1]);
    assert_eq!(
        cause(SERVER, formats),
        CloseCause::Illegal("ec_point_formats")
    );
    let twice = replace_extension(
        CLIENT_EXTENSIONS,
        &MASTER_SECRET,
        &[0, 23, 0, 0, 0, 23, 0, 0],
    );
    let malformed = CloseCause::Malformed("extensions: one comes twice");
    assert_eq!(cause(SERVER, twice), malformed);
}

/// RFC 7507: a client that says that it has fallen back, to a server that speaks what it fell from.
#[test]
fn a_fallback_that_nobody_needs() {
    let signalled = |server: &[Version]| {
        let both = [
            CipherSuite::EcdheEcdsaAes128GcmSha256,
            CipherSuite::EcdheEcdsaAes256GcmSha384,
        ];
        let [client, ours] = common::configs();
        let weather = Weather::calm(Duration::from_millis(10));
        let configs = [client.with_cipher_suites(&both), ours.with_versions(server)];
        let mut link = Link::new(configs, 12, weather).introduced();
        link.drain();
        // In the place of the second suite.
        let signal = replace(
            &[0, 4, 0xC0, 0x2B, 0xC0, 0x2C],
            &[0, 4, 0xC0, 0x2B, 0x56, 0],
        );
        link.change_under_way(|_, datagram| assert!(signal(datagram)));
        link.deliver();
        link.causes()
    };
    let fallback = CloseCause::InappropriateFallback;
    let told = CloseCause::PeerAlert(AlertDescription::InappropriateFallback);
    let both = [Version::Dtls12, Version::Dtls13];
    assert_eq!(signalled(&both), [Some(told), Some(fallback)]);
    // The hello was changed on its way, which the server's Finished would not agree with: it is
    // the verification that fails, not the version.
    let [_, server] = signalled(&[Version::Dtls12]);
    assert_ne!(server, Some(fallback));
}

/// CBC, RC4, static RSA, anonymous, no encryption: none is offered, taken or accepted
/// (RFC 9325 §4.1 and §4.2).
#[test]
fn suites_that_are_never_spoken() {
    for [a, b] in [
        [0xC0, 0x09],
        [0xC0, 0x23],
        [0xC0, 0x07],
        [0x00, 0x9C],
        [0xC0, 0x18],
        [0xC0, 0x06],
        [0x00, 0x00],
    ] {
        let (offer, answer) = ([0, 2, a, b], [0, a, b, 0]);
        let offered = replace(&[0, 2, 0xC0, 0x2B], &offer);
        let nothing = CloseCause::NothingInCommon(Parameter::CipherSuite);
        assert_eq!(cause(SERVER, offered), nothing);
        let answered = replace(&[0, 0xC0, 0x2B, 0], &answer);
        assert_eq!(cause(CLIENT, answered), CloseCause::Illegal("cipher_suite"));
    }
}

#[test]
fn server_hellos_that_must_not_be() {
    let master_secret = replace_extension(SERVER_EXTENSIONS, &MASTER_SECRET, &[]);
    assert_eq!(
        cause(CLIENT, master_secret),
        CloseCause::ExtendedMasterSecretMissing
    );
    let renegotiation = replace_extension(SERVER_EXTENSIONS, &RENEGOTIATION, &RENEGOTIATING);
    assert_eq!(
        cause(CLIENT, renegotiation),
        CloseCause::RenegotiationRefused
    );
    let ticket = replace_extension(SERVER_EXTENSIONS, &RENEGOTIATION, &[0, 35, 0, 0]);
    assert_eq!(cause(CLIENT, ticket), CloseCause::UnsolicitedExtension);
    let suite = replace(&[0, 0xC0, 0x2B, 0], &[0, 0xC0, 0x2C, 0]);
    assert_eq!(cause(CLIENT, suite), CloseCause::Illegal("cipher_suite"));
    let compression = replace(&[0, 0xC0, 0x2B, 0], &[0, 0xC0, 0x2B, 1]);
    assert_eq!(
        cause(CLIENT, compression),
        CloseCause::Illegal("compression_method")
    );
    let version = |datagram: &mut Vec<u8>| {
        datagram[HEADERS + 1] = 0xFF;
        true
    };
    assert_eq!(
        cause(CLIENT, version),
        CloseCause::NothingInCommon(Parameter::Version)
    );
}

/// RFC 5764 §4.1.1: one profile, of those offered, and no key identifier.
#[test]
fn use_srtp_answers_that_must_not_be() {
    let answer = [0, 14, 0, 5, 0, 2, 0, 7, 0];
    for wrong in [
        &[0, 14, 0, 5, 0, 2, 0, 9, 0][..],
        &[0, 14, 0, 7, 0, 4, 0, 7, 0, 1, 0],
        &[0, 14, 0, 6, 0, 2, 0, 7, 1, 9],
    ] {
        let change = replace_extension(SERVER_EXTENSIONS, &answer, wrong);
        assert_eq!(cause(CLIENT, change), CloseCause::Illegal("use_srtp"));
    }
}

/// The server's signature covers its share and both randoms; the client's covers all before it.
#[test]
fn what_is_changed_on_the_way_does_not_verify() {
    let share = |datagram: &mut Vec<u8>| {
        let Some(at) = datagram
            .windows(4)
            .position(|window| window == [3, 0, 29, 32])
        else {
            return false;
        };
        datagram[at + 4] ^= 1;
        true
    };
    assert_eq!(
        cause(CLIENT, share),
        CloseCause::NotVerified("ServerKeyExchange")
    );
    let scheme = |datagram: &mut Vec<u8>| {
        let Some(at) = datagram
            .windows(4)
            .position(|window| window == [3, 0, 29, 32])
        else {
            return false;
        };
        // ECDSA with SHA-1 behind the share: nobody offered it.
        datagram[at + 36..at + 38].copy_from_slice(&[2, 3]);
        true
    };
    assert_eq!(
        cause(CLIENT, scheme),
        CloseCause::Illegal("signature algorithm")
    );
    let random = |datagram: &mut Vec<u8>| {
        datagram[HEADERS + 2] ^= 1;
        true
    };
    assert_eq!(
        cause(CLIENT, random),
        CloseCause::NotVerified("ServerKeyExchange")
    );
    // The list of the CertificateRequest behind its two types.
    let request = replace(
        &[2, 64, 1, 0, 18, 4, 3, 5, 3],
        &[2, 64, 1, 0, 18, 4, 3, 5, 4],
    );
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs(), 12, weather).introduced();
    link.drain();
    link.step();
    link.drain();
    let mut changed = false;
    link.change_under_way(|_, datagram| changed |= request(datagram));
    assert!(changed);
    link.settle();
    link.deliver();
    let told = CloseCause::PeerAlert(AlertDescription::DecryptError);
    let verify = CloseCause::NotVerified("CertificateVerify");
    assert_eq!(link.causes(), [Some(told), Some(verify)]);
}

#[test]
fn shares_off_the_curve_are_illegal() {
    // ClientKeyExchange is message 2 of the client: type, length 33, number, whole.
    let header = [16, 0, 0, 33, 0, 2, 0, 0, 0, 0, 0, 33, 32];
    let zero = |datagram: &mut Vec<u8>| {
        let Some(at) = datagram.windows(13).position(|window| window == header) else {
            return false;
        };
        datagram[at + 13..at + 45].fill(0);
        true
    };
    assert_eq!(
        cause(SERVER, zero),
        CloseCause::Illegal("share of ClientKeyExchange")
    );
}

#[test]
fn a_certificate_has_to_be_there_and_to_be_the_announced_one() {
    // Certificate is the first message of the client's second flight.
    let is_certificate = |datagram: &[u8]| datagram[13] == 11;
    let other = move |datagram: &mut Vec<u8>| {
        let found = is_certificate(datagram);
        if found {
            datagram[HEADERS + 6 + 20] ^= 1;
        }
        found
    };
    assert_eq!(cause(SERVER, other), CloseCause::FingerprintMismatch);
    let none = move |datagram: &mut Vec<u8>| {
        let found = is_certificate(datagram);
        if found {
            let length = usize::from(datagram[11]) << 8 | usize::from(datagram[12]);
            datagram.splice(
                13..13 + length,
                [11, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0],
            );
            datagram[11..13].copy_from_slice(&[0, 15]);
        }
        found
    };
    assert_eq!(cause(SERVER, none), CloseCause::PeerCertificateMissing);
}
