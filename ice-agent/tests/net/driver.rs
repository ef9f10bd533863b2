//! The driver of the agents: it hands in what arrives, takes out what they say, and opens what they ask
//! for.

use std::net::SocketAddr;

use bytes::BytesMut;
use ice_agent::{
    Event, Handled, Open, OpenError, Path, Received, SocketId, State, Transport, Wanted,
};
use virtual_network::{Datagram, HostId, StreamEvent};

use super::{ASKED_PORTS, Node, STREAM_PORTS, Signal, World};

impl World {
    pub(super) fn arrive(&mut self, host: HostId, datagram: Datagram) {
        let now = self.now();
        let Some(node) = self.nodes.iter().position(|node| node.host == host) else {
            return self.ask_server(host, &datagram);
        };
        let opened = &self.nodes[node].opened;
        let asked = opened.iter().find(|(_, (local, _))| *local == datagram.to);
        let asked = asked.map(|(id, (_, transport))| (*id, *transport));
        let Node {
            agent,
            addresses,
            received,
            ..
        } = &mut self.nodes[node];
        let socket = addresses.iter().position(|local| *local == datagram.to);
        let bound = socket.map(|at| (SocketId(at as u64), Transport::Udp));
        // A socket that is closed meanwhile hears nothing.
        let Some((id, transport)) = bound.or(asked) else {
            return;
        };
        let mut data = datagram.data;
        let path = Path {
            id,
            local: datagram.to,
            remote: datagram.from,
            transport,
        };
        let rx = Received {
            path,
            data: &mut data,
        };
        if let Handled::Data { from, range } = agent.handle_datagram(now, rx) {
            assert!(asked.is_some() || from == datagram.from);
            received.push(data[range].to_vec());
        }
        self.drain(node);
    }

    pub(super) fn hear_stream(&mut self, node: usize, event: StreamEvent) {
        let now = self.now();
        let this = &mut self.nodes[node];
        let path_of = |id| this.streams.get(&id).copied();
        match event {
            StreamEvent::Connected(id) => {
                if let Some((socket, path)) = path_of(id) {
                    let opened = (path.local, path.transport);
                    this.opened.insert(socket, opened);
                    this.agent.handle_opened(now, socket, path.local);
                }
            }
            StreamEvent::Refused(id) | StreamEvent::TimedOut(id) => {
                let error = match event {
                    StreamEvent::Refused(_) => OpenError::Refused,
                    _ => OpenError::TimedOut,
                };
                if let Some((socket, _)) = path_of(id) {
                    this.agent.handle_open_failed(now, socket, error);
                }
            }
            StreamEvent::Data(id, mut data) => {
                if let Some((_, path)) = path_of(id) {
                    let data = &mut data[..];
                    let handled = this.agent.handle_datagram(now, Received { path, data });
                    if let Handled::Data { range, .. } = handled {
                        this.received.push(data[range].to_vec());
                    }
                }
            }
            StreamEvent::Closed(id) => {
                if let Some((socket, _)) = this.streams.remove(&id) {
                    this.opened.remove(&socket);
                    this.agent.handle_closed(now, socket);
                }
            }
            other => panic!("a node hears {other:?}"),
        }
        self.drain(node);
    }

    /// Takes out what an agent has to say.
    pub(crate) fn drain(&mut self, node: usize) {
        let mut out = BytesMut::new();
        loop {
            out.clear();
            let Some(transmit) = self.nodes[node].agent.poll_transmit(&mut out) else {
                break;
            };
            self.transmit(node, &transmit.path, &out[transmit.range]);
        }
        while let Some(event) = self.nodes[node].agent.poll_event() {
            self.hear(node, event);
        }
        let finished = self.nodes[node].agent.state().is_finished();
        assert!(!finished || self.nodes[node].agent.poll_timeout().is_none());
    }

    fn hear(&mut self, node: usize, event: Event) {
        let (now, after) = (self.now(), self.signalling);
        let this = &mut self.nodes[node];
        match event {
            Event::LocalCandidate(candidate) => {
                assert!(!this.gathered, "a candidate after the end");
                this.candidates.push(candidate.clone());
                if this.trickles {
                    self.signal(1 - node, after, Signal::Candidate(candidate));
                }
            }
            Event::GatheringComplete => {
                this.gathered = true;
                self.signal(1 - node, after, Signal::EndOfCandidates);
            }
            Event::StateChanged(state) => {
                this.states.push(state);
                let name = match state {
                    State::Connected => "connected",
                    State::Completed => "completed",
                    State::Failed => "failed",
                    _ => "other",
                };
                this.reached.entry(name).or_insert(now);
            }
            Event::SelectedPair(_) => this.selections += 1,
            Event::Failed(failure) => this.failure = Some(*failure),
            Event::Unresolved(_) => this.unresolved += 1,
            Event::UdpBlocked => this.udp_blocked = Some(now),
            Event::Open(open) => self.open(node, open),
            Event::Close(close) => {
                this.opened.remove(&close.id);
                let streams = &mut this.streams;
                let stream = streams.iter().find(|(_, (id, _))| *id == close.id);
                if let Some(stream) = stream.map(|(stream, _)| *stream) {
                    streams.remove(&stream);
                    self.network.shut(stream);
                }
            }
            _ => {}
        }
    }

    /// Opens what an agent asks for: sockets at once, connections as the network makes them.
    fn open(&mut self, node: usize, Open { id, what }: Open) {
        let now = self.now();
        let this = &mut self.nodes[node];
        this.asked.push(what.clone());
        let ip = this.addresses[0].ip();
        let port = this.next_port;
        this.next_port += 1;
        let connection = match what {
            Wanted::Tcp { remote, .. } => Some((remote, Transport::Tcp)),
            Wanted::Tls { remote, .. } => Some((remote, Transport::Tls)),
            _ => None,
        };
        match (connection, this.no_streams.clone()) {
            (None, _) => {
                let local = SocketAddr::new(ip, ASKED_PORTS + port);
                this.opened.insert(id, (local, Transport::Udp));
                this.agent.handle_opened(now, id, local);
            }
            (Some(_), Some(error)) => this.agent.handle_open_failed(now, id, error),
            (Some((remote, transport)), None) => {
                let local = SocketAddr::new(ip, STREAM_PORTS + port);
                let path = Path {
                    id,
                    local,
                    remote,
                    transport,
                };
                let stream = self.network.connect(this.host, local, remote);
                this.streams.insert(stream, (id, path));
            }
        }
        self.drain(node);
    }

    pub(super) fn transmit(&mut self, node: usize, path: &Path, data: &[u8]) {
        let Node { agent, host, .. } = &self.nodes[node];
        let turns = self.turns.iter().map(|(_, server)| server.address);
        let relays = self.relays.iter().map(|(_, server)| server.address);
        let farewell = turns.chain(relays).any(|server| server == path.remote);
        assert!(
            !agent.state().is_finished() || farewell,
            "sent after the end"
        );
        if path.transport == Transport::Udp {
            self.network.send(*host, path.local, path.remote, data);
        } else {
            let streams = &self.nodes[node].streams;
            let stream = streams.iter().find(|(_, (id, _))| *id == path.id);
            let stream = *stream.expect("a connection").0;
            self.network.write(stream, data);
        }
    }

    /// What an end of a connection hears: a node's, or a TURN server's.
    pub(super) fn arrive_stream(&mut self, host: HostId, event: StreamEvent) {
        match self.nodes.iter().position(|node| node.host == host) {
            Some(node) => self.hear_stream(node, event),
            None => self.hear_client(host, event),
        }
    }
}
