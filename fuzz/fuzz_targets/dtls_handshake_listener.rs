//! A listener, three clients at addresses of their own, and somebody who delivers, loses, changes,
//! forges and invents datagrams while time passes: no panic, nobody is sent more than came
//! from there, and a connection only for an address that was sent a cookie.
//!
//! Input: operations, one byte each, with their arguments behind them.
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::{Admission, Config, Connection, Identity, Listener};
use libfuzzer_sys::fuzz_target;

const CLIENTS: usize = 3;

struct Client {
    connection: Connection,
    /// Its datagrams on their way to the listener.
    sent: VecDeque<Vec<u8>>,
    /// Whether its address was sent a cookie.
    asked: bool,
    /// Bytes that came from its address, less those that were sent there.
    unanswered: usize,
}

fn config() -> Arc<Config> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    let make = || {
        let not_before = UNIX_EPOCH + Duration::from_secs(1_780_000_000);
        let identity = Identity::generate(not_before).expect("a key");
        // Hellos come in parts.
        Arc::new(Config::new(identity).with_mtu(256))
    };
    CONFIG.get_or_init(make).clone()
}

fn address(client: usize) -> SocketAddr {
    ([192, 0, 2, client as u8], 4000).into()
}

struct World {
    listener: Listener,
    clients: [Client; CLIENTS],
    now: Instant,
}

impl World {
    fn collect(&mut self) {
        let mut out = BytesMut::new();
        for client in &mut self.clients {
            while let Some(range) = client.connection.poll_transmit(&mut out) {
                if client.sent.len() < 32 {
                    client.sent.push_back(out[range].to_vec());
                }
            }
            while client.connection.poll_event().is_some() {}
        }
    }

    fn deliver(&mut self, from: usize, mut datagram: Vec<u8>) {
        self.clients[from].unanswered += datagram.len();
        let mut out = BytesMut::new();
        let admission =
            self.listener
                .handle_datagram(self.now, address(from), &mut datagram, &mut out);
        let client = &mut self.clients[from];
        match admission {
            Admission::Reply(range) => {
                assert!(range.len() <= client.unanswered);
                client.unanswered -= range.len();
                client.asked = true;
                let _ = client.connection.handle_datagram(self.now, &mut out[range]);
            }
            Admission::Accepted(mut connection) => {
                assert!(client.asked, "a connection for who was asked nothing");
                while let Some(range) = connection.poll_transmit(&mut out) {
                    let _ = client.connection.handle_datagram(self.now, &mut out[range]);
                }
                assert!(connection.poll_timeout().is_none_or(|at| at > self.now));
            }
            _ => assert!(out.is_empty()),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let now = Instant::now();
    let mut seeds = 1..;
    let clients = [(); CLIENTS].map(|()| Client {
        connection: Connection::client(config(), [seeds.next().unwrap_or_default(); 32], now),
        sent: VecDeque::new(),
        asked: false,
        unanswered: 0,
    });
    let listener = Listener::new(config(), [9; 32]);
    let mut world = World {
        listener,
        clients,
        now,
    };
    let mut input = data.iter().copied();
    world.collect();
    while let Some(operation) = input.next() {
        let at = usize::from(operation) % CLIENTS;
        let mut argument = || input.next().unwrap_or_default();
        match operation >> 4 {
            0..=5 => {
                if let Some(datagram) = world.clients[at].sent.pop_front() {
                    world.deliver(at, datagram);
                }
            }
            // From another address than its client's.
            6 => {
                if let Some(datagram) = world.clients[at].sent.front().cloned() {
                    world.deliver((at + 1) % CLIENTS, datagram);
                }
            }
            7 => {
                if let Some(datagram) = world.clients[at].sent.front().cloned() {
                    world.deliver(at, datagram);
                }
            }
            8 | 9 => {
                if let Some(datagram) = world.clients[at].sent.front_mut() {
                    let place = usize::from(u16::from_be_bytes([argument(), argument()]));
                    let length = datagram.len();
                    datagram[place % length] ^= argument();
                }
            }
            10 => drop(world.clients[at].sent.pop_front()),
            11 => {
                let length = world.clients[at].sent.len().min(1);
                world.clients[at].sent.rotate_left(length);
            }
            12 => {
                let length = usize::from(argument());
                let datagram = (0..length).map(|_| argument()).collect();
                world.deliver(at, datagram);
            }
            13 => world.now += Duration::from_secs(u64::from(argument())),
            _ => {
                world.now += Duration::from_millis(u64::from(argument()) * 8);
                world.clients[at].connection.handle_timeout(world.now);
            }
        }
        world.collect();
    }
});
