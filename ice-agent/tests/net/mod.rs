//! Agents, STUN and TURN servers on a simulated network. Signalling is a reliable channel with a
//! delay of its own. Connections carry whole frames.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // as in the tests it serves

mod relay;
#[path = "../../../turn-relay/tests/net/server.rs"]
pub(crate) mod turn;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Credentials, Event, Failure, HEADROOM, Handled, Open, OpenError,
    Path, Received, Role, SocketId, State, TAILROOM, Transport, TurnServer, Wanted,
};
use relay::{RelayServer, Sent};
use stun_codec::attribute::{IceControlled, Priority, Username};
use stun_codec::{Builder, IntegrityKey, Message, Method, TransactionId};
use virtual_network::{
    Datagram, Dice, HostId, NatId, NatKind, Network, StreamEvent, StreamId, Weather,
};

#[allow(clippy::disallowed_methods)] // an origin for virtual time
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect(text)
}

pub(crate) fn seed(number: u64) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

/// A round trip of 50 ms, and nothing else happens.
pub(crate) fn quiet() -> Weather {
    Weather::calm(ms(25))
}

/// What signalling brings to a node.
#[derive(Debug, Clone)]
enum Signal {
    Credentials(Credentials),
    /// New credentials, to be answered with new ones.
    Restart(Credentials),
    Candidate(Candidate),
    EndOfCandidates,
}

pub(crate) struct Node {
    pub(crate) agent: Agent,
    pub(crate) host: HostId,
    /// The NAT in front of it.
    pub(crate) nat: Option<NatId>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) states: Vec<State>,
    pub(crate) failure: Option<Failure>,
    pub(crate) selections: usize,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) gathered: bool,
    pub(crate) unresolved: usize,
    pub(crate) received: Vec<Vec<u8>>,
    /// When each state was first reached.
    pub(crate) reached: BTreeMap<&'static str, Instant>,
    /// Candidates are signalled to the other node.
    pub(crate) trickles: bool,
    /// Sockets that the agent asked for and that are open.
    pub(crate) opened: BTreeMap<SocketId, (SocketAddr, Transport)>,
    /// The connections among what it asked for, made or not.
    streams: BTreeMap<StreamId, (SocketId, Path)>,
    /// What it asked for, in all.
    pub(crate) asked: Vec<Wanted>,
    /// How connections end that cannot be made.
    pub(crate) no_streams: Option<OpenError>,
    pub(crate) udp_blocked: Option<Instant>,
    next_port: u16,
}

/// Ports of a host from here on are for sockets that its agent asks for.
const ASKED_PORTS: u16 = 50_000;

/// Connections have ports from here on.
const STREAM_PORTS: u16 = 60_000;

/// The user and the password of every TURN server.
pub(crate) fn login(config: TurnServer) -> TurnServer {
    config.with_credentials(turn::USER, turn::PASSWORD)
}

pub(crate) struct World {
    pub(crate) start: Instant,
    pub(crate) network: Network,
    pub(crate) dice: Dice,
    pub(crate) nodes: Vec<Node>,
    pub(crate) signalling: Duration,
    servers: Vec<HostId>,
    pub(crate) turns: Vec<(HostId, turn::Server)>,
    /// TURN servers of our own.
    relays: Vec<(HostId, RelayServer)>,
    /// Connections to TURN servers: the server's end by the address that it sees.
    clients: BTreeMap<SocketAddr, StreamId>,
    signals: BTreeMap<(Instant, u64), (usize, Signal)>,
    serial: u64,
}

impl World {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        let start = origin();
        Self {
            start,
            network: Network::new(start, seed, weather),
            dice: Dice::new(seed),
            nodes: Vec::new(),
            signalling: ms(20),
            servers: Vec::new(),
            turns: Vec::new(),
            relays: Vec::new(),
            clients: BTreeMap::new(),
            signals: BTreeMap::new(),
            serial: 0,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.network.now()
    }

    pub(crate) fn add_nat(&mut self, public: &str, kind: NatKind) -> NatId {
        self.network.add_nat(public.parse().expect(public), kind)
    }

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

    /// From now on nothing comes out of these hosts over UDP.
    pub(crate) fn block_udp(&mut self, hosts: &'static [&'static str]) {
        self.network.block(move |datagram| {
            let of = datagram.from.ip().to_string();
            hosts.contains(&of.as_str()) && datagram.from.port() < STREAM_PORTS
        });
    }

    pub(crate) fn add(&mut self, config: Config, addresses: &[&str], nat: Option<NatId>) {
        let addresses: Vec<_> = addresses.iter().map(|text| addr(text)).collect();
        let own = addresses[0].ip();
        let asked = (ASKED_PORTS..ASKED_PORTS + 40).chain(STREAM_PORTS..STREAM_PORTS + 40);
        let asked = asked.map(|port| SocketAddr::new(own, port));
        let all: Vec<_> = addresses.iter().copied().chain(asked).collect();
        let host = match nat {
            Some(nat) => self.network.add_host_behind(nat, &all),
            None => self.network.add_host(&all),
        };
        self.nodes.push(Node {
            agent: Agent::new(config, self.dice.seed()).expect("config"),
            host,
            nat,
            addresses,
            states: Vec::new(),
            failure: None,
            selections: 0,
            candidates: Vec::new(),
            gathered: false,
            unresolved: 0,
            received: Vec::new(),
            reached: BTreeMap::new(),
            trickles: true,
            opened: BTreeMap::new(),
            streams: BTreeMap::new(),
            asked: Vec::new(),
            no_streams: None,
            udp_blocked: None,
            next_port: 0,
        });
    }

    /// Adds the hosts of a node to its agent.
    pub(crate) fn gather(&mut self, node: usize) {
        let now = self.now();
        let Node {
            agent, addresses, ..
        } = &mut self.nodes[node];
        for (at, local) in addresses.iter().enumerate() {
            agent
                .add_host(now, SocketId(at as u64), *local)
                .expect("host");
        }
        agent.end_of_local_candidates(now);
        self.drain(node);
    }

    /// Signals the credentials of `from` to the other node after a delay.
    pub(crate) fn signal_credentials(&mut self, from: usize, after: Duration) {
        let credentials = self.nodes[from].agent.local_credentials().clone();
        self.signal(1 - from, after, Signal::Credentials(credentials));
    }

    /// Both nodes gather, and tell each other.
    pub(crate) fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            self.gather(node);
        }
        for node in 0..2 {
            self.signal_credentials(node, self.signalling);
        }
    }

    /// A node restarts, and the other one with it.
    pub(crate) fn restart(&mut self, from: usize) {
        let now = self.now();
        let Node {
            agent, gathered, ..
        } = &mut self.nodes[from];
        agent.restart(now, None).expect("live");
        agent.end_of_local_candidates(now);
        *gathered = false;
        let credentials = agent.local_credentials().clone();
        self.signal(1 - from, self.signalling, Signal::Restart(credentials));
        self.drain(from);
    }

    /// Sends a check of a node that the node itself knows nothing of, as a late one would come.
    pub(crate) fn check_from(&mut self, node: usize, from: SocketAddr, to: SocketAddr) {
        let [ours, theirs] = [node, 1 - node].map(|at| self.nodes[at].agent.local_credentials());
        let name = format!("{}:{}", theirs.ufrag(), ours.ufrag());
        let key = IntegrityKey::short_term(theirs.password());
        let mut out = BytesMut::new();
        Builder::request(&mut out, Method::BINDING, TransactionId([5; 12]))
            .attribute(&Username(&name))
            .attribute(&Priority(1))
            .attribute(&IceControlled(1))
            .integrity(&key)
            .fingerprint()
            .expect("room");
        self.network.send(self.nodes[node].host, from, to, &out);
    }

    fn signal(&mut self, node: usize, after: Duration, signal: Signal) {
        self.serial += 1;
        self.signals
            .insert((self.now() + after, self.serial), (node, signal));
    }

    /// Sends payload on the pair of a node.
    pub(crate) fn send(&mut self, node: usize, payload: &[u8]) -> bool {
        let mut buf = vec![0xee; HEADROOM];
        buf.extend_from_slice(payload);
        buf.extend_from_slice(&[0xee; TAILROOM]);
        let range = HEADROOM..HEADROOM + payload.len();
        let now = self.now();
        match self.nodes[node].agent.send(now, &mut buf, range) {
            Ok(transmit) => {
                self.transmit(node, &transmit.path, &buf[transmit.range]);
                true
            }
            Err(_) => false,
        }
    }

    /// Goes on until `done` or until the time is over; true when done.
    pub(crate) fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + time;
        for _ in 0..1_000_000 {
            if done(self) {
                return true;
            }
            let timers = self
                .nodes
                .iter()
                .filter_map(|node| node.agent.poll_timeout());
            let signal = self.signals.keys().next().map(|(at, _)| *at);
            let relays = self.relays.iter();
            let relays = relays.filter_map(|(_, server)| server.relay.poll_timeout());
            let arrivals = self.network.next_arrival().into_iter().chain(signal);
            let arrivals = arrivals.chain(relays);
            match timers.chain(arrivals).min() {
                Some(next) if next <= end => self.network.advance(next),
                _ => {
                    self.network.advance(end);
                    return done(self);
                }
            }
            self.step();
        }
        panic!("a million steps without an end");
    }

    fn step(&mut self) {
        let now = self.now();
        while let Some(entry) = self.signals.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (node, signal) = entry.remove();
            self.hear_signal(node, signal);
        }
        while let Some((host, datagram)) = self.network.receive() {
            self.arrive(host, datagram);
        }
        while let Some((host, event)) = self.network.receive_stream() {
            self.arrive_stream(host, event);
        }
        for at in 0..self.relays.len() {
            let (host, server) = &mut self.relays[at];
            let (host, sent) = (*host, server.tell_time(now));
            self.send_relayed(host, sent);
        }
        for node in 0..self.nodes.len() {
            let agent = &mut self.nodes[node].agent;
            if agent.poll_timeout().is_some_and(|at| at <= now) {
                agent.handle_timeout(now);
                let next = agent.poll_timeout();
                assert!(
                    next.is_none_or(|at| at > now),
                    "a timeout that was handled is left"
                );
                self.drain(node);
            }
        }
    }

    fn hear_signal(&mut self, node: usize, signal: Signal) {
        let now = self.now();
        let agent = &mut self.nodes[node].agent;
        match signal {
            Signal::Credentials(credentials) => {
                let _ = agent.set_remote_credentials(now, credentials);
            }
            Signal::Restart(credentials) => {
                agent.restart(now, Some(credentials)).expect("new");
                agent.end_of_local_candidates(now);
                self.nodes[node].gathered = false;
                self.signal_credentials(node, self.signalling);
            }
            Signal::Candidate(candidate) => {
                let text = candidate.to_string();
                let _ = agent.add_remote_candidate(now, text.parse().expect("own"));
            }
            Signal::EndOfCandidates => agent.end_of_remote_candidates(now),
        }
        self.drain(node);
    }

    fn arrive(&mut self, host: HostId, datagram: Datagram) {
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

    fn ask_server(&mut self, host: HostId, datagram: &Datagram) {
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
    fn send_relayed(&mut self, host: HostId, sent: Vec<Sent>) {
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

    /// What an end of a connection hears: a node's, or a TURN server's.
    fn arrive_stream(&mut self, host: HostId, event: StreamEvent) {
        if let Some(node) = self.nodes.iter().position(|node| node.host == host) {
            return self.hear_stream(node, event);
        }
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

    fn client_of(&self, id: StreamId) -> Option<SocketAddr> {
        let mut clients = self.clients.iter();
        let found = clients.find(|(_, stream)| **stream == id);
        found.map(|(client, _)| *client)
    }

    fn hear_stream(&mut self, node: usize, event: StreamEvent) {
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

    fn transmit(&mut self, node: usize, path: &Path, data: &[u8]) {
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

    pub(crate) fn state(&self, node: usize) -> State {
        self.nodes[node].agent.state()
    }

    pub(crate) fn both(&self, state: State) -> bool {
        (0..2).all(|node| self.state(node) == state)
    }

    pub(crate) fn is_over(&self) -> bool {
        let over = |state: State| state.is_finished() || state == State::Completed;
        (0..2).all(|node| over(self.state(node)))
    }

    /// Whether each side's local address is the other's remote one.
    pub(crate) fn same_pair(&self) -> bool {
        let pairs = [0, 1].map(|node| self.nodes[node].agent.selected_pair());
        let [Some(one), Some(other)] = pairs else {
            return false;
        };
        one.local.address == other.remote.address && one.remote.address == other.local.address
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now() - self.start
    }
}

pub(crate) fn controlling() -> Config {
    Config {
        role: Role::Controlling,
        ..Config::default()
    }
}

pub(crate) fn controlled() -> Config {
    Config::default()
}
