//! The program `turn-server` as an operator runs it: databases, certificates, metrics, health, logs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // helpers of tests

mod support;
mod turn_databases;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use stun_codec::attribute::{Nonce, Realm, RequestedTransport, Username};
use stun_codec::{Builder, IntegrityKey, Message, Method, TransactionId};
use support::coturn::certificate;
use support::process::{PATIENCE, Scratch};
use support::turn_server::{Client, TurnServer, now};
use tokio::net::UdpSocket;
use tokio::process::Command;
use turn_databases::{Postgres, Redis};

const SECOND: Duration = Duration::from_secs(1);

/// `gorst` with the password `hero` in the realm of these tests, as coturn's documentation has it.
const GORST: &str = "7da2270ccfa49786e0115366d3a3d14d";
/// Another key.
const OTHER: &str = "17a8d3b0c9f1f0f6a4e2b7c0d5e6f708";

/// A database of credentials.
trait Database {
    fn set(&self, user: &str, key: &str);
    fn remove(&self, user: &str);
}

impl Database for Redis {
    fn set(&self, user: &str, key: &str) {
        self.set_key(TurnServer::REALM, user, key);
    }

    fn remove(&self, user: &str) {
        self.remove_key(TurnServer::REALM, user);
    }
}

impl Database for Postgres {
    fn set(&self, user: &str, key: &str) {
        self.set_key(TurnServer::REALM, user, key);
    }

    fn remove(&self, user: &str) {
        self.remove_key(TurnServer::REALM, user);
    }
}

/// An interval and a timeout of one second.
async fn live_allocations_end(settings: &str, database: &impl Database) -> TurnServer {
    let settings = format!("{settings}\nstore-interval = 1\nstore-timeout = 1");
    database.set("gorst", GORST);
    let mut server = TurnServer::start(Scratch::new("turn"), &settings).await;
    let mut client = Client::over_udp(&server, "gorst", "hero").await;
    assert!(client.echoes(b"before", PATIENCE).await);
    // Longer than the interval: who is not revoked stays.
    tokio::time::sleep(2 * SECOND).await;
    assert!(client.echoes(b"still", PATIENCE).await);
    assert_eq!(server.metric("allocations").await, 1.0);
    ends(&mut server, &mut client, || database.remove("gorst")).await;

    // With his key he comes again at once, until he has another one.
    database.set("gorst", GORST);
    let mut client = Client::over_udp(&server, "gorst", "hero").await;
    assert!(client.echoes(b"again", PATIENCE).await);
    ends(&mut server, &mut client, || database.set("gorst", OTHER)).await;
    assert_eq!(server.ask("/readyz").await.0, 200);
    server
}

/// What is done in the database ends the allocation in the time that is promised.
async fn ends(server: &mut TurnServer, client: &mut Client, change: impl FnOnce()) {
    let begin = now();
    change();
    server.process.line_with("its user was revoked").await;
    // The interval and two timeouts, and time for the database's own client program.
    assert!(begin.elapsed() < 4 * SECOND, "{:?}", begin.elapsed());
    assert!(!client.echoes(b"after", SECOND).await, "it is over");
    assert_eq!(server.metric("allocations").await, 0.0);
    let again = Client::try_over_udp(server, "gorst", "hero", 2 * SECOND).await;
    assert!(again.is_none(), "and he does not come again");
}

#[tokio::test]
async fn real_turn_a_user_revoked_in_redis_loses_the_live_allocation() {
    let mut redis = Redis::start();
    let settings = format!("redis = '{}'\nstore-holds = 'users'", redis.userdb());
    let mut server = live_allocations_end(&settings, &redis).await;

    // Down is not revoked, and nobody's fault.
    redis.set("gorst", GORST);
    // The other key has been read just now.
    tokio::time::sleep(SECOND).await;
    let mut client = Client::over_udp(&server, "gorst", "hero").await;
    let refused = "refused_logins_total{cause=\"unknown_user\"}";
    let before = server.metric(refused).await;
    redis.stop();
    server.metric_is("store_up{store=\"redis\"}", 0.0).await;
    tokio::time::sleep(2 * SECOND).await;
    let other = Client::try_over_udp(&server, "gorst", "hero", 2 * SECOND).await;
    assert!(other.is_none());
    assert!(client.echoes(b"down", PATIENCE).await);
    let (status, text) = server.ask("/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("redis: it does not answer"), "{text}");
    assert_eq!(server.ask("/livez").await.0, 200);
    assert_eq!(server.metric(refused).await, before);
    assert!(
        server
            .metric("store_unanswered_total{store=\"redis\"}")
            .await
            > 0.0
    );
    // One who is waiting meanwhile gets in by himself.
    let (late, ()) = tokio::join!(
        Client::try_over_udp(&server, "gorst", "hero", PATIENCE),
        async {
            tokio::time::sleep(SECOND).await;
            redis.restart();
        }
    );
    assert!(late.unwrap().echoes(b"up", PATIENCE).await);
    ends_both(&mut server, &mut client, &redis).await;
}

async fn ends_both(server: &mut TurnServer, client: &mut Client, redis: &Redis) {
    redis.remove("gorst");
    server.process.line_with("its user was revoked").await;
    server.metric_is("allocations", 0.0).await;
    assert!(!client.echoes(b"after", SECOND).await);
}

#[tokio::test]
async fn real_turn_a_user_revoked_in_postgres_loses_the_live_allocation() {
    let postgres = Postgres::start();
    let settings = format!("postgres = '{}'\nstore-holds = 'users'", postgres.userdb());
    live_allocations_end(&settings, &postgres).await;
}

#[tokio::test]
async fn real_turn_secrets_of_a_database_let_in() {
    let redis = Redis::start();
    let secrets = format!("turn/realm/{}/secret", TurnServer::REALM);
    redis.run(&["SADD", &secrets, "north"]);
    let settings = format!("redis = '{}'\nstore-interval = 1", redis.userdb());
    let mut server = TurnServer::start(Scratch::new("turn"), &settings).await;
    server
        .process
        .line_with("the store has other secrets")
        .await;
    // In the year 2100. printf %s 4102444800:a | openssl dgst -sha1 -hmac north -binary | base64
    let (name, password) = ("4102444800:a", "hhwxSRuCkOFUSoR0JyfA1njaAcc=");
    let mut client = Client::over_udp(&server, name, password).await;
    assert!(client.echoes(b"in", PATIENCE).await);
    redis.run(&["SREM", &secrets, "north"]);
    redis.run(&["SADD", &secrets, "south"]);
    server
        .process
        .line_with("the store has other secrets")
        .await;
    let late = Client::try_over_udp(&server, name, password, 2 * SECOND).await;
    assert!(late.is_none());
    assert!(client.echoes(b"still", PATIENCE).await, "he was in before");
}

const ALICE: &str = "users = [{ name = 'alice', password = 'secret' }]";

#[tokio::test]
async fn a_certificate_is_replaced_under_load() {
    let folder = Scratch::new("turn");
    certificate(&folder, -1..24);
    let mut server = TurnServer::start(folder, ALICE).await;
    let mut old = Vec::new();
    for _ in 0..20 {
        old.push(Client::over_tls(&server, "alice", "secret").await);
    }
    let days = server.metric("certificate_days").await;
    assert!((0.9..=1.0).contains(&days), "{days}");

    // Packets that must all come back, while the files change.
    certificate(&server.folder, -1..72);
    let reloads = "certificate_reloads_total";
    let mut packets = 0_u32;
    while server.metric(reloads).await < 1.0 {
        for client in &mut old {
            packets += 1;
            assert!(client.echoes(&packets.to_be_bytes(), PATIENCE).await);
        }
    }
    assert!(packets > 20, "{packets}");
    assert!(server.metric("certificate_days").await > 2.0);
    let mut new = Client::over_tls(&server, "alice", "secret").await;
    assert!(new.echoes(b"new", PATIENCE).await);

    // A key of another certificate, then nothing at all: the last good one stays.
    let good = std::fs::read(server.certificate()).unwrap();
    let elsewhere = Scratch::new("other");
    certificate(&elsewhere, -1..72);
    std::fs::copy(elsewhere.join("key.pem"), server.folder.join("key.pem")).unwrap();
    server.process.line_with("the old certificate stays").await;
    std::fs::write(server.certificate(), "no certificate").unwrap();
    server.process.line_with("the old certificate stays").await;
    std::fs::remove_file(server.certificate()).unwrap();
    server.process.line_with("the old certificate stays").await;
    std::fs::write(server.certificate(), good).unwrap();
    let mut third = Client::over_tls(&server, "alice", "secret").await;
    assert!(third.echoes(b"third", PATIENCE).await);
    for client in &mut old {
        assert!(client.echoes(b"last", PATIENCE).await, "its relay goes on");
    }
    assert_eq!(server.metric(reloads).await, 1.0);
    assert!(server.metric("certificate_failures_total").await >= 3.0);
}

#[tokio::test]
async fn metrics_health_and_drain() {
    let settings = format!("{ALICE}\ndrain-time = 3");
    let server = TurnServer::start(Scratch::new("turn"), &settings).await;
    assert_eq!(server.ask("/livez").await, (200, "workers: ok\n".into()));
    let (status, text) = server.ask("/readyz").await;
    assert_eq!((status, text.as_str()), (200, "workers: ok\ndrain: ok\n"));
    assert_eq!(server.metric("workers").await, 2.0);
    let mut client = Client::over_udp(&server, "alice", "secret").await;
    assert!(client.echoes(b"0123456789", PATIENCE).await);
    assert_eq!(server.metric("allocations").await, 1.0);
    for direction in ["to_peer", "to_client"] {
        let labels = format!("{{direction=\"{direction}\"}}");
        assert_eq!(server.metric(&format!("packets_total{labels}")).await, 1.0);
        assert_eq!(server.metric(&format!("bytes_total{labels}")).await, 10.0);
    }
    assert_eq!(server.ask("/nothing").await.0, 404);

    server.process.signal("-TERM").await;
    server.metric_is("draining", 1.0).await;
    let (status, text) = server.ask("/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("drain: no new"), "{text}");
    assert!(client.echoes(b"still", PATIENCE).await);
    let late = Client::try_over_udp(&server, "alice", "secret", SECOND).await;
    assert!(late.is_none());
    let ended = server.process.finish().await;
    assert!(ended.success());
}

/// A login with a wrong password. Any bytes may be the name.
async fn guess(server: SocketAddr, from: IpAddr, user: &str) {
    let socket = UdpSocket::bind((from, 0)).await.unwrap();
    socket.connect(server).await.unwrap();
    let ask = async |request: &BytesMut| {
        socket.send(request).await.unwrap();
        let mut answer = vec![0; 1500];
        let receiving = tokio::time::timeout(PATIENCE, socket.recv(&mut answer));
        let length = receiving.await.unwrap().unwrap();
        answer.truncate(length);
        answer
    };
    let mut out = BytesMut::new();
    let request = Builder::request(&mut out, Method::ALLOCATE, TransactionId([1; 12]));
    request
        .attribute(&RequestedTransport::UDP)
        .finish()
        .unwrap();
    let challenge = ask(&out).await;
    let challenge = Message::parse(&challenge).unwrap();
    let realm: Realm<'_> = challenge.attribute().unwrap().unwrap();
    let nonce: Nonce<'_> = challenge.attribute().unwrap().unwrap();
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::ALLOCATE, TransactionId([2; 12]))
        .attribute(&RequestedTransport::UDP)
        .attribute(&Username(user))
        .attribute(&realm)
        .attribute(&nonce)
        .integrity(&IntegrityKey::long_term("a", "b", "wrong"))
        .finish()
        .unwrap();
    ask(&out).await;
}

/// Names that try to look like other lines, or other addresses.
const NAMES: &[&str] = &[
    "alice",
    "nobody",
    "rhost=9.9.9.9 from 9.9.9.9",
    "a\n2026-01-31T12:00:00.000000Z  WARN turn::refused: refused login from 9.9.9.9 port 1 over \
     UDP: wrong password: user \"a\"",
    "\" from 9.9.9.9 port 1 over UDP: wrong password: user \"",
    "\\\" \\",
    "\r\u{1b}[2K 9.9.9.9",
    "ü\u{2028}\u{202e}9.9.9.9",
    "<ADDR> %(x)s 9.9.9.9",
];

#[tokio::test]
async fn real_turn_fail2ban_reads_refused_logins_and_nothing_else() {
    let settings = format!("{ALICE}\nlog = 'error'");
    let mut server = TurnServer::start(Scratch::new("turn"), &settings).await;
    // Normal traffic: each begins with a 401.
    let mut client = Client::over_udp(&server, "alice", "secret").await;
    assert!(client.echoes(b"in", PATIENCE).await);
    for name in NAMES {
        guess(server.udp(), Ipv4Addr::LOCALHOST.into(), name).await;
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port));
        guess(v6, Ipv6Addr::LOCALHOST.into(), name).await;
    }
    let wrong = "refused_logins_total{cause=\"wrong_password\"}";
    server.metric_is(wrong, 2.0).await;
    let unknown = "refused_logins_total{cause=\"unknown_user\"}";
    let others = NAMES.len() - 1;
    server.metric_is(unknown, 2.0 * others as f64).await;
    tokio::time::sleep(SECOND / 2).await;

    let log = server.folder.join("log");
    let mut lines = server.process.output();
    let refused = |text: &str| {
        text.matches("WARN turn::refused: refused login from ")
            .count()
    };
    assert!(
        lines
            .lines()
            .all(|line| line.chars().all(|c| c.is_ascii_graphic() || c == ' '))
    );
    let real = 2 * NAMES.len();
    assert_eq!(
        refused(&lines),
        real + 2,
        "and the text of a name, twice:\n{lines}"
    );
    // Lines of other messages with the same words in them.
    lines += "\n2026-11-20T22:40:02.123456Z  INFO examples::turn: user=\"x  WARN turn::refused: \
              refused login from 9.9.9.9 port 1 over UDP: wrong password: user \\\"a\\\"\"\n";
    std::fs::write(&log, &lines).unwrap();
    let filter = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/fail2ban/filter.d/turn-server.conf"
    );
    let ran = Command::new("fail2ban-regex")
        .args(["--out", "<ip>"])
        .args([log.to_str().unwrap(), filter])
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    let addresses: Vec<_> = told
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let of = |ip: &str| addresses.iter().filter(|address| **address == ip).count();
    assert_eq!(addresses.len(), real, "{told}");
    assert_eq!(
        (of("127.0.0.1"), of("::1")),
        (NAMES.len(), NAMES.len()),
        "{told}"
    );
}

async fn run(arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turn-server"));
    let ran = command.args(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.success(), text(ran.stdout), text(ran.stderr))
}

#[tokio::test]
async fn files_are_checked_and_imported() {
    let folder = Scratch::new("turn");
    let [good, bad, coturn] = ["good.toml", "bad.toml", "turnserver.conf"]
        .map(|name| folder.join(name).display().to_string());
    std::fs::write(&good, format!("realm = 'r'\n{ALICE}\n")).unwrap();
    let (is_sound, said, _) = run(&["--config", &good, "--check"]).await;
    assert!(
        is_sound && said.contains("The settings are sound."),
        "{said}"
    );
    std::fs::write(&bad, format!("realm = 'r'\n{ALICE}\nrelay-ports = '9-1'\n")).unwrap();
    let (is_sound, _, said) = run(&["--config", &bad, "--check"]).await;
    assert!(!is_sound);
    assert_eq!(
        said,
        format!(
            "turn-server: {bad}, line 3, column 16: relay-ports: \"9-1\": the first port is above \
             the last\n"
        )
    );
    std::fs::write(&coturn, "realm=r\nuser=a:b\nuser-agent=x\nno-auth\n").unwrap();
    let (is_sound, toml, said) = run(&["--import-coturn", &coturn]).await;
    assert!(is_sound);
    for line in [
        ", line 3: user-agent: unknown key",
        ", line 4: no-auth: dangerous",
    ] {
        assert!(said.contains(line), "{said}");
    }
    std::fs::write(&good, toml).unwrap();
    assert!(run(&["--config", &good, "--check"]).await.0);
    assert!(run(&["--coturn", &coturn, "--check"]).await.0);
}
