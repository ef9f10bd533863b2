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
use std::time::{Duration, Instant};

use examples::driver::{Connections, Relayed, RelayedNews, Trust};
use serde_json::Value;
use support::coturn::{Coturn, certificate, coturn};
use support::process::{PATIENCE, Process, Scratch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::process::Command;
use turn_relay::client::{Allocation, Cause, Config, Event};

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
        process,
    } = server;
    process.kill().await;
    let gone = Coturn {
        process: Process::start("true", &mut Command::new("true")),
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

/// An allocation over TLS, with a clock of its own.
struct OverTls(Relayed);

impl OverTls {
    fn new(server: &Coturn, options: fn(Config) -> Config) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.tls_port));
        let config = Config::tls(address, "turn.test")
            .with_credentials("alice", "secret")
            .with_local(address.ip());
        let allocation = Allocation::new(options(config), [7; 32]).unwrap();
        let trust = Trust::from_file(&server.folder.join("certificate.pem")).unwrap();
        Self(Relayed::new(allocation, Connections::trusting(trust)))
    }

    async fn until(&mut self, what: &str, wanted: impl Fn(&RelayedNews) -> bool) -> RelayedNews {
        let news = async {
            loop {
                let news = self.0.next().await;
                if wanted(&news) {
                    return news;
                }
                let ended = matches!(news, RelayedNews::Event(Event::Ended(_)));
                assert!(!ended, "{what}: {news:?}");
            }
        };
        let news = tokio::time::timeout(PATIENCE, news).await;
        news.unwrap_or_else(|_| panic!("never {what}"))
    }

    async fn event(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) {
        let is = |news: &RelayedNews| matches!(news, RelayedNews::Event(event) if wanted(event));
        self.until(what, is).await;
    }

    /// Sends to an echoing peer, and hears it again.
    async fn echo(&mut self, text: &[u8], peer: SocketAddr) {
        self.0.send(text, peer).unwrap();
        let payload = text.to_vec();
        let back = RelayedNews::Data {
            from: peer,
            payload,
        };
        self.until("heard", |news| *news == back).await;
    }
}

#[allow(clippy::disallowed_methods)] // the allocation's own driver reads the clock
fn now() -> Instant {
    Instant::now()
}

/// A peer that says everything back.
async fn echoing() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut datagram = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
            let _ = socket.send_to(&datagram[..length], from).await;
        }
    });
    address
}

#[tokio::test]
async fn real_coturn_relays_over_tls() {
    // Nonces of one second, and lifetimes as short as coturn makes them.
    let server = coturn(-1..1, &["--stale-nonce=1", "--max-allocate-lifetime=6"]).await;
    let peer = echoing().await;
    let mut client = OverTls::new(&server, |config| config);
    client
        .event("allocated", |event| matches!(event, Event::Allocated(_)))
        .await;
    client.0.allocation().permit(now(), peer.ip()).unwrap();
    client
        .event("permitted", |event| *event == Event::Permitted(peer.ip()))
        .await;
    client.echo(b"an indication", peer).await;
    client.0.allocation().bind_channel(now(), peer).unwrap();
    client
        .event("bound", |event| *event == Event::ChannelBound(peer))
        .await;
    client.echo(b"channel data", peer).await;

    // Longer than any lifetime: it has to be refreshed, each time with another nonce.
    let idle = tokio::time::timeout(Duration::from_secs(8), client.0.next()).await;
    assert!(idle.is_err(), "{idle:?}");
    client.echo(b"still here", peer).await;
    assert!(client.0.allocation().stats().stale_nonces > 0);
    client.0.allocation().release(now());
    let released = |event: &Event| *event == Event::Ended(Cause::Released);
    let is = |news: &RelayedNews| matches!(news, RelayedNews::Event(event) if released(event));
    client.until("released", is).await;
}

#[tokio::test]
async fn real_coturn_connects_to_a_peer_over_tls() {
    let server = coturn(-1..1, &[]).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let peer = listener.local_addr().unwrap();
    let mut client = OverTls::new(&server, Config::with_tcp_relay);
    client
        .event("allocated", |event| matches!(event, Event::Allocated(_)))
        .await;
    client.0.allocation().permit(now(), peer.ip()).unwrap();
    client
        .event("permitted", |event| *event == Event::Permitted(peer.ip()))
        .await;
    client.0.allocation().connect(now(), peer).unwrap();
    let echo = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = [0; 11];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(&heard).await.unwrap();
    });
    client
        .event(
            "connected",
            |event| matches!(event, Event::Connected { peer: to, .. } if *to == peer),
        )
        .await;
    client.echo(b"hello, peer", peer).await;
    echo.await.unwrap();
    client
        .event("disconnected", |event| {
            *event == Event::Disconnected { peer }
        })
        .await;
}
