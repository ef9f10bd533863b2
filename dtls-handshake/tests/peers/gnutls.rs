//! `gnutls-serv --udp` and `gnutls-cli --udp`. Version 3.7 speaks DTLS 1.2 and no 1.3.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

use dtls_handshake::{CloseCause, Config, Connected, SRTP_EXPORTER_LABEL, Version};

use crate::driver::{Driver, FrontDoor, config};
use crate::program::{Credentials, Program};

fn start(program: &str, credentials: &Credentials, arguments: &[&str]) -> Program {
    Program::start(
        // Into a pipe it would say everything at its end.
        Command::new("stdbuf")
            .args(["-oL", program, "--udp"])
            .args(["--srtp-profiles", "SRTP_AES128_CM_HMAC_SHA1_80"])
            .args(["--keymatexport", SRTP_EXPORTER_LABEL])
            .args(["--keymatexportsize", "60", "--x509certfile"])
            .arg(credentials.certificate_file())
            .arg("--x509keyfile")
            .arg(credentials.key_file())
            .args(arguments),
    )
}

/// We connect to an echo server that demands our certificate, and asks for a cookie first. It
/// does not print the keys that it exports.
fn as_client(config: Config, credentials: &Credentials, more: &[&str]) {
    // Free a moment ago: the program takes no port 0.
    let remote: SocketAddr = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .unwrap();
    let port = remote.port().to_string();
    let arguments = [&["--port", &port, "--echo", "--require-client-cert"], more].concat();
    let mut server = start("gnutls-serv", credentials, &arguments);
    server.wait_for("listening on IPv4");
    let mut driver = Driver::client(config, remote, credentials);
    let connected = driver.connected();
    check(&connected, credentials);
    driver.send(b"there and back\n");
    assert_eq!(driver.data(), b"there and back\n");
    driver.close();
}

/// `gnutls-cli` connects to us, and the keys of both are the same.
fn as_server(config: Config, credentials: &Credentials, more: &[&str]) {
    let mut driver = Driver::server(config, credentials);
    let port = driver.address().port().to_string();
    let arguments = [&["--insecure", "--port", &port, "127.0.0.1"], more].concat();
    let mut client = start("gnutls-cli", credentials, &arguments);
    served(&mut driver, &mut client, credentials);
}

/// The client connects, talks and leaves.
fn served(driver: &mut Driver, client: &mut Program, credentials: &Credentials) {
    let connected = driver.connected();
    check(&connected, credentials);
    let theirs = client.wait_for("Key material: ");
    assert_eq!(theirs, driver.exported(&connected));
    client.wait_for("Simple Client Mode");
    client.say("from there\n");
    assert_eq!(driver.data(), b"from there\n");
    driver.send(b"from here\n");
    client.wait_for("from here");
    client.close_input();
    assert_eq!(driver.closed(), CloseCause::ClosedByPeer);
}

fn check(connected: &Connected, credentials: &Credentials) {
    assert_eq!(connected.version, Version::Dtls12);
    assert_eq!(connected.srtp_profile, Some(1));
    assert_eq!(connected.peer.certificate(), credentials.certificate);
}

#[test]
fn real_gnutls_client_of_its_server() {
    as_client(config(), &Credentials::p256(), &[]);
}

#[test]
fn real_gnutls_client_of_its_server_with_fragments_on_both_sides() {
    let config = config().with_mtu(400);
    as_client(config, &Credentials::rsa(), &["--mtu", "400"]);
}

#[test]
fn real_gnutls_server_of_its_client() {
    as_server(config(), &Credentials::p256(), &[]);
}

#[test]
fn real_gnutls_cli_brings_back_the_cookie_of_our_listener() {
    let credentials = Credentials::p256();
    let door = FrontDoor::new(config());
    let port = door.address().port().to_string();
    let arguments = ["--insecure", "--port", &port, "127.0.0.1"];
    let mut client = start("gnutls-cli", &credentials, &arguments);
    let mut driver = door.accept(&credentials);
    served(&mut driver, &mut client, &credentials);
}

#[test]
fn real_gnutls_server_of_its_client_with_fragments_on_both_sides() {
    let config = config().with_mtu(400);
    as_server(config, &Credentials::p384(), &["--mtu", "400"]);
}

#[test]
fn real_gnutls_both_roles_with_the_other_ciphers() {
    let credentials = Credentials::p256();
    for cipher in ["AES-256-GCM", "CHACHA20-POLY1305"] {
        let priority = format!("NORMAL:-CIPHER-ALL:+{cipher}");
        as_client(config(), &credentials, &["--priority", &priority]);
        as_server(config(), &credentials, &["--priority", &priority]);
    }
}
