//! Clients and a server of this crate, and a peer that echoes, on a simulated network.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)] // as in the tests it serves

#[path = "../site/mod.rs"]
pub(crate) mod site;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use site::{Out, PEER, SERVER, Site, addr};
use turn_relay::client::{self, Allocated, Allocation, Cause, Event, TAILROOM};
use turn_relay::server;
use turn_relay::{HEADROOM, Handled, Path, Received, SocketId, Transport};
use virtual_network::{Datagram, Dice, HostId, Network, Weather};

/// Ports of a client's host.
const PORTS: std::ops::Range<u16> = 5000..5040;

pub(crate) struct Client {
    pub(crate) allocation: Allocation,
    pub(crate) events: Vec<Event>,
    pub(crate) data: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) sockets: HashMap<SocketId, SocketAddr>,
    host: HostId,
    ip: IpAddr,
    free: Vec<u16>,
}

pub(crate) struct Town {
    pub(crate) network: Network,
    pub(crate) site: Site,
    pub(crate) clients: Vec<Client>,
    server_host: HostId,
    peer_host: HostId,
    dice: Dice,
}

pub(crate) fn alice() -> client::Config {
    client::Config::udp(addr(SERVER)).with_credentials("alice", "secret")
}

impl Client {
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
}

impl Town {
    pub(crate) fn new(seed: u64, weather: Weather, config: server::Config) -> Self {
        let site = Site::new(config);
        let mut network = Network::new(site.now, seed, weather);
        let relay: Vec<SocketAddr> = (50_000..50_200)
            .flat_map(|port| {
                let v6: IpAddr = site::ip(site::RELAY_V6);
                [SocketAddr::new(addr(SERVER).ip(), port), (v6, port).into()]
            })
            .chain([addr(SERVER)])
            .collect();
        let server_host = network.add_host(&relay);
        let peer_host = network.add_host(&[addr(PEER), addr(site::PEER_V6)]);
        Self {
            network,
            site,
            clients: Vec::new(),
            server_host,
            peer_host,
            dice: Dice::new(seed),
        }
    }

    pub(crate) fn add(&mut self, config: client::Config) -> usize {
        let number = self.clients.len() as u8 + 1;
        let ip = IpAddr::from([198, 51, 100, number]);
        let addresses: Vec<_> = PORTS.map(|port| SocketAddr::new(ip, port)).collect();
        self.clients.push(Client {
            allocation: Allocation::new(config, self.dice.seed()).expect("config"),
            events: Vec::new(),
            data: Vec::new(),
            sockets: HashMap::new(),
            host: self.network.add_host(&addresses),
            ip,
            free: PORTS.rev().collect(),
        });
        self.clients.len() - 1
    }

    pub(crate) fn now(&self) -> Instant {
        self.network.now()
    }

    fn drain_client(&mut self, at: usize) {
        let now = self.now();
        let client = &mut self.clients[at];
        loop {
            let mut out = BytesMut::new();
            while let Some(sent) = client.allocation.poll_transmit(&mut out) {
                let (local, remote) = (sent.path.local, sent.path.remote);
                self.network
                    .send(client.host, local, remote, &out[sent.range]);
                out.clear();
            }
            let Some(event) = client.allocation.poll_event() else {
                return;
            };
            match &event {
                Event::Open(open) => {
                    let local = SocketAddr::new(client.ip, client.free.pop().expect("ports"));
                    client.sockets.insert(open.id, local);
                    client.allocation.handle_opened(now, open.id, local);
                }
                Event::Close(close) => drop(client.sockets.remove(&close.id)),
                _ => {}
            }
            client.events.push(event);
        }
    }

    fn carry(&mut self, out: Vec<Out>) {
        for Out { path, data, .. } in out {
            self.network
                .send(self.server_host, path.local, path.remote, &data);
        }
    }

    /// Runs until `done`, or for so long. Says whether it was done.
    pub(crate) fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + time;
        loop {
            for at in 0..self.clients.len() {
                self.drain_client(at);
            }
            let out = self.site.drain();
            self.carry(out);
            if done(self) {
                return true;
            }
            let clients = self.clients.iter();
            let next = clients
                .filter_map(|client| client.allocation.poll_timeout())
                .chain(self.site.relay.poll_timeout())
                .chain(self.network.next_arrival())
                .min();
            let now = next.filter(|next| *next <= end).unwrap_or(end);
            self.network.advance(now.max(self.now()));
            self.site.now = self.now();
            if next.is_none_or(|next| next > end) {
                return false;
            }
            while let Some((host, datagram)) = self.network.receive() {
                self.deliver(host, &datagram);
            }
            let now = self.now();
            for client in &mut self.clients {
                client.allocation.handle_timeout(now);
            }
            self.site.relay.handle_timeout(now);
            let again = self.site.relay.poll_timeout();
            assert!(
                again.is_none_or(|again| again > now),
                "what is handled is over"
            );
        }
    }

    fn deliver(&mut self, host: HostId, datagram: &Datagram) {
        let Datagram { from, to, data, .. } = datagram;
        if host == self.server_host {
            let out = match *to == addr(SERVER) {
                true => self.site.client_says(*from, data),
                false => self.site.peer_says(*from, *to, data),
            };
            self.carry(out);
        } else if host == self.peer_host {
            self.network.send(host, *to, *from, data);
        } else if let Some(client) = self.clients.iter_mut().find(|client| client.host == host)
            && let Some((&id, &local)) = client.sockets.iter().find(|(_, local)| *local == to)
        {
            let path = Path {
                id,
                local,
                remote: *from,
                transport: Transport::Udp,
            };
            let mut data = data.to_vec();
            let rx = Received {
                path,
                data: &mut data,
            };
            let now = self.network.now();
            if let Handled::Data { from, range } = client.allocation.handle_datagram(now, rx) {
                client.data.push((from, data[range].to_vec()));
            }
        }
    }

    /// Sends a client's payload to a peer, if there is a way.
    pub(crate) fn say(&mut self, at: usize, payload: &[u8], peer: SocketAddr) -> bool {
        let mut buf = vec![0xee; HEADROOM];
        buf.extend_from_slice(payload);
        buf.extend_from_slice(&[0xee; TAILROOM]);
        let now = self.now();
        let client = &mut self.clients[at];
        let range = HEADROOM..HEADROOM + payload.len();
        let Ok(sent) = client.allocation.send(now, &mut buf, range, peer) else {
            return false;
        };
        let (local, remote) = (sent.path.local, sent.path.remote);
        self.network
            .send(client.host, local, remote, &buf[sent.range]);
        true
    }
}
