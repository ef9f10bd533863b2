//! `turn-server` under others' clients and under load.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // helpers of tests

mod support;

use std::time::Duration;

use support::coturn::certificate;
use support::process::{PATIENCE, Process, Scratch, free_port};
use support::turn_server::{Client, TurnServer, now};
use tokio::process::Command;

const SETTINGS: &str = "users = [{ name = 'alice', password = 'secret' }]";

/// Streams that are relayed at once.
const STREAMS: usize = 500;

/// Packets of each stream.
const PACKETS: u16 = 40;

/// Runs coturn's client, which sends 50 packets from each of 4 sockets to coturn's echoing peer, and
/// answers what it says.
async fn uclient(port: u16, peer: u16, options: &[&str]) -> String {
    let run = Command::new("turnutils_uclient")
        .args(["-u", "alice", "-w", "secret", "-e", "127.0.0.1"])
        .args(["-c", "-n", "50", "-m", "4", "-p", &port.to_string()])
        .args(["-r", &peer.to_string()])
        .args(options)
        .arg("127.0.0.1")
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

#[tokio::test]
async fn real_turn_server_loses_nothing_of_uclient_over_udp_tcp_and_tls() {
    let folder = Scratch::new("uclient");
    certificate(&folder, -1..1);
    let server = TurnServer::start(folder, SETTINGS).await;
    let peer = free_port();
    let mut echo = Command::new("turnutils_peer");
    let _echo = Process::start(
        "turnutils_peer",
        echo.args(["-L", "127.0.0.1", "-p", &peer.to_string()]),
    );
    // By channels, and by indications.
    let transports: [(u16, &[&str]); 6] = [
        (server.port, &[]),
        (server.port, &["-s"]),
        (server.port, &["-t"]),
        (server.port, &["-t", "-s"]),
        (server.tls_port, &["-t", "-S"]),
        (server.tls_port, &["-t", "-S", "-s"]),
    ];
    for (port, options) in transports {
        let said = uclient(port, peer, options).await;
        for line in [
            "tot_send_msgs=200, tot_recv_msgs=200",
            "Total lost packets 0 ",
            "total send dropped 0 ",
        ] {
            assert!(said.contains(line), "{options:?}: {said}");
        }
    }
    // Those who come with a wrong password get nothing.
    let said = uclient(server.port, peer, &["-w", "wrong"]).await;
    assert!(!said.contains("tot_recv_msgs=200"), "{said}");
}

/// What came back of a stream's packets, one in each interval.
async fn stream(mut client: Client, interval: Duration) -> (Client, u16) {
    let mut ticks = tokio::time::interval(interval);
    let (mut sent, mut back) = (0, 0);
    let mut until = now() + PATIENCE;
    while back < PACKETS && now() < until {
        tokio::select! {
            _ = ticks.tick(), if sent < PACKETS => {
                client.send(&[sent as u8; 172]);
                sent += 1;
                // What is not back by then is lost.
                until = now() + Duration::from_secs(5);
            }
            came = client.data() => back += u16::from(came),
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
        }
    }
    (client, back)
}

/// All streams at once; answers how many packets did not come back.
async fn streams(clients: Vec<Client>, interval: Duration) -> (Vec<Client>, usize) {
    let running: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(stream(client, interval)))
        .collect();
    let (mut clients, mut lost) = (Vec::new(), 0);
    for one in running {
        let (client, back) = one.await.unwrap();
        clients.push(client);
        lost += usize::from(PACKETS - back);
    }
    (clients, lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_turn_server_relays_five_hundred_streams_without_loss() {
    let server = TurnServer::start(Scratch::new("streams"), SETTINGS).await;
    let mut clients = Vec::new();
    for _ in 0..STREAMS {
        clients.push(Client::over_udp(&server, "alice", "secret").await);
    }
    assert_eq!(server.metric("allocations").await, STREAMS as f64);
    // Ten packets a second and stream, there and back: 10,000 a second through a server built for tests.
    let mut interval = Duration::from_millis(100);
    let (mut clients, lost) = streams(clients, interval).await;
    assert_eq!(lost, 0);

    // And how far it goes, on this machine, now: faster, until packets are lost or all are sent no faster
    // than the round before.
    let packets = STREAMS * usize::from(PACKETS);
    let mut fastest = 0.0;
    loop {
        interval = interval * 2 / 3;
        let begin = now();
        let (back, lost) = streams(clients, interval).await;
        clients = back;
        let rate = packets as f64 / begin.elapsed().as_secs_f64();
        println!("{STREAMS} streams, {rate:.0} packets a second there and back: {lost} lost");
        if lost * 200 > packets || rate < fastest * 1.1 {
            break;
        }
        fastest = rate;
    }
    // What was too much has broken nothing.
    let mut one = clients.pop().unwrap();
    one.quiet().await;
    assert!(one.echoes(b"still", PATIENCE).await);
    assert_eq!(server.ask("/livez").await.0, 200);
}

#[tokio::test]
async fn real_turn_server_does_not_share_a_port_unnoticed() {
    let server = TurnServer::start(Scratch::new("first"), SETTINGS).await;
    let mut second = Command::new(env!("CARGO_BIN_EXE_turn-server"));
    second.arg("--config").arg(server.folder.join("turn.toml"));
    let mut second = Process::start("turn-server", &mut second);
    let line = second.line_with("cannot listen on UDP").await;
    assert!(line.contains(&server.port.to_string()), "{line}");
    let mut client = Client::over_udp(&server, "alice", "secret").await;
    assert!(client.echoes(b"first", PATIENCE).await);
}
