//! `openssl s_server` and `openssl s_client`. Version 3.0 speaks DTLS 1.2 and no 1.3.

use std::process::Command;

use dtls_handshake::{
    CipherSuite, CloseCause, Config, Connected, Group, Identity, Parameter, SRTP_EXPORTER_LABEL,
    Version,
};

use crate::driver::{Driver, FrontDoor, config};
use crate::program::{Credentials, Program};

fn start(credentials: &Credentials, arguments: &[&str]) -> Program {
    start_version("-dtls1_2", credentials, arguments)
}

fn start_version(version: &str, credentials: &Credentials, arguments: &[&str]) -> Program {
    Program::start(
        Command::new("openssl")
            .args(arguments)
            .args([version, "-use_srtp", "SRTP_AES128_CM_SHA1_80"])
            .args(["-keymatexport", SRTP_EXPORTER_LABEL])
            .args(["-keymatexportlen", "60", "-cert"])
            .arg(credentials.certificate_file())
            .arg("-key")
            .arg(credentials.key_file()),
    )
}

/// We connect to `openssl s_server`, which asks for our certificate, and for a cookie with
/// HelloVerifyRequest.
fn as_client(config: Config, credentials: &Credentials, more: &[&str]) -> Connected {
    let arguments = [
        &["s_server", "-accept", "127.0.0.1:0", "-Verify", "1"],
        more,
    ]
    .concat();
    let mut server = start(credentials, &arguments);
    let remote = server.wait_for("ACCEPT ").parse().unwrap();
    let mut driver = Driver::client(config, remote, credentials);
    let connected = driver.connected();
    check(&mut driver, &connected, &mut server, credentials);
    if more.contains(&"-mtu") {
        assert!(driver.longest <= 300, "{}", driver.longest);
    }
    driver.close();
    server.wait_for("DONE");
    connected
}

/// `openssl s_client` connects to us.
fn as_server(config: Config, credentials: &Credentials, more: &[&str]) -> Connected {
    let mut driver = Driver::server(config, credentials);
    let address = driver.address().to_string();
    let arguments = [&["s_client", "-connect", &address], more].concat();
    let mut client = start(credentials, &arguments);
    served(&mut driver, &mut client, credentials)
}

/// The client connects, talks and leaves.
fn served(driver: &mut Driver, client: &mut Program, credentials: &Credentials) -> Connected {
    let connected = driver.connected();
    check(driver, &connected, client, credentials);
    client.say("Q\n");
    assert_eq!(driver.closed(), CloseCause::ClosedByPeer);
    connected
}

fn check(
    driver: &mut Driver,
    connected: &Connected,
    openssl: &mut Program,
    credentials: &Credentials,
) {
    assert_eq!(connected.version, Version::Dtls12);
    assert_eq!(connected.srtp_profile, Some(1));
    assert_eq!(connected.peer.certificate(), credentials.certificate);
    let theirs = openssl.wait_for("Keying material: ").to_lowercase();
    assert_eq!(theirs, driver.exported(connected));
    driver.send(b"from here\n");
    openssl.wait_for("from here");
    openssl.say("from there\n");
    assert_eq!(driver.data(), b"from there\n");
}

/// Keys on P-256 need that curve in the list, whichever the exchange is on.
const CURVES: [(Group, &str); 2] = [
    (Group::Secp256r1, "P-256"),
    (Group::Secp384r1, "P-384:P-256"),
];

#[test]
fn real_openssl_client_of_s_server() {
    as_client(config(), &Credentials::p256(), &[]);
}

#[test]
fn real_openssl_client_of_s_server_that_asks_for_a_cookie_first() {
    as_client(config(), &Credentials::p256(), &["-listen"]);
}

#[test]
fn real_openssl_client_of_s_server_with_fragments_on_both_sides() {
    let config = config().with_mtu(300);
    as_client(config, &Credentials::p256(), &["-mtu", "300"]);
}

#[test]
fn real_openssl_client_of_s_server_on_other_groups() {
    for (group, curves) in CURVES {
        let config = config().with_groups(&[group, Group::Secp256r1]);
        let connected = as_client(config, &Credentials::p256(), &["-curves", curves]);
        assert_eq!(connected.group, group);
    }
}

#[test]
fn real_openssl_client_of_s_server_with_other_certificates() {
    for credentials in [Credentials::p384(), Credentials::rsa()] {
        as_client(config(), &credentials, &[]);
    }
}

#[test]
fn real_openssl_server_of_s_client() {
    as_server(config(), &Credentials::p256(), &[]);
}

#[test]
fn real_openssl_s_client_brings_back_the_cookie_of_our_listener() {
    let credentials = Credentials::p256();
    let door = FrontDoor::new(config());
    let address = door.address().to_string();
    let mut client = start(&credentials, &["s_client", "-connect", &address]);
    let mut driver = door.accept(&credentials);
    served(&mut driver, &mut client, &credentials);
}

#[test]
fn real_openssl_server_of_s_client_with_fragments_on_both_sides() {
    let config = config().with_mtu(300);
    as_server(config, &Credentials::p256(), &["-mtu", "300"]);
}

#[test]
fn real_openssl_server_of_s_client_on_other_groups() {
    for (group, curves) in CURVES {
        let config = config().with_groups(&[group]);
        let connected = as_server(config, &Credentials::p256(), &["-curves", curves]);
        assert_eq!(connected.group, group);
    }
}

#[test]
fn real_openssl_server_of_s_client_with_other_certificates() {
    for key in [
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"][..],
        &["ed25519"],
        &["rsa:2048"],
    ] {
        as_server(config(), &Credentials::new(key), &[]);
    }
}

/// Each suite, with the kind of key that its name demands of the server.
#[test]
fn real_openssl_every_cipher_suite_in_both_roles() {
    let (ecdsa, rsa) = (Credentials::p256(), Credentials::rsa());
    for (name, number) in [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02B_u16),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", 0xC02C),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", 0xCCA9),
        ("ECDHE-RSA-AES128-GCM-SHA256", 0xC02F),
        ("ECDHE-RSA-AES256-GCM-SHA384", 0xC030),
        ("ECDHE-RSA-CHACHA20-POLY1305", 0xCCA8),
    ] {
        let suite = CipherSuite::from(number);
        let credentials = if name.contains("-RSA-") { &rsa } else { &ecdsa };
        let connected = as_client(config(), credentials, &["-cipher", name]);
        assert_eq!(connected.cipher_suite, suite);
        let ours = if name.contains("-RSA-") {
            loaded(include_str!("../data/rsa.pem"))
        } else {
            config()
        };
        let connected = as_server(ours, credentials, &["-cipher", name]);
        assert_eq!(connected.cipher_suite, suite);
    }
}

fn loaded(text: &str) -> Config {
    let identity = Identity::from_pem(text.as_bytes(), text.as_bytes()).unwrap();
    Config::new(identity).with_srtp_profiles(&[1])
}

#[test]
fn real_openssl_takes_loaded_certificates_in_both_roles() {
    for text in [
        include_str!("../data/rsa.pem"),
        include_str!("../data/p384-sec1.pem"),
        include_str!("../data/ed25519.pem"),
    ] {
        as_client(loaded(text), &Credentials::p256(), &[]);
        as_server(loaded(text), &Credentials::p256(), &[]);
    }
}

/// Openssl verifies our chain up to its authority.
#[test]
fn real_openssl_verifies_a_loaded_chain() {
    let text = include_str!("../data/chain.pem");
    let authority = &text[text.rfind("-----BEGIN CERTIFICATE").unwrap()..];
    let credentials = Credentials::p256();
    let file = credentials
        .certificate_file()
        .with_file_name("authority.pem");
    std::fs::write(&file, authority).unwrap();
    let file = file.to_str().unwrap();
    let trust = ["-CAfile", file, "-verify_return_error"];
    as_client(loaded(text), &credentials, &trust);
    as_server(
        loaded(text),
        &credentials,
        &[&trust[..], &["-verify", "2"]].concat(),
    );
}

#[test]
fn real_openssl_a_peer_with_another_certificate_is_told_so() {
    let (credentials, other) = (Credentials::p256(), Credentials::p256());
    let arguments = ["s_server", "-accept", "127.0.0.1:0", "-Verify", "1"];
    let mut server = start(&credentials, &arguments);
    let remote = server.wait_for("ACCEPT ").parse().unwrap();
    let mut driver = Driver::client(config(), remote, &other);
    assert_eq!(driver.closed(), CloseCause::FingerprintMismatch);
    driver.flush();
    server.wait_for("alert bad certificate");
}

/// DTLS 1.0, and a suite with CBC.
#[test]
fn real_openssl_clients_that_are_too_old_are_refused() {
    let credentials = Credentials::p256();
    let (version, suite) = (Parameter::Version, Parameter::CipherSuite);
    let old = ["-cipher", "DEFAULT@SECLEVEL=0"];
    let cbc = ["-cipher", "ECDHE-ECDSA-AES128-SHA"];
    for (protocol, cipher, missing, alert) in [
        ("-dtls1", old, version, "alert protocol version"),
        ("-dtls1_2", cbc, suite, "alert handshake failure"),
    ] {
        let mut driver = Driver::server(config(), &credentials);
        let address = driver.address().to_string();
        let arguments = [&["s_client", "-connect", &address], &cipher[..]].concat();
        let mut client = start_version(protocol, &credentials, &arguments);
        assert_eq!(driver.closed(), CloseCause::NothingInCommon(missing));
        driver.flush();
        client.wait_for(alert);
    }
}
