//! Every cipher suite between two of our own, and who chooses among them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, identities, origin};
use dtls_handshake::{
    AlertDescription, CipherSuite, CloseCause, Config, Connection, Event, Identity, Parameter,
    Version,
};
use virtual_network::Weather;

const ECDSA: [CipherSuite; 3] = [
    CipherSuite::EcdheEcdsaAes128GcmSha256,
    CipherSuite::EcdheEcdsaAes256GcmSha384,
    CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
];
const RSA: [CipherSuite; 3] = [
    CipherSuite::EcdheRsaAes128GcmSha256,
    CipherSuite::EcdheRsaAes256GcmSha384,
    CipherSuite::EcdheRsaChaCha20Poly1305Sha256,
];

fn rsa() -> Identity {
    let text = include_bytes!("data/rsa.pem");
    Identity::from_pem(text, text).unwrap()
}

/// A handshake of a client with an ECDSA certificate, until it is over.
fn link(server: Identity, suites: [&[CipherSuite]; 2], mtu: usize) -> Link {
    let client = identities()[0].clone();
    let fingerprints = [client.fingerprint(), server.fingerprint()];
    let configs = [(client, suites[0]), (server, suites[1])].map(|(identity, suites)| {
        let config = Config::new(identity).with_cipher_suites(suites);
        config.with_srtp_profiles(&[7]).with_mtu(mtu)
    });
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs, 5, weather).introduced_as(fingerprints);
    link.settle();
    link.deliver();
    link
}

fn settled(link: &Link) -> CipherSuite {
    let [client, server] = &link.ends;
    assert_eq!(client.exported(), server.exported());
    let suites = [client, server].map(|end| end.connected.as_ref().unwrap().cipher_suite);
    assert_eq!(suites[0], suites[1]);
    suites[0]
}

#[test]
fn every_suite_protects_handshake_and_data() {
    for suite in ECDSA.into_iter().chain(RSA) {
        let server = if ECDSA.contains(&suite) {
            identities()[1].clone()
        } else {
            rsa()
        };
        for mtu in [256, 1200] {
            let mut link = link(server.clone(), [&[suite]; 2], mtu);
            assert_eq!(settled(&link), suite);
            let connected = link.ends[0].connected.as_ref().unwrap();
            assert_eq!(connected.version, Version::Dtls12);
            let now = link.now();
            for (side, data) in [(0, &b"ping"[..]), (1, b"pong")] {
                link.ends[side].connection.send(now, data).unwrap();
                link.deliver();
                assert_eq!(link.ends[1 - side].data(), [data]);
            }
            let longest = [0; 1200];
            let room = (0..mtu).rev().find(|length| {
                let sender = &mut link.ends[0].connection;
                sender.send(now, &longest[..*length]).is_ok()
            });
            link.deliver();
            assert_eq!(link.ends[1].data(), [&longest[..room.unwrap()]]);
            assert_eq!(link.largest, mtu, "{suite}: a datagram is filled");
        }
    }
}

#[test]
fn the_server_takes_its_first_that_fits_its_key() {
    let [aes128, aes256, chacha20] = ECDSA;
    let choose = |client: &[CipherSuite], server: &[CipherSuite]| {
        settled(&link(identities()[1].clone(), [client, server], 1200))
    };
    assert_eq!(choose(&ECDSA, &[chacha20, aes128]), chacha20);
    assert_eq!(choose(&[chacha20, aes256], &ECDSA), aes256);
    assert_eq!(choose(&[RSA[0], aes256], &[RSA[0], aes256, aes256]), aes256);
    let both = [&RSA[..], &ECDSA].concat();
    assert_eq!(settled(&link(rsa(), [&both, &both], 1200)), RSA[0]);
}

#[test]
fn without_a_common_suite_both_sides_learn_it() {
    let nothing = CloseCause::NothingInCommon(Parameter::CipherSuite);
    let told = CloseCause::PeerAlert(AlertDescription::HandshakeFailure);
    for (client, server) in [(&ECDSA[..1], &ECDSA[1..]), (&RSA, &RSA), (&ECDSA, &[])] {
        let link = link(identities()[1].clone(), [client, server], 1200);
        assert_eq!(link.causes(), [Some(told), Some(nothing)]);
    }
}

/// Numbers without a name here are no suites, and nothing can be said without one.
#[test]
fn a_client_without_suites_ends_at_once() {
    let config = Config::new(identities()[0].clone());
    let config = config.with_cipher_suites(&[CipherSuite::Unknown(0xC0AC)]);
    let mut client = Connection::client(config, [1; 32], origin());
    let nothing = CloseCause::NothingInCommon(Parameter::CipherSuite);
    assert_eq!(client.poll_event(), Some(Event::Closed(nothing)));
    assert_eq!(client.poll_timeout(), None);
}
