//! Identities that are made and loaded, chains, and the caller's judgement of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Link, identities};
use dtls_handshake::{
    AlertDescription, CloseCause, Config, Fingerprint, HashAlgorithm, Identity, IdentityError,
};
use virtual_network::Weather;

const P256: &[u8] = include_bytes!("data/p256.pem");
const RSA: &[u8] = include_bytes!("data/rsa.pem");
const CHAIN: &[u8] = include_bytes!("data/chain.pem");
/// Every form in which a key may be stored.
const FORMS: [(&str, &[u8]); 7] = [
    ("P-256", P256),
    (
        "P-256, SEC 1",
        include_bytes!("data/p256-sec1-without-public.pem"),
    ),
    ("P-384, SEC 1", include_bytes!("data/p384-sec1.pem")),
    ("Ed25519", include_bytes!("data/ed25519.pem")),
    ("RSA", RSA),
    ("RSA, PKCS#1", include_bytes!("data/rsa-pkcs1.pem")),
    ("a chain", CHAIN),
];

fn load(text: &[u8]) -> Identity {
    Identity::from_pem(text, text).unwrap()
}

fn link(configs: [Config; 2]) -> Link {
    Link::new(configs, 3, Weather::calm(Duration::from_millis(10)))
}

#[test]
fn every_loaded_identity_serves_in_both_roles() {
    let made = &identities()[0];
    for (name, text) in FORMS {
        let loaded = load(text);
        for mtu in [256, 1500] {
            for order in [[made, &loaded], [&loaded, made], [&loaded, &loaded]] {
                let configs = order.map(|identity| Config::new(identity.clone()).with_mtu(mtu));
                let mut link = link(configs).introduced_as(order.map(Identity::fingerprint));
                link.settle();
                assert_eq!(
                    link.ends[0].exported(),
                    link.ends[1].exported(),
                    "{name}: {:?}",
                    link.causes()
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_an_identity_is_said() {
    let refused = |certificates, key| Identity::from_pem(certificates, key).unwrap_err();
    assert_eq!(refused(b"", P256), IdentityError::NoCertificate);
    assert_eq!(refused(P256, b""), IdentityError::NoKey);
    assert_eq!(refused(P256, CHAIN), IdentityError::ForeignKey);
    assert_eq!(refused(P256, RSA), IdentityError::BadKey);
    assert_eq!(refused(RSA, P256), IdentityError::BadKey);
    let short = include_bytes!("data/rsa-1024.pem");
    let unknown = include_bytes!("data/p521.pem");
    let agrees = include_bytes!("data/key-agreement.pem");
    for text in [&short[..], unknown, agrees] {
        assert_eq!(refused(text, text), IdentityError::UnsupportedKey);
    }

    let text = String::from_utf8(P256.to_vec()).unwrap();
    let encrypted = text.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(refused(P256, encrypted.as_bytes()), IdentityError::NoKey);
    let damaged = text.replacen("MII", "AAA", 1);
    let damaged = [P256, damaged.as_bytes()].concat();
    assert_eq!(refused(&damaged, P256), IdentityError::BadCertificate(1));
    let cut = &P256[..400];
    assert_eq!(refused(cut, P256), IdentityError::BadCertificate(0));

    let IdentityError::ChainTooLong { certificates, .. } = refused(&P256.repeat(17), P256) else {
        panic!("a chain without end");
    };
    assert_eq!(certificates, 17);
}

#[test]
fn der_is_loaded_as_pem_is() {
    let identity = load(CHAIN);
    let chain: Vec<_> = identity.chain().collect();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[0], identity.certificate());
    assert_eq!(
        Identity::from_der(&chain, b"no key").unwrap_err(),
        IdentityError::BadKey
    );
    let none: [&[u8]; 0] = [];
    assert_eq!(
        Identity::from_der(&none, b"").unwrap_err(),
        IdentityError::NoCertificate
    );
    assert_eq!(
        Identity::from_der(&[b"no certificate"], b"").unwrap_err(),
        IdentityError::BadCertificate(0)
    );
}

#[test]
fn nothing_secret_is_shown() {
    assert_eq!(
        format!("{:?}", load(RSA)),
        format!("Identity({})", load(RSA).fingerprint())
    );
}

/// The verifier sees the whole chain, and Connected waits for no fingerprint.
#[test]
fn a_verifier_decides_in_place_of_fingerprints() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let configs = [load(CHAIN), load(RSA)].map(|identity| {
        let seen = seen.clone();
        Config::new(identity).with_peer_verifier(move |chain| {
            let chain: Vec<_> = chain.iter().map(|der| der.to_vec()).collect();
            seen.lock().unwrap().push(chain);
            Ok(())
        })
    });
    let mut link = link(configs);
    link.settle();
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    for end in &link.ends {
        assert_eq!(end.connected.as_ref().unwrap().peer.fingerprint(), None);
    }
    let seen = seen.lock().unwrap();
    let [by_client, by_server] = &seen[..] else {
        panic!("{} calls", seen.len());
    };
    assert!(load(RSA).chain().eq(by_client));
    assert!(load(CHAIN).chain().eq(by_server));
}

#[test]
fn a_verifier_that_refuses_names_the_alert() {
    for refusing in 0..2 {
        let mut configs = common::configs();
        configs[refusing] = configs[refusing]
            .clone()
            .with_peer_verifier(|_| Err(AlertDescription::UnknownCa));
        let mut link = link(configs).introduced();
        link.settle();
        link.deliver();
        let causes = link.causes();
        let refused = CloseCause::PeerRefused(AlertDescription::UnknownCa);
        assert_eq!(causes[refusing], Some(refused));
        let told = CloseCause::PeerAlert(AlertDescription::UnknownCa);
        assert_eq!(causes[1 - refusing], Some(told));
    }
}

#[test]
fn where_there_are_fingerprints_as_well_both_have_to_agree() {
    let taking = || common::configs().map(|config| config.with_peer_verifier(|_| Ok(())));
    let mut agreeing = link(taking()).introduced();
    agreeing.settle();
    let peer = &agreeing.ends[0].connected.as_ref().unwrap().peer;
    assert_eq!(peer.fingerprint(), Some(common::fingerprint(1)));

    let other = Fingerprint::of(HashAlgorithm::Sha256, b"somebody else");
    let mut disagreeing = link(taking()).introduced_as([common::fingerprint(0), other]);
    disagreeing.settle();
    disagreeing.deliver();
    let mismatch = CloseCause::FingerprintMismatch;
    assert_eq!(disagreeing.causes()[0], Some(mismatch));
}
