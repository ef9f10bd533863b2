//! `ice-pair` through coturn: over UDP, TCP and TLS, and what it says where coturn refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test

mod support;

use support::coturn::{Coturn, coturn};
use support::process::{PATIENCE, Scratch};
use tokio::process::Command;

/// Runs two copies that may use relays only; what each said, and its status.
async fn pair(server: &Coturn, options: &[&str]) -> [(String, i32); 2] {
    let folder = Scratch::new("ice-pair");
    let named = options
        .iter()
        .any(|option| option.starts_with("--server-name"));
    let run = || async {
        let done = Command::new(env!("CARGO_BIN_EXE_ice-pair"))
            .args(["--address=127.0.0.1", "--username=alice", "--relay-only"])
            .args((!named).then_some("--server-name=turn.test"))
            .arg("--timeout=8")
            .arg(format!("--through={}", folder.join("").display()))
            .arg("--ca")
            .arg(server.folder.join("certificate.pem"))
            .env("TURN_PASSWORD", "secret")
            .args(options)
            .kill_on_drop(true)
            .output();
        let done = tokio::time::timeout(PATIENCE, done);
        let done = done.await.expect("it ends").unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        (said, done.status.code().unwrap())
    };
    let (one, other) = tokio::join!(run(), run());
    [one, other]
}

#[tokio::test]
async fn real_coturn_joins_two_copies_over_each_transport() {
    let server = coturn(-1..1, &[]).await;
    let (port, tls_port) = (server.port, server.tls_port);
    for uri in [
        format!("turn:127.0.0.1:{port}"),
        format!("turn:127.0.0.1:{port}?transport=tcp"),
        format!("turns:127.0.0.1:{tls_port}"),
    ] {
        for (said, status) in pair(&server, &["--server", &uri]).await {
            assert_eq!(status, 0, "{uri}: {said}");
            assert!(
                said.contains("pair over udp: relay 127.0.0.1:"),
                "{uri}: {said}"
            );
            assert!(said.contains("heard: hello from "), "{uri}: {said}");
        }
    }
}

#[tokio::test]
async fn real_coturn_that_refuses_is_named_with_its_reason() {
    let server = coturn(-1..1, &[]).await;
    let udp = format!("turn:127.0.0.1:{}", server.port);
    let tls = format!("turns:127.0.0.1:{}", server.tls_port);
    let nobody = "turn:127.0.0.1:9?transport=tcp".to_owned();
    // A name that is not that of the certificate, and a port where nobody listens.
    for (options, cause) in [
        (vec!["--server", &udp, "--password=wrong"], "refuses us"),
        (
            vec!["--server", &tls, "--server-name=other.test"],
            "is for another name",
        ),
        (vec!["--server", &nobody], "the connection was refused"),
    ] {
        for (said, status) in pair(&server, &options).await {
            assert_eq!(status, 1, "{said}");
            let last = said.lines().find(|line| line.starts_with("ice-pair: "));
            let last = last.unwrap_or_default();
            assert!(last.contains(cause), "{last:?} lacks {cause:?}: {said}");
        }
    }
}
