//! A client, servers and a peer that echoes, on a simulated network.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)] // as in the tests it serves

pub(crate) mod server;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use server::{PASSWORD, Server, USER};
use turn_relay::client::{Allocated, Allocation, Cause, Config, Event, SendError, TAILROOM};
use turn_relay::{
    HEADROOM, Handled, Local, OpenError, Path, Received, SocketId, Transmit, Transport, Wanted,
};
use virtual_network::{Datagram, Dice, HostId, Network, Weather};

pub(crate) const SERVER: &str = "192.0.2.1:3478";
pub(crate) const OTHER: &str = "192.0.2.2:3478";
pub(crate) const PEER: &str = "203.0.113.7:7000";

#[allow(clippy::disallowed_methods)] // an origin for virtual time
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect(text)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    addr(text).ip()
}

pub(crate) fn config() -> Config {
    Config::udp(addr(SERVER)).with_credentials(USER, PASSWORD)
}

/// A round trip of 50 ms, and nothing else happens.
pub(crate) fn quiet() -> Weather {
    Weather::calm(ms(25))
}

pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) client: Allocation,
    pub(crate) servers: Vec<Server>,
    pub(crate) events: Vec<Event>,
    pub(crate) data: Vec<(SocketAddr, Vec<u8>)>,
    /// Sockets of the client.
    pub(crate) sockets: HashMap<SocketId, SocketAddr>,
    pub(crate) opened: usize,
    pub(crate) open_fails: Option<OpenError>,
    client_host: HostId,
    server_hosts: Vec<HostId>,
    peer_host: HostId,
    free: Vec<SocketAddr>,
}

impl World {
    pub(crate) fn new(seed: u64, weather: Weather, config: Config) -> Self {
        let start = origin();
        let mut network = Network::new(start, seed, weather);
        let free: Vec<_> = (5001..5030)
            .rev()
            .map(|port| SocketAddr::from(([10, 0, 0, 1], port)))
            .collect();
        let client_host = network.add_host(&free);
        let servers: Vec<_> = [(1, addr(SERVER)), (2, addr(OTHER))]
            .map(|(last, address)| {
                let relayed: Vec<_> = (50_000..50_020)
                    .map(|port| SocketAddr::from(([192, 0, 2, last], port)))
                    .collect();
                Server::new(start, address, relayed)
            })
            .into();
        let server_hosts = [1_u8, 2]
            .map(|last| {
                let mut addresses = vec![SocketAddr::from(([192, 0, 2, last], 3478))];
                addresses.extend(
                    (50_000..50_020).map(|port| SocketAddr::from(([192, 0, 2, last], port))),
                );
                network.add_host(&addresses)
            })
            .into();
        let peer_host = network.add_host(&[addr(PEER)]);
        let seed = Dice::new(seed).seed();
        Self {
            network,
            client: Allocation::new(config, seed).expect("config"),
            servers,
            events: Vec::new(),
            data: Vec::new(),
            sockets: HashMap::new(),
            opened: 0,
            open_fails: None,
            client_host,
            server_hosts,
            peer_host,
            free,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.network.now()
    }

    /// Sends what the client wants sent, opens what it wants open, takes what it tells.
    pub(crate) fn drain(&mut self) {
        loop {
            let mut out = BytesMut::new();
            while let Some(sent) = self.client.poll_transmit(&mut out) {
                let frame = out[sent.range].to_vec();
                self.carry(&sent.path, &frame);
                out = BytesMut::new();
            }
            let Some(event) = self.client.poll_event() else {
                return;
            };
            match &event {
                Event::Open(open) => {
                    let now = self.now();
                    assert!(matches!(
                        open.what,
                        Wanted::Udp {
                            local: Local::Family(_),
                            ..
                        }
                    ));
                    self.opened += 1;
                    match self.open_fails.clone() {
                        Some(error) => self.client.handle_open_failed(now, open.id, error),
                        None => {
                            let local = self.free.pop().expect("ports");
                            self.sockets.insert(open.id, local);
                            self.client.handle_opened(now, open.id, local);
                        }
                    }
                }
                Event::Close(close) => {
                    assert!(self.sockets.remove(&close.id).is_some(), "closed twice");
                }
                _ => {}
            }
            self.events.push(event);
        }
    }

    fn carry(&mut self, path: &Path, frame: &[u8]) {
        assert_eq!(
            self.sockets.get(&path.id),
            Some(&path.local),
            "a socket that is open"
        );
        self.network
            .send(self.client_host, path.local, path.remote, frame);
    }

    /// Runs until `done`, or for so long. Says whether it was done.
    pub(crate) fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + time;
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let timeout = self.client.poll_timeout();
            let next = [self.network.next_arrival(), timeout]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.network.advance(end);
                return false;
            };
            assert!(next >= self.now(), "a timeout in the past");
            self.network.advance(next);
            while let Some((host, datagram)) = self.network.receive() {
                self.deliver(host, &datagram);
            }
            let now = self.now();
            self.client.handle_timeout(now);
            if let Some(again) = self.client.poll_timeout() {
                assert!(again > now, "a timeout that is handled is over");
            }
        }
    }

    fn deliver(&mut self, host: HostId, datagram: &Datagram) {
        let Datagram { from, to, data, .. } = datagram;
        let now = self.now();
        if host == self.client_host {
            let id = self
                .sockets
                .iter()
                .find(|(_, local)| *local == to)
                .map(|(id, _)| *id);
            let Some(id) = id else {
                return; // closed meanwhile
            };
            let path = Path {
                id,
                local: *to,
                remote: *from,
                transport: Transport::Udp,
            };
            let mut data = data.to_vec();
            let rx = Received {
                path,
                data: &mut data,
            };
            if let Handled::Data { from, range } = self.client.handle_datagram(now, rx) {
                self.data.push((from, data[range].to_vec()));
            }
        } else if host == self.peer_host {
            self.network.send(self.peer_host, *to, *from, data);
        } else {
            let at = self
                .server_hosts
                .iter()
                .position(|one| *one == host)
                .unwrap();
            for (from, to, data) in self.servers[at].handle(now, *from, *to, data) {
                self.network.send(self.server_hosts[at], from, to, &data);
            }
        }
    }

    pub(crate) fn send(&mut self, payload: &[u8], peer: SocketAddr) -> Result<Transmit, SendError> {
        let mut buf = vec![0xee; HEADROOM];
        buf.extend_from_slice(payload);
        buf.extend_from_slice(&[0xee; TAILROOM]);
        let now = self.now();
        let sent = self
            .client
            .send(now, &mut buf, HEADROOM..HEADROOM + payload.len(), peer)?;
        let frame = buf[sent.range.clone()].to_vec();
        self.carry(&sent.path, &frame);
        Ok(sent)
    }

    pub(crate) fn say(&mut self, payload: &[u8], peer: SocketAddr) {
        self.send(payload, peer).map(drop).expect("sent");
    }

    pub(crate) fn allocated(&self) -> Option<&Allocated> {
        self.events.iter().find_map(|event| match event {
            Event::Allocated(allocated) => Some(&**allocated),
            _ => None,
        })
    }

    pub(crate) fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub(crate) fn ended(&self) -> Option<&Cause> {
        match self.events.last() {
            Some(Event::Ended(cause)) => Some(cause),
            _ => None,
        }
    }

    /// Allocates, or says how it ended.
    pub(crate) fn allocate(&mut self) -> Allocated {
        let done = self.run(secs(100), |world| world.allocated().is_some());
        assert!(done, "{:?}", self.events);
        self.allocated().unwrap().clone()
    }

    pub(crate) fn end(&mut self) -> Cause {
        let done = self.run(secs(4000), |world| world.ended().is_some());
        assert!(done, "{:?}", self.events);
        assert!(self.client.is_finished() && self.sockets.is_empty());
        assert_eq!(
            self.client.poll_timeout(),
            None,
            "a finished machine costs nothing"
        );
        self.ended().unwrap().clone()
    }
}
