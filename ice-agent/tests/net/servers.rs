//! STUN and TURN servers.

use std::net::SocketAddr;

use bytes::BytesMut;
use ice_agent::Transport;
use stun_codec::Message;
use virtual_network::{Datagram, HostId, StreamEvent, StreamId};

use super::relay::{RelayServer, Sent};
use super::{World, addr, turn};

impl World {
    /// Adds a host that answers STUN.
    pub(crate) fn add_server(&mut self, address: SocketAddr) {
        self.servers.push(self.network.add_host(&[address]));
    }

    /// Adds a TURN server that keeps the rules, and breaks them where a test wants it.
    pub(crate) fn add_turn(&mut self, address: &str) -> usize {
        let (host, address, relayed) = self.add_turn_host(address);
        let server = turn::Server::new(self.start, address, relayed);
        self.turns.push((host, server));
        self.turns.len() - 1
    }

    /// Adds a TURN server of our own.
    pub(crate) fn add_relay(&mut self, address: &str) {
        let (host, address, relayed) = self.add_turn_host(address);
        let server = RelayServer::new(self.start, address, relayed);
        self.relays.push((host, server));
    }

    /// A host for a TURN server, with what it relays at.
    fn add_turn_host(&mut self, address: &str) -> (HostId, SocketAddr, Vec<SocketAddr>) {
        let address = addr(address);
        let relayed: Vec<_> = (49_152..49_172)
            .map(|port| SocketAddr::new(address.ip(), port))
            .collect();
        let all: Vec<_> = relayed.iter().copied().chain([address]).collect();
        let host = self.network.add_host(&all);
        self.network.listen(host, address);
        (host, address, relayed)
    }

    pub(super) fn ask_server(&mut self, host: HostId, datagram: &Datagram) {
        let mut turns = self.turns.iter().map(|(of, _)| of);
        let mut relays = self.relays.iter().map(|(of, _)| of);
        if turns.any(|of| *of == host) || relays.any(|of| *of == host) {
            return self.ask_turn(host, datagram);
        }
        assert!(self.servers.contains(&host));
        let Ok(request) = Message::parse(&datagram.data) else {
            return;
        };
        let mut out = BytesMut::new();
        if stun_codec::respond(&request, datagram.from, &mut out).is_some() {
            self.network.send(host, datagram.to, datagram.from, &out);
        }
    }

    /// What our own server sends.
    pub(super) fn send_relayed(&mut self, host: HostId, sent: Vec<Sent>) {
        for (path, data) in sent {
            match (path.transport, self.clients.get(&path.remote)) {
                (Transport::Udp, _) => self.network.send(host, path.local, path.remote, &data),
                (_, Some(stream)) => self.network.write(*stream, &data),
                (_, None) => {}
            }
        }
    }

    fn ask_turn(&mut self, host: HostId, datagram: &Datagram) {
        let now = self.network.now();
        if let Some((_, server)) = self.relays.iter_mut().find(|(of, _)| *of == host) {
            let Datagram { from, to, data } = datagram;
            let sent = server.handle(now, *from, *to, data);
            return self.send_relayed(host, sent);
        }
        let Some((_, server)) = self.turns.iter_mut().find(|(of, _)| *of == host) else {
            return;
        };
        for (from, to, data) in server.handle(now, datagram.from, datagram.to, &datagram.data) {
            match self.clients.get(&to) {
                Some(stream) => self.network.write(*stream, &data),
                None => self.network.send(host, from, to, &data),
            }
        }
    }

    fn client_of(&self, id: StreamId) -> Option<SocketAddr> {
        let mut clients = self.clients.iter();
        let found = clients.find(|(_, stream)| **stream == id);
        found.map(|(client, _)| *client)
    }

    /// What a server's end of a connection hears.
    pub(super) fn hear_client(&mut self, host: HostId, event: StreamEvent) {
        match event {
            StreamEvent::Accepted { id, remote, .. } => {
                self.clients.insert(remote, id);
                let now = self.network.now();
                if let Some((_, server)) = self.relays.iter_mut().find(|(of, _)| *of == host) {
                    server.accept(now, remote);
                }
            }
            StreamEvent::Data(id, data) => {
                let from = self.client_of(id).expect("accepted");
                let turns = self.turns.iter().map(|(of, server)| (of, server.address));
                let relays = self.relays.iter().map(|(of, server)| (of, server.address));
                let mut servers = turns.chain(relays);
                let (_, to) = servers.find(|(of, _)| **of == host).expect("a server");
                self.ask_turn(host, &Datagram { from, to, data });
            }
            StreamEvent::Closed(id) => {
                let now = self.network.now();
                let Some(from) = self.client_of(id) else {
                    return;
                };
                self.clients.remove(&from);
                if let Some((_, server)) = self.relays.iter_mut().find(|(of, _)| *of == host) {
                    let sent = server.close(now, from);
                    self.send_relayed(host, sent);
                }
            }
            other => panic!("a server hears {other:?}"),
        }
    }
}
