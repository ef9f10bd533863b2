//! Our client and our server over connections: frames in a stream with their padding, and connections to
//! peers (RFC 6062).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::BytesMut;
use site::{PEER, SERVER, Site, addr, config, ip, secs};
use stun_codec::stream::{Deframer, Framing};
use turn_relay::client::{Allocation, Config, Event, TAILROOM};
use turn_relay::server;
use turn_relay::{HEADROOM, Handled, Path, Received, SocketId, Transport, Wanted};

/// One connection of the client, as both sides know it.
struct Connection {
    client: Path,
    server: Path,
    to_client: Deframer,
    to_server: Deframer,
}

/// A client whose connections reach the server at once.
struct Wire {
    site: Site,
    client: Allocation,
    connections: HashMap<SocketId, Connection>,
    events: Vec<Event>,
    data: Vec<(SocketAddr, Vec<u8>)>,
    /// What went to peers.
    relayed: Vec<(SocketAddr, Vec<u8>)>,
}

fn frames(deframer: &mut Deframer, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        // As if each segment carried a few bytes.
        let some = &bytes[..bytes.len().min(7)];
        bytes = &bytes[deframer.push(some)..];
        while let Some(frame) = deframer.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
    }
    frames
}

impl Wire {
    fn new(client: Config, server: server::Config) -> Self {
        Self {
            site: Site::new(server),
            client: Allocation::new(client, [9; 32]).unwrap(),
            connections: HashMap::new(),
            events: Vec::new(),
            data: Vec::new(),
            relayed: Vec::new(),
        }
    }

    fn run(&mut self) {
        loop {
            let mut out = BytesMut::new();
            let mut is_done = true;
            while let Some(sent) = self.client.poll_transmit(&mut out) {
                self.hand_to_server(sent.path.id, &out[sent.range]);
                out.clear();
                is_done = false;
            }
            while let Some(event) = self.client.poll_event() {
                match &event {
                    Event::Open(open) => self.open(open.id, &open.what),
                    Event::Close(close) => drop(self.connections.remove(&close.id)),
                    _ => {}
                }
                self.events.push(event);
                is_done = false;
            }
            if is_done {
                return;
            }
        }
    }

    fn open(&mut self, id: SocketId, what: &Wanted) {
        assert!(matches!(what, Wanted::Tcp { .. }));
        let number = 100 + self.connections.len() as u16;
        let local = SocketAddr::from(([198, 51, 100, 1], number));
        let path = |id, local, remote| Path {
            id,
            local,
            remote,
            transport: Transport::Tcp,
        };
        let deframer = || Deframer::new(Framing::Turn, 2000);
        let connection = Connection {
            client: path(id, local, addr(SERVER)),
            server: path(SocketId(number.into()), addr(SERVER), local),
            to_client: deframer(),
            to_server: deframer(),
        };
        let (now, server) = (self.site.now, connection.server);
        self.connections.insert(id, connection);
        self.site.relay.handle_accepted(now, server);
        self.client.handle_opened(now, id, local);
    }

    fn hand_to_server(&mut self, id: SocketId, frame: &[u8]) {
        let mut stream = BytesMut::new();
        Framing::Turn.write(frame, &mut stream).unwrap();
        let connection = self.connections.get_mut(&id).unwrap();
        let path = connection.server;
        for frame in frames(&mut connection.to_server, &stream) {
            for out in self.site.hand(path, &frame) {
                match out.path.transport {
                    Transport::Tcp => self.hand_to_client(out.path.id, &out.data),
                    _ => self.relayed.push((out.path.remote, out.data)),
                }
            }
        }
    }

    fn hand_to_client(&mut self, id: SocketId, frame: &[u8]) {
        let mut stream = BytesMut::new();
        Framing::Turn.write(frame, &mut stream).unwrap();
        assert_eq!(stream.len() % 4, 0, "padded (RFC 8656 §12.5)");
        let mut all = self.connections.values_mut();
        let connection = all.find(|one| one.server.id == id).unwrap();
        let path = connection.client;
        for mut data in frames(&mut connection.to_client, &stream) {
            let rx = Received {
                path,
                data: &mut data,
            };
            if let Handled::Data { from, range } = self.client.handle_datagram(self.site.now, rx) {
                self.data.push((from, data[range].to_vec()));
            }
        }
    }

    fn peer_says(&mut self, relayed: SocketAddr, payload: &[u8]) {
        for out in self.site.peer_says(addr(PEER), relayed, payload) {
            self.hand_to_client(out.path.id, &out.data);
        }
    }

    fn relayed_at(&self) -> SocketAddr {
        self.client.relayed().unwrap()
    }
}

fn client() -> Config {
    Config::tcp(addr(SERVER)).with_credentials("alice", "secret")
}

#[test]
fn data_of_every_length_goes_both_ways_through_a_stream() {
    for is_channel in [false, true] {
        let mut wire = Wire::new(client(), config());
        let now = wire.site.now;
        match is_channel {
            true => wire.client.bind_channel(now, addr(PEER)).unwrap(),
            false => wire.client.permit(now, ip("203.0.113.7")).unwrap(),
        }
        wire.run();
        let relayed = wire.relayed_at();
        for length in 0..20_usize {
            let payload = vec![length as u8; length];
            wire.peer_says(relayed, &payload);
            assert_eq!(wire.data.pop(), Some((addr(PEER), payload.clone())));
            let mut buf = vec![0; HEADROOM + length + TAILROOM];
            buf[HEADROOM..HEADROOM + length].copy_from_slice(&payload);
            let range = HEADROOM..HEADROOM + length;
            let sent = wire.client.send(now, &mut buf, range, addr(PEER)).unwrap();
            wire.hand_to_server(sent.path.id, &buf[sent.range]);
            assert_eq!(wire.relayed.pop(), Some((addr(PEER), payload)));
        }
        // The connection ends, and the allocation with it.
        let path = wire.connections.values().next().unwrap().server;
        wire.site.relay.handle_closed(wire.site.now, path.id);
        wire.site.drain();
        assert!(wire.site.bound.is_empty());
    }
}

#[test]
fn connections_to_peers_and_from_them_are_joined() {
    let mut wire = Wire::new(client().with_tcp_relay(), config().with_tcp_relay());
    wire.run();
    let relayed = wire.relayed_at();
    let now = wire.site.now;
    wire.client.connect(now, addr(PEER)).unwrap();
    wire.run();
    let connected = |events: &[Event], peer: &str| {
        let is_this = |event: &&Event| matches!(event, Event::Connected { peer: one, .. } if *one == addr(peer));
        events.iter().filter(is_this).count()
    };
    assert_eq!(connected(&wire.events, PEER), 1, "{:?}", wire.events);
    let joined = |site: &Site| site.told(|event| matches!(event, server::Event::Join { .. }));
    assert_eq!(joined(&wire.site), 1);

    // Another peer connects.
    let other = "203.0.113.8:1234";
    wire.client.permit(now, ip("203.0.113.8")).unwrap();
    wire.run();
    let listener = wire.site.bound.iter().find(|(_, local)| **local == relayed);
    let (id, path) = (
        *listener.unwrap().0,
        Path {
            id: SocketId(900),
            local: relayed,
            remote: addr(other),
            transport: Transport::Tcp,
        },
    );
    wire.site.relay.handle_peer_accepted(now, id, path);
    for out in wire.site.drain() {
        wire.hand_to_client(out.path.id, &out.data);
    }
    wire.run();
    let offered = wire.events.iter().find_map(|event| match event {
        Event::ConnectionAttempt { connection, .. } => Some(*connection),
        _ => None,
    });
    wire.client.accept(now, offered.unwrap()).unwrap();
    wire.run();
    assert_eq!(connected(&wire.events, other), 1, "{:?}", wire.events);
    assert_eq!(joined(&wire.site), 2);
    // Nothing of them ends before its time.
    wire.site.pass(secs(100));
    assert_eq!(
        wire.site
            .told(|event| matches!(event, server::Event::Close(_))),
        0
    );
}
