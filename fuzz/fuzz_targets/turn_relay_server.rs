//! Sequences of operations on two workers of a TURN server: what clients ask with and without
//! credentials, what peers send, sockets that open, fail and end, what an operator does, time that passes
//! or leaps.
//!
//! Asserted: nothing panics; a timeout that was handled is over; what goes on lies in its buffer, leaves
//! at a socket that is open, and never to a peer that the policy denies; sockets are closed once; when
//! everybody has been silent for long enough nothing is left.
//!
//! Input: one byte of configuration, then operations of one byte and its arguments.

#![no_main]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::attribute::{
    AdditionalAddressFamily, ChannelNumber, ConnectionId, Data, EvenPort, Lifetime, MobilityTicket,
    Nonce, Realm, RequestedAddressFamily, RequestedTransport, ReservationToken, Username,
    XorPeerAddress,
};
use stun_codec::{Builder, Encode, IntegrityKey, Message, Method, TransactionId};
use turn_relay::server::{
    Config, Credentials, Event, Icmp, LookupId, PeerPolicy, Quota, Relay, Relayed, Secret,
    SharedSecrets, TAILROOM,
};
use turn_relay::{Family, HEADROOM, Local, OpenError, Path, SocketId, Transport, Wanted};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 3478);
const LISTENER: SocketId = SocketId(1);

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
    world.finish();
});

/// A client: where it is, and what it was told.
#[derive(Default)]
struct Client {
    nonce: Vec<u8>,
    ticket: Vec<u8>,
    token: [u8; 8],
    name: u32,
    requests: u32,
}

struct World {
    now: Instant,
    relays: [Relay; 2],
    quota: Quota,
    /// For each worker, its sockets and where they are bound.
    open: [HashMap<SocketId, SocketAddr>; 2],
    asked: [Vec<(SocketId, IpAddr)>; 2],
    lookups: Vec<(usize, LookupId)>,
    clients: [Client; 8],
    ports: u16,
}

fn peer(number: u8) -> SocketAddr {
    let text = match number % 8 {
        0 => "203.0.113.7:7000",
        1 => "203.0.113.7:7001",
        2 => "203.0.113.8:9",
        3 => "127.0.0.1:7000",
        4 => "192.0.2.1:3478",
        5 => "[2001:db8:7::7]:7000",
        6 => "[::ffff:203.0.113.7]:7000",
        _ => "203.0.113.9:0",
    };
    text.parse().expect("an address")
}

/// What the policy of these workers comes down to for the peers above.
fn is_allowed(peer: SocketAddr) -> bool {
    let text = peer.to_string();
    peer.port() != 0 && (text.starts_with("203.0.113.") || text.starts_with("[2001:db8:7:"))
}

impl World {
    fn new(first: u8) -> Self {
        let now = Instant::now();
        let secrets = SharedSecrets::new(b"north");
        let mut users = Credentials::new()
            .with_user("alice", "secret")
            .expect("a name")
            .with_shared_secrets(secrets);
        if first & 1 != 0 {
            users = users.with_store();
        }
        let all = 0..=u16::MAX;
        let policy = PeerPolicy::internet()
            .allow(peer(0).ip(), 24, all.clone())
            .allow(peer(5).ip(), 48, all);
        let quota = Quota::new(6).with_per_user(5);
        let mut config = Config::new("realm", users)
            .with_listener(SERVER)
            .with_relay_address(SERVER.ip())
            .with_policy(policy)
            .with_quota(quota.clone())
            .with_max_peers(4)
            .with_wall_clock(now, SystemTime::UNIX_EPOCH);
        if first & 2 != 0 {
            config = config.with_relay_address("2001:db8::1".parse().expect("an address"));
        }
        if first & 4 != 0 {
            config = config.with_strict_expiry().with_dont_fragment();
        }
        if first & 8 != 0 {
            config = config.with_bandwidth(500).with_total_bandwidth(2000);
        }
        if first & 32 != 0 {
            config = config.with_tcp_relay();
        }
        if first & 16 != 0 {
            config = config.with_mobility(false).with_alternate_server(SERVER);
        }
        let worker = |index| {
            let config = config.clone().with_worker(index, 2);
            Relay::new(now, config, [7; 32]).expect("a configuration")
        };
        Self {
            now,
            relays: [worker(0), worker(1)],
            quota,
            open: Default::default(),
            asked: Default::default(),
            lookups: Vec::new(),
            clients: Default::default(),
            ports: 0,
        }
    }

    /// Two clients in eight come over TCP.
    fn path(client: usize) -> Path {
        let is_stream = client >= 6;
        Path {
            id: if is_stream {
                SocketId(10 + client as u64)
            } else {
                LISTENER
            },
            local: SERVER,
            remote: SocketAddr::from(([198, 51, 100, 1], 5000 + client as u16)),
            transport: if is_stream {
                Transport::Tcp
            } else {
                Transport::Udp
            },
        }
    }

    fn step(&mut self, operation: u8, rest: &mut impl Iterator<Item = u8>) {
        let (kind, argument) = (operation % 24, rest.next().unwrap_or_default());
        let (client, worker) = (usize::from(argument % 8), usize::from(operation / 24 % 2));
        let more = rest.next().unwrap_or_default();
        let now = self.now;
        match kind {
            0..=2 => self.allocate(worker, client, more),
            3 => self.refresh(worker, client, more),
            4 | 5 => {
                let peers = [XorPeerAddress(peer(more)), XorPeerAddress(peer(more / 8))];
                let attributes: [&dyn Encode; 2] = [&peers[0], &peers[1]];
                self.ask(
                    worker,
                    client,
                    Method::CREATE_PERMISSION,
                    &attributes[..1 + usize::from(more / 128)],
                );
            }
            6 | 7 => {
                let number = ChannelNumber(0x3fff + u16::from(more / 8 % 6));
                let to = XorPeerAddress(peer(more));
                self.ask(worker, client, Method::CHANNEL_BIND, &[&number, &to]);
            }
            8 | 9 => self.send(worker, client, more),
            10 | 11 => {
                let number = 0x4000 + u16::from(more % 6);
                let [n0, n1] = number.to_be_bytes();
                let frame = [n0, n1, 0, more / 8 % 9, 1, 2, 3, 4, 5, 6];
                self.hand(worker, Self::path(client), &frame);
            }
            12 | 13 => self.peer_speaks(worker, argument, more),
            14 => {
                let frame: Vec<u8> = rest.take(usize::from(more)).collect();
                self.hand(worker, Self::path(client), &frame);
            }
            15 | 16 => {
                if let Some((id, ip)) = self.asked[worker].pop() {
                    self.ports = self.ports % 1000 + 1;
                    let local = SocketAddr::new(ip, 50_000 + self.ports);
                    self.open[worker].insert(id, local);
                    self.relays[worker].handle_opened(now, id, local);
                }
            }
            17 => {
                if let Some((id, _)) = self.asked[worker].pop() {
                    self.relays[worker].handle_open_failed(now, id, OpenError::NoPort);
                }
            }
            18 => self.close(worker, argument, more),
            19 => self.wait(Duration::from_millis(u64::from(argument) * 100)),
            20 => self.wait(Duration::from_secs(u64::from(argument) * 8)),
            21 => {
                if let Some((worker, id)) = self.lookups.pop() {
                    let secret = Secret::password("secret").expect("a password");
                    let secret = (argument % 4 > 0).then_some(secret);
                    self.relays[worker].handle_credentials(now, id, secret);
                }
            }
            22 => self.operate(worker, argument, more),
            _ => self.connections(worker, client, more),
        }
    }

    /// What RFC 6062 adds.
    fn connections(&mut self, worker: usize, client: usize, more: u8) {
        let (now, client) = (self.now, 6 + client % 2);
        match more % 4 {
            0 => self.relays[worker].handle_accepted(now, Self::path(client)),
            1 => {
                let to = XorPeerAddress(peer(more / 4));
                self.ask(worker, client, Method::CONNECT, &[&to]);
            }
            2 => {
                let name = ConnectionId(self.clients[client].name);
                self.ask(worker, 13 - client, Method::CONNECTION_BIND, &[&name]);
            }
            _ => {
                let Some((&listener, &local)) = self.open[worker].iter().min() else {
                    return;
                };
                let path = Path {
                    id: SocketId(100 + u64::from(more)),
                    local,
                    remote: peer(more / 4),
                    transport: Transport::Tcp,
                };
                self.relays[worker].handle_peer_accepted(now, listener, path);
            }
        }
    }

    fn close(&mut self, worker: usize, argument: u8, more: u8) {
        let id = match more % 2 {
            0 => Self::path(6 + usize::from(argument % 2)).id,
            _ => match self.open[worker].keys().min().copied() {
                Some(id) => id,
                None => return,
            },
        };
        self.open[worker].remove(&id);
        self.relays[worker].handle_closed(self.now, id);
    }

    fn operate(&mut self, worker: usize, argument: u8, more: u8) {
        let now = self.now;
        let relay = &mut self.relays[worker];
        match argument % 8 {
            0 => drop(relay.revoke(now, "alice")),
            1 => drop(relay.revoke(now, "5000:carol")),
            2 => drop(relay.revoke(now, "carol")),
            3 if more > 200 => {
                relay.drain(now, now + Duration::from_secs(more.into()), None);
            }
            4 if more > 200 => relay.set_credentials(Credentials::new()),
            _ => {
                let icmp = Icmp {
                    kind: more % 16,
                    code: 0,
                    data: 0,
                };
                if let Some(id) = self.open[worker].keys().min().copied() {
                    relay.handle_icmp(now, id, peer(argument), icmp);
                }
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        for relay in &mut self.relays {
            relay.handle_timeout(self.now);
            if let Some(next) = relay.poll_timeout() {
                assert!(next > self.now, "a timeout that was handled is over");
            }
        }
    }

    fn allocate(&mut self, worker: usize, client: usize, more: u8) {
        let (ticket, token) = (
            MobilityTicket(b""),
            ReservationToken(self.clients[client ^ 1].token),
        );
        let even = EvenPort {
            reserve_next: more & 64 != 0,
        };
        let transport = match more & 128 {
            0 => RequestedTransport::UDP,
            _ => RequestedTransport::TCP,
        };
        let mut attributes: Vec<&dyn Encode> = vec![&transport];
        if more & 1 != 0 {
            attributes.push(&ticket);
        }
        match more >> 1 & 7 {
            0 => attributes.push(&AdditionalAddressFamily(Family::V6)),
            1 => attributes.push(&RequestedAddressFamily(Family::V6)),
            2 | 3 => attributes.push(&even),
            4 => attributes.push(&token),
            _ => {}
        }
        self.ask(worker, client, Method::ALLOCATE, &attributes);
    }

    fn refresh(&mut self, worker: usize, client: usize, more: u8) {
        let ticket = self.clients[usize::from(more % 8)].ticket.clone();
        let (ticket, lifetime) = (
            MobilityTicket(&ticket),
            Lifetime(u32::from(more / 16) * 100),
        );
        let attributes: [&dyn Encode; 2] = [&lifetime, &ticket];
        let count = if more & 8 == 0 { 1 } else { 2 };
        self.ask(worker, client, Method::REFRESH, &attributes[..count]);
    }

    /// A request as its client would write it, whose name depends on where it is.
    fn ask(&mut self, worker: usize, client: usize, method: Method, attributes: &[&dyn Encode]) {
        let (name, password) = match client % 4 {
            0 | 1 => ("alice".to_owned(), "secret".to_owned()),
            2 => ("bob".to_owned(), "secret".to_owned()),
            _ => {
                let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(5000);
                let issued = SharedSecrets::new(b"north").issue("carol", expires);
                (issued.username, issued.password.to_string())
            }
        };
        let known = &mut self.clients[client];
        known.requests += 1;
        let mut id = [client as u8; 12];
        id[..4].copy_from_slice(&known.requests.to_be_bytes());
        let mut out = BytesMut::new();
        let mut builder = Builder::request(&mut out, method, TransactionId(id));
        for attribute in attributes {
            builder = builder.attribute(*attribute);
        }
        let written = if known.nonce.is_empty() {
            builder.finish()
        } else {
            builder
                .attribute(&Username(&name))
                .attribute(&Realm("realm"))
                .attribute(&Nonce(&known.nonce))
                .integrity(&IntegrityKey::long_term(&name, "realm", &password))
                .finish()
        };
        written.expect("a request");
        self.hand(worker, Self::path(client), &out);
    }

    fn send(&mut self, worker: usize, client: usize, more: u8) {
        let mut out = BytesMut::new();
        Builder::indication(&mut out, Method::SEND, TransactionId([9; 12]))
            .attribute(&XorPeerAddress(peer(more)))
            .attribute(&Data(&[7; 32][..usize::from(more / 8)]))
            .finish()
            .expect("an indication");
        self.hand(worker, Self::path(client), &out);
    }

    fn peer_speaks(&mut self, worker: usize, argument: u8, more: u8) {
        let sockets: Vec<_> = self.open[worker]
            .iter()
            .map(|(id, at)| (*id, *at))
            .collect();
        let Some(&(id, local)) = sockets.get(usize::from(argument) % sockets.len().max(1)) else {
            return;
        };
        let path = Path {
            id,
            local,
            remote: peer(more),
            transport: Transport::Udp,
        };
        self.hand(worker, path, &[7; 32][..usize::from(more / 8)]);
    }

    fn hand(&mut self, worker: usize, path: Path, data: &[u8]) {
        let mut buf = vec![0; HEADROOM + data.len() + TAILROOM];
        buf[HEADROOM..HEADROOM + data.len()].copy_from_slice(data);
        let frame = HEADROOM..HEADROOM + data.len();
        match self.relays[worker].handle_packet(self.now, path, &mut buf, frame) {
            Relayed::To(sent) | Relayed::ToWhole(sent) => {
                assert!(buf.get(sent.range).is_some());
                if sent.path.id.is_asked() {
                    let local = self.open[worker].get(&sent.path.id);
                    assert_eq!(local, Some(&sent.path.local), "a socket that is open");
                    assert!(is_allowed(sent.path.remote), "to {}", sent.path.remote);
                } else {
                    assert!(is_allowed(path.remote), "from {}", path.remote);
                }
            }
            Relayed::Elsewhere(other) => assert_eq!(usize::from(other), 1 - worker),
            _ => {}
        }
    }

    fn drain(&mut self) {
        for worker in 0..2 {
            let mut out = BytesMut::new();
            while let Some(sent) = self.relays[worker].poll_transmit(&mut out) {
                let client = usize::from(sent.path.remote.port()) - 5000;
                let answer = Message::parse(&out[sent.range]).expect("a message");
                let known = &mut self.clients[client];
                if let Ok(Some(Nonce(nonce))) = answer.attribute() {
                    known.nonce = nonce.to_vec();
                }
                if let Ok(Some(MobilityTicket(ticket))) = answer.attribute() {
                    known.ticket = ticket.to_vec();
                }
                if let Ok(Some(ConnectionId(name))) = answer.attribute() {
                    known.name = name;
                }
                if let Ok(Some(ReservationToken(token))) = answer.attribute() {
                    known.token = token;
                }
                out.clear();
            }
            while let Some(event) = self.relays[worker].poll_event() {
                match event {
                    Event::Open(open) => match open.what {
                        Wanted::Udp {
                            local: Local::Ip(ip),
                            ..
                        }
                        | Wanted::TcpListener {
                            local: Local::Ip(ip),
                        } => self.asked[worker].push((open.id, ip)),
                        Wanted::TcpFrom { local, remote } => {
                            assert!(is_allowed(remote), "to {remote}");
                            self.asked[worker].push((open.id, local.ip()));
                        }
                        what => panic!("{what:?}"),
                    },
                    Event::Close(close) if close.id.is_asked() => {
                        let asked = &mut self.asked[worker];
                        match asked.iter().position(|(id, _)| *id == close.id) {
                            Some(at) => drop(asked.remove(at)),
                            None => {
                                let was_open = self.open[worker].remove(&close.id);
                                assert!(was_open.is_some(), "closed once");
                            }
                        }
                    }
                    Event::Lookup(lookup) => self.lookups.push((worker, lookup.id)),
                    _ => {}
                }
            }
        }
    }

    /// Everybody is silent, and the driver answers what it was asked.
    fn finish(&mut self) {
        for _ in 0..64 {
            for worker in 0..2 {
                for (id, _) in std::mem::take(&mut self.asked[worker]) {
                    self.relays[worker].handle_open_failed(self.now, id, OpenError::NoPort);
                }
            }
            self.drain();
        }
        for _ in 0..3 {
            self.wait(Duration::from_secs(4000));
            self.drain();
        }
        for worker in 0..2 {
            assert_eq!(self.relays[worker].allocations(), 0);
            assert!(self.open[worker].is_empty(), "all are closed");
            assert_eq!(self.relays[worker].poll_timeout(), None);
        }
        assert_eq!(self.quota.count(), 0);
    }
}
