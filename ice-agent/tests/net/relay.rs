//! Our own TURN server, `turn_relay::server::Relay`, as a host of the network.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{HEADROOM, OpenError, Path, SocketId, Transport};
use turn_relay::server::{Config, Credentials, Event, PeerPolicy, Relay, Relayed, TAILROOM};

use super::turn::{PASSWORD, USER};

/// The socket that it listens at.
const LISTENER: SocketId = SocketId(1);

/// Connections have ids from here on.
const CONNECTIONS: u64 = 1000;

/// What the server sends: the path, and the frame.
pub(crate) type Sent = (Path, Vec<u8>);

pub(crate) struct RelayServer {
    pub(crate) address: SocketAddr,
    pub(crate) relay: Relay,
    bound: BTreeMap<SocketId, SocketAddr>,
    /// Addresses to relay at that are free.
    free: Vec<SocketAddr>,
    connections: BTreeMap<SocketAddr, SocketId>,
}

impl RelayServer {
    pub(crate) fn new(now: Instant, address: SocketAddr, mut relayed: Vec<SocketAddr>) -> Self {
        let users = Credentials::new()
            .with_user(USER, PASSWORD)
            .expect("a user");
        // The network is made of addresses for documentation, which no server reaches by default, and
        // both clients may be relayed here.
        let policy = [[192, 0, 2], [198, 51, 100], [203, 0, 113]]
            .into_iter()
            .fold(
                PeerPolicy::internet().allow(address.ip(), 32, 49_152..=65_535),
                |policy, [a, b, c]| policy.allow(IpAddr::from([a, b, c, 0]), 24, 1..=65_535),
            );
        let config = Config::new("example.org", users)
            .with_listener(address)
            .with_relay_address(address.ip())
            .with_policy(policy);
        relayed.reverse();
        Self {
            address,
            relay: Relay::new(now, config, [7; 32]).expect("a configuration"),
            bound: BTreeMap::new(),
            free: relayed,
            connections: BTreeMap::new(),
        }
    }

    /// A datagram, or a frame of a connection.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        data: &[u8],
    ) -> Vec<Sent> {
        let bound = self.bound.iter().find(|(_, local)| **local == to);
        let (id, transport) = match (bound, self.connections.get(&from)) {
            (Some((id, _)), _) => (*id, Transport::Udp),
            (None, Some(id)) => (*id, Transport::Tcp),
            (None, None) if to == self.address => (LISTENER, Transport::Udp),
            (None, None) => return Vec::new(),
        };
        let path = Path {
            id,
            local: to,
            remote: from,
            transport,
        };
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(data);
        buffer.extend_from_slice(&[0; TAILROOM]);
        let frame = HEADROOM..HEADROOM + data.len();
        let relayed = self.relay.handle_packet(now, path, &mut buffer, frame);
        let mut sent = match relayed {
            Relayed::To(on) | Relayed::ToWhole(on) => vec![(on.path, buffer[on.range].to_vec())],
            _ => Vec::new(),
        };
        sent.extend(self.drain(now));
        sent
    }

    pub(crate) fn accept(&mut self, now: Instant, from: SocketAddr) {
        let id = SocketId(CONNECTIONS + self.connections.len() as u64);
        self.connections.insert(from, id);
        let path = Path {
            id,
            local: self.address,
            remote: from,
            transport: Transport::Tcp,
        };
        self.relay.handle_accepted(now, path);
    }

    pub(crate) fn close(&mut self, now: Instant, from: SocketAddr) -> Vec<Sent> {
        if let Some(id) = self.connections.get(&from) {
            self.relay.handle_closed(now, *id);
        }
        self.drain(now)
    }

    pub(crate) fn tell_time(&mut self, now: Instant) -> Vec<Sent> {
        self.relay.handle_timeout(now);
        self.drain(now)
    }

    /// Opens and closes what the server wants opened and closed; what it sends.
    fn drain(&mut self, now: Instant) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            let mut out = BytesMut::new();
            while let Some(one) = self.relay.poll_transmit(&mut out) {
                sent.push((one.path, out[one.range].to_vec()));
            }
            let Some(event) = self.relay.poll_event() else {
                return sent;
            };
            match event {
                Event::Open(open) => match self.free.pop() {
                    Some(local) => {
                        self.bound.insert(open.id, local);
                        self.relay.handle_opened(now, open.id, local);
                    }
                    None => self
                        .relay
                        .handle_open_failed(now, open.id, OpenError::NoPort),
                },
                Event::Close(close) => self.free.extend(self.bound.remove(&close.id)),
                _ => {}
            }
        }
    }
}
