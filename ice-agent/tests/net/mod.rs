//! Agents, STUN and TURN servers on a simulated network. Signalling is a reliable channel with a
//! delay of its own. Connections carry whole frames.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // as in the tests it serves

mod driver;
mod relay;
mod servers;
#[path = "../../../turn-relay/tests/net/server.rs"]
pub(crate) mod turn;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Credentials, Failure, HEADROOM, OpenError, Path, Role, SocketId,
    State, TAILROOM, Transport, TurnServer, Wanted,
};
use relay::RelayServer;
use stun_codec::attribute::{IceControlled, Priority, Username};
use stun_codec::{Builder, IntegrityKey, Method, TransactionId};
use virtual_network::{Dice, HostId, NatId, NatKind, Network, StreamId, Weather};

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
