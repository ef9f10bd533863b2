//! The program as an operator starts it: what it says when it is ready, and when it cannot start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail like tests

mod http_support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use http_support::Folder;

/// The program with a file of this text, and `state-dir` in a folder of the test.
fn gateway(folder: &Folder, text: &str) -> Command {
    let file = folder.path().join("gateway.toml");
    fs::write(&file, format!("turn-listen = '127.0.0.1:0'\n{text}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.arg("--config").arg(file);
    command.env("XDG_STATE_HOME", folder.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// All that it says when it does not start.
fn refusal(text: &str) -> String {
    let folder = Folder::new();
    let output = gateway(&folder, text).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn addresses_of_elsewhere_are_named_with_their_key() {
    for (text, key) in [
        ("media-address = ['203.0.113.10']", "media-address"),
        (
            "sip-server = '127.0.0.1'\nphone-address = '203.0.113.10'",
            "phone-address",
        ),
    ] {
        let expected = format!("gateway: {key}: 203.0.113.10 is not an address of this machine\n");
        assert_eq!(
            refusal(&format!("listen = '127.0.0.1:0'\n{text}")),
            expected
        );
    }
}

#[test]
fn what_a_start_fails_of_is_all_that_it_says() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let said = refusal(&format!("listen = '{taken}'"));
    assert!(
        said.starts_with(&format!("gateway: listen: {taken}: ")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn files_that_do_not_serve_are_named_with_their_key() {
    let folder = Folder::new();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let (c, k) = (certificate.display(), key.display());
    let text = format!("listen = '127.0.0.1:0'\ntls-cert = '{c}'\ntls-key = '{k}'");
    let start = format!("gateway: tls-cert: {c}: ");
    assert!(refusal(&text).starts_with(&start));
    fs::write(&certificate, "").unwrap();
    assert!(refusal(&text).starts_with(&format!("{start}no certificate in PEM")));
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, "").unwrap();
    let said = refusal(&text);
    assert!(
        said.starts_with(&format!("gateway: tls-key: {k}: no private key in PEM")),
        "{said}"
    );
    let said = refusal(&format!("listen = '127.0.0.1:0'\nstate-dir = '{c}/in'"));
    assert!(
        said.starts_with(&format!("gateway: state-dir: {c}/in")),
        "{said}"
    );
}

#[test]
fn a_start_tells_where_the_metrics_are() {
    let folder = Folder::new();
    let text = "listen = '127.0.0.1:0'\nmetrics-listen = '127.0.0.1:0'\nlog = 'error'";
    let mut gateway = gateway(&folder, text).spawn().unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let metrics = lines.find_map(|line| {
        let line = line.unwrap();
        line.strip_prefix("Metrics: ").map(str::to_owned)
    });
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    let address = metrics.expect("a line about metrics");
    assert!(
        address.starts_with("http://127.0.0.1:") && address.ends_with("/metrics"),
        "{address}"
    );
}
