//! coturn, with a certificate of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use tokio::process::Command;

use super::process::{PATIENCE, Process, Scratch, free_port};

const HOUR: Duration = Duration::from_secs(3600);

/// coturn with a certificate for `turn.test`, and where it listens.
pub(crate) struct Coturn {
    /// Ends with the value.
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    /// With its certificate, `certificate.pem`.
    pub(crate) folder: Scratch,
}

#[allow(clippy::disallowed_methods)] // a certificate needs the date
/// Writes a certificate for `turn.test` that is valid for these hours from now, and its key.
pub(crate) fn certificate(folder: &Scratch, valid: std::ops::Range<i64>) {
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

/// Starts one with a user `alice` whose password is `secret`.
pub(crate) async fn coturn(valid: std::ops::Range<i64>, options: &[&str]) -> Coturn {
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
        process,
        port,
        tls_port,
        folder,
    }
}
