//! Handshakes of many clients at once through one `Listener` in one thread:
//! `cargo run --release -p bench-dtls --no-default-features --bin crowd [CLIENTS]`, 10 000 by default.
//!
//! All clients send their flight before any is answered, so that every handshake is under way at the
//! same time. What the clients do is not counted: time and memory are those of the server's side.

#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own reads the clock"
)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bench_harness::{CpuTime, live_bytes};
use bytes::BytesMut;
use dtls_handshake::{Admission, Config, Connection, Event, Group, Identity, Listener, Version};

fn main() {
    let argument = std::env::args().nth(1);
    let clients = argument.map_or(10_000, |text| text.parse().expect("a number of clients"));
    for version in [Version::Dtls12, Version::Dtls13] {
        println!("{version}: {}", Crowd::new(clients, version).run());
    }
}

/// The clients and the server, and what the server has taken so far.
struct Crowd {
    now: Instant,
    clients: Vec<(SocketAddr, Connection)>,
    listener: Listener,
    connections: HashMap<SocketAddr, Connection>,
    connected: usize,
    work: Duration,
    live: isize,
    peak: isize,
}

impl Crowd {
    fn new(clients: u32, version: Version) -> Self {
        let now = Instant::now();
        let config = |identity: Identity| {
            let config = Config::new(identity)
                .with_versions(&[version])
                .with_groups(&[Group::X25519, Group::Secp256r1])
                .with_peer_verifier(|_| Ok(()))
                // All of them are under way at once: nobody is to repeat what is only waiting.
                .with_initial_timeout(Duration::from_secs(3600))
                .with_maximum_timeout(Duration::from_secs(3600))
                .with_handshake_timeout(Duration::from_secs(7200));
            Arc::new(config)
        };
        let yesterday = SystemTime::now() - Duration::from_secs(86_400);
        let identity = || Identity::generate(yesterday).expect("an identity");
        let (client, server) = (config(identity()), config(identity()));
        let start = live_bytes();
        let listener = Listener::new(server, [7; 32]);
        let live = live_bytes() - start;
        let client = |number: u32| {
            let seed = std::array::from_fn(|at| number.to_be_bytes()[at % 4]);
            let connection = Connection::client(client.clone(), seed, now);
            (address(number), connection)
        };
        Self {
            now,
            clients: (0..clients).map(client).collect(),
            listener,
            connections: HashMap::new(),
            connected: 0,
            work: Duration::ZERO,
            live,
            peak: live,
        }
    }

    fn run(mut self) -> String {
        let start = Instant::now();
        while self.connected < self.clients.len() {
            let answers: Vec<_> = self.hear_clients().into_iter().collect();
            assert!(!answers.is_empty(), "{} connected", self.connected);
            for (client, mut datagram) in answers {
                let (_, connection) = &mut self.clients[client];
                let _ = connection.handle_datagram(self.now, &mut datagram);
            }
        }
        let count = self.clients.len();
        let each = self.work / count as u32;
        format!(
            "{count} handshakes under way at once; {:.0} in a second of one core ({each:.1?} each, server's side), \
             {:.1?} with all clients; {:.1} MB at the most, {} bytes for each, {} once connected",
            1.0 / each.as_secs_f64(),
            start.elapsed(),
            self.peak as f64 / 1e6,
            self.peak / count as isize,
            self.live / count as isize,
        )
    }

    /// Each client sends what it has, and the server answers.
    fn hear_clients(&mut self) -> Vec<(usize, Vec<u8>)> {
        let mut answers = Vec::new();
        let mut out = BytesMut::with_capacity(4096);
        for number in 0..self.clients.len() {
            loop {
                let (remote, client) = &mut self.clients[number];
                let Some(range) = client.poll_transmit(&mut out) else {
                    break;
                };
                let remote = *remote;
                let mut datagram = out[range].to_vec();
                out.clear();
                self.serve(remote, &mut datagram, &mut |answer| {
                    answers.push((number, answer));
                });
            }
        }
        answers
    }

    /// One datagram at the server.
    fn serve(&mut self, remote: SocketAddr, datagram: &mut [u8], answer: &mut dyn FnMut(Vec<u8>)) {
        let mut out = BytesMut::with_capacity(4096);
        let mut ranges = Vec::with_capacity(8);
        let (before, clock) = (live_bytes(), CpuTime::now());
        self.take(remote, datagram, &mut out, &mut ranges);
        self.work += clock.elapsed();
        self.live += live_bytes() - before;
        self.peak = self.peak.max(self.live);
        ranges
            .into_iter()
            .for_each(|range| answer(out[range].to_vec()));
    }

    fn take(
        &mut self,
        remote: SocketAddr,
        datagram: &mut [u8],
        out: &mut BytesMut,
        ranges: &mut Vec<std::ops::Range<usize>>,
    ) {
        let now = self.now;
        if !self.connections.contains_key(&remote) {
            match self.listener.handle_datagram(now, remote, datagram, out) {
                Admission::Reply(range) => ranges.push(range),
                Admission::Accepted(connection) => {
                    self.connections.insert(remote, *connection);
                }
                other => panic!("{other:?}"),
            }
        } else if let Some(connection) = self.connections.get_mut(&remote) {
            let _ = connection.handle_datagram(now, datagram);
        }
        if let Some(connection) = self.connections.get_mut(&remote) {
            ranges.extend(std::iter::from_fn(|| connection.poll_transmit(out)));
            while let Some(event) = connection.poll_event() {
                assert!(matches!(event, Event::Connected(_)), "{event:?}");
                self.connected += 1;
            }
        }
    }
}

fn address(number: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from(0x0A00_0000 + number), 5004))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_connected() {
        for version in [Version::Dtls12, Version::Dtls13] {
            let crowd = Crowd::new(40, version);
            assert!(crowd.run().starts_with("40 handshakes"));
        }
    }
}
