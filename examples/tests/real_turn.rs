//! `turn-ping` and the plain driver against coturn, over UDP, TCP and TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // helpers of tests

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use support::process::{PATIENCE, Process, Scratch, free_port};
use tokio::process::Command;

const HOUR: Duration = Duration::from_secs(3600);

/// coturn with a certificate for `turn.test`, and where it listens.
struct Coturn {
    /// Ends with the value.
    _process: Process,
    port: u16,
    tls_port: u16,
    folder: Scratch,
}

#[allow(clippy::disallowed_methods)] // a certificate needs the date
fn certificate(folder: &Scratch, valid: std::ops::Range<i64>) {
    let key = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new(vec!["turn.test".into()]).unwrap();
    let now = SystemTime::now();
    let when = |hours: i64| match u32::try_from(hours) {
        Ok(ahead) => now + HOUR * ahead,
        Err(_) => now - HOUR * u32::try_from(-hours).unwrap(),
    };
    wanted.not_before = when(valid.start).into();
    wanted.not_after = when(valid.end).into();
    let made = wanted.self_signed(&key).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

async fn coturn(valid: std::ops::Range<i64>, options: &[&str]) -> Coturn {
    let folder = Scratch::new("coturn");
    certificate(&folder, valid);
    let (port, tls_port) = (free_port(), free_port());
    let of = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new("turnserver");
    command
        .args([
            "-n",
            "--lt-cred-mech",
            "--no-cli",
            "--no-dtls",
            "--relay-threads=1",
        ])
        .args([
            "--realm=first.test",
            "--user=alice:secret",
            "--allow-loopback-peers",
        ])
        .args([
            "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1",
            "--no-stdout-log",
        ])
        .args([
            "--min-port=20000",
            "--max-port=31999",
            "--no-multicast-peers",
        ])
        .arg(format!("--listening-port={port}"))
        .arg(format!("--tls-listening-port={tls_port}"))
        .arg(format!("--cert={}", of("certificate.pem")))
        .arg(format!("--pkey={}", of("key.pem")))
        .arg(format!("--log-file={}", of("log")))
        .arg(format!("--pidfile={}", of("pid")))
        .arg(format!("--userdb={}", of("db")))
        .args(options);
    let process = Process::start("turnserver", &mut command);
    let listens = async {
        for port in [port, tls_port] {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, listens)
        .await
        .expect("coturn listens");
    Coturn {
        _process: process,
        port,
        tls_port,
        folder,
    }
}

/// Runs the program; answers its lines and its status.
async fn ping(server: &Coturn, ca: &Path, options: &[&str]) -> (Vec<Value>, i32) {
    let named = options
        .iter()
        .any(|option| option.starts_with("--server-name"));
    let done = Command::new(env!("CARGO_BIN_EXE_turn-ping"))
        .args(["127.0.0.1", "--json", "--username=alice"])
        .arg(format!("--port={}", server.port))
        .arg(format!("--tls-port={}", server.tls_port))
        .args((!named).then_some("--server-name=turn.test"))
        .arg("--ca")
        .arg(ca)
        .args(options)
        .env("TURN_PASSWORD", "secret")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), done.status.code().unwrap())
}

fn problems(lines: &[Value]) -> Vec<Option<&str>> {
    lines.iter().map(|line| line["problem"].as_str()).collect()
}

#[tokio::test]
async fn real_turn_ping_checks_each_transport() {
    let server = coturn(-1..1, &[]).await;
    let ca = server.folder.join("certificate.pem");
    let (lines, status) = ping(&server, &ca, &[]).await;
    assert_eq!((problems(&lines), status), (vec![None; 3], 0), "{lines:?}");
    for (line, transport) in lines.iter().zip(["udp", "tcp", "tls"]) {
        assert_eq!(
            (&line["transport"], &line["ok"]),
            (&transport.into(), &true.into())
        );
        assert!(line["round_trip_ms"].as_f64().unwrap() > 0.0, "{line}");
        // No request was lost on the way: a repetition takes half a second.
        assert!(line["allocate_ms"].as_f64().unwrap() < 450.0, "{line}");
        assert!(line["relayed"].as_str().unwrap().starts_with("127.0.0.1:"));
    }
    let (lines, status) = ping(&server, &ca, &["--password=wrong"]).await;
    assert_eq!(
        (problems(&lines), status),
        (vec![Some("wrong-password"); 3], 1)
    );
}

#[tokio::test]
async fn real_turn_ping_names_what_is_wrong_with_a_certificate() {
    let server = coturn(-1..1, &[]).await;
    let ca = server.folder.join("certificate.pem");
    let of = |options: Vec<&'static str>| [vec!["--transport=tls"], options].concat();
    let (lines, status) = ping(&server, &ca, &of(vec!["--server-name=other.test"])).await;
    assert_eq!(
        (problems(&lines), status),
        (vec![Some("certificate-for-another-name")], 1),
        "{lines:?}"
    );

    // Somebody else is trusted.
    let elsewhere = Scratch::new("other");
    certificate(&elsewhere, -1..1);
    let (lines, status) = ping(&server, &elsewhere.join("certificate.pem"), &of(vec![])).await;
    assert_eq!(
        (problems(&lines), status),
        (vec![Some("certificate-untrusted")], 1),
        "{lines:?}"
    );

    for valid in [-2..-1, 1..2] {
        let server = coturn(valid, &[]).await;
        let ca = server.folder.join("certificate.pem");
        let (lines, status) = ping(&server, &ca, &of(vec![])).await;
        assert_eq!(
            (problems(&lines), status),
            (vec![Some("certificate-expired")], 1),
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn real_turn_ping_tells_who_does_not_answer() {
    let server = coturn(-1..1, &[]).await;
    let ca = server.folder.join("certificate.pem");
    let Coturn {
        port,
        tls_port,
        folder,
        _process,
    } = server;
    _process.kill().await;
    let gone = Coturn {
        _process: Process::start("true", &mut Command::new("true")),
        port,
        tls_port,
        folder,
    };
    let (lines, status) = ping(&gone, &ca, &["--timeout=2"]).await;
    let expected = vec![
        Some("timed-out"),
        Some("connection-refused"),
        Some("connection-refused"),
    ];
    assert_eq!((problems(&lines), status), (expected, 1), "{lines:?}");
}
