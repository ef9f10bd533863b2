//! Sequences of operations on a TURN client: what its owner asks, what a server answers rightly or
//! wrongly, sockets that open, fail and end, time that passes or leaps.
//!
//! Asserted: nothing panics; a timeout that was handled is over; sockets are closed once, and after the
//! end all are; after the end nothing is told and nothing is sent; data lies within its frame.
//!
//! Input: one byte of configuration, then operations of one byte and its arguments.

#![no_main]

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::attribute::{
    ConnectionId, Data, ErrorCode, Lifetime, MobilityTicket, Nonce, Realm, XorMappedAddress,
    XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{Builder, Class, IntegrityKey, Message, Method, TransactionId};
use turn_relay::client::{Allocation, Config, Event, TAILROOM};
use turn_relay::{HEADROOM, Handled, OpenError, Path, Received, SocketId, Transport};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 3478);
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5000);

fuzz_target!(|input: &[u8]| {
    let Some((&first, operations)) = input.split_first() else {
        return;
    };
    let mut world = World::new(first);
    let mut operations = operations.iter().copied();
    while let Some(operation) = operations.next() {
        world.step(operation, &mut operations);
        world.drain();
    }
});

struct World {
    now: Instant,
    client: Allocation,
    transport: Transport,
    asked: Vec<SocketId>,
    open: HashSet<SocketId>,
    requests: Vec<(Path, Vec<u8>)>,
    has_ended: bool,
}

fn peer(number: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, number % 4], 7000 + u16::from(number / 4 % 4)))
}

impl World {
    fn new(first: u8) -> Self {
        let (mut config, transport) = match first & 1 {
            0 => (Config::udp(SERVER), Transport::Udp),
            _ => (Config::tcp(SERVER), Transport::Tcp),
        };
        if first & 2 != 0 {
            config = config.with_credentials("alice", "secret");
        }
        if first & 4 != 0 {
            config = config.with_mobility().with_dont_fragment();
        }
        if first & 9 == 9 && first & 4 == 0 {
            config = config.with_tcp_relay();
        }
        Self {
            now: Instant::now(),
            client: Allocation::new(config, [first; 32]).expect("a configuration"),
            transport,
            asked: Vec::new(),
            open: HashSet::new(),
            requests: Vec::new(),
            has_ended: false,
        }
    }

    fn path(&self, id: SocketId) -> Path {
        Path {
            id,
            local: LOCAL,
            remote: SERVER,
            transport: self.transport,
        }
    }

    fn step(&mut self, operation: u8, rest: &mut impl Iterator<Item = u8>) {
        let (kind, number) = (operation % 20, operation / 20);
        let argument = rest.next().unwrap_or_default();
        let now = self.now;
        match kind {
            0..=2 => {
                if let Some(id) = self.asked.pop() {
                    self.open.insert(id);
                    self.client.handle_opened(now, id, LOCAL);
                }
            }
            3 => {
                if let Some(id) = self.asked.pop() {
                    self.client.handle_open_failed(now, id, OpenError::Refused);
                }
            }
            4 => {
                if let Some(id) = self.open.iter().nth(usize::from(argument)).copied() {
                    self.open.remove(&id);
                    self.client.handle_closed(now, id);
                }
            }
            5 => drop(self.client.permit(now, peer(argument).ip())),
            6 => drop(self.client.bind_channel(now, peer(argument))),
            7 => self.client.forget(peer(argument).ip()),
            8 => drop(self.client.connect(now, peer(argument))),
            9 => drop(self.client.accept(now, argument.into())),
            10 => drop(self.client.move_to(None)),
            11 if number > 9 => self.client.release(now),
            11 => self.client.disconnect(peer(argument)),
            12 => self.wait(Duration::from_millis(u64::from(argument) * 20)),
            13 => self.wait(Duration::from_secs(u64::from(argument) * 4)),
            14 => self.send(argument, number),
            15 => self.indicate(argument, number),
            16 => {
                let frame: Vec<u8> = rest.take(usize::from(argument)).collect();
                if let Some(id) = self.open.iter().next().copied() {
                    self.hand(self.path(id), &frame);
                }
            }
            _ => self.answer(argument, number),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        if let Some(next) = self.client.poll_timeout() {
            assert!(next > self.now, "a timeout that was handled is over");
        }
    }

    fn send(&mut self, argument: u8, number: u8) {
        let length = usize::from(argument);
        let mut buf = vec![0; HEADROOM + length + TAILROOM];
        if let Ok(sent) = self.client.send(
            self.now,
            &mut buf,
            HEADROOM..HEADROOM + length,
            peer(number),
        ) {
            assert!(buf.get(sent.range).is_some());
            assert!(self.open.contains(&sent.path.id));
        }
    }

    fn indicate(&mut self, argument: u8, number: u8) {
        let mut out = BytesMut::new();
        let id = TransactionId([argument; 12]);
        let _ = match number % 2 {
            0 => Builder::indication(&mut out, Method::DATA, id)
                .attribute(&XorPeerAddress(peer(argument)))
                .attribute(&Data(b"data"))
                .finish(),
            _ => Builder::indication(&mut out, Method::CONNECTION_ATTEMPT, id)
                .attribute(&XorPeerAddress(peer(argument)))
                .attribute(&ConnectionId(argument.into()))
                .finish(),
        };
        if let Some(id) = self.open.iter().nth(usize::from(number / 2)).copied() {
            self.hand(self.path(id), &out);
        }
    }

    /// Answers one of the requests: grants it, refuses it, or asks for credentials.
    fn answer(&mut self, argument: u8, number: u8) {
        if self.requests.is_empty() {
            return;
        }
        let at = usize::from(argument >> 4) % self.requests.len();
        let (path, request) = self.requests.remove(at);
        let Ok(message) = Message::parse(&request) else {
            panic!("a client writes messages");
        };
        let key = IntegrityKey::long_term("alice", "realm", "secret");
        let mut out = BytesMut::new();
        let codes = [400, 401, 403, 405, 420, 437, 438, 441, 486, 500, 508];
        let builder = match argument & 0x0f {
            0..=8 => {
                let lifetime = Lifetime(u32::from(number) * 60);
                Builder::new(
                    &mut out,
                    Class::Success,
                    message.method(),
                    message.transaction_id(),
                )
                .attribute(&XorRelayedAddress(SERVER))
                .attribute(&XorMappedAddress(LOCAL))
                .attribute(&lifetime)
                .attribute(&ConnectionId(argument.into()))
                .attribute(&MobilityTicket(b"ticket"))
            }
            which => {
                let at = (usize::from(which) + usize::from(number)) % codes.len();
                Builder::error(&mut out, &message)
                    .attribute(&ErrorCode {
                        code: codes[at],
                        reason: "fuzz",
                    })
                    .attribute(&Realm("realm"))
                    .attribute(&Nonce(&[b'a' + number]))
            }
        };
        let _ = match message.verify(&key) {
            Ok(_) => builder.integrity(&key).finish(),
            Err(_) => builder.finish(),
        };
        self.hand(path, &out);
    }

    fn hand(&mut self, path: Path, frame: &[u8]) {
        let mut data = frame.to_vec();
        let rx = Received {
            path,
            data: &mut data,
        };
        if let Handled::Data { range, .. } = self.client.handle_datagram(self.now, rx) {
            assert!(data.get(range).is_some());
        }
    }

    fn drain(&mut self) {
        let mut out = BytesMut::new();
        while let Some(sent) = self.client.poll_transmit(&mut out) {
            assert!(!self.has_ended);
            assert!(self.open.contains(&sent.path.id), "a socket that is open");
            self.requests.push((sent.path, out[sent.range].to_vec()));
        }
        self.requests
            .drain(..self.requests.len().saturating_sub(64));
        while let Some(event) = self.client.poll_event() {
            assert!(!self.has_ended, "nothing comes after the end");
            match event {
                Event::Open(open) => self.asked.push(open.id),
                Event::Close(close) => {
                    let waited = self.asked.iter().position(|id| *id == close.id);
                    match waited {
                        Some(at) => drop(self.asked.remove(at)),
                        None => assert!(self.open.remove(&close.id), "closed once"),
                    }
                }
                Event::Ended(_) => self.has_ended = true,
                _ => {}
            }
        }
        assert_eq!(self.has_ended, self.client.is_finished());
        if self.has_ended {
            assert!(self.open.is_empty(), "all are closed");
            assert_eq!(self.client.poll_timeout(), None);
        }
    }
}
