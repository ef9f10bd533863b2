//! A small internet in virtual time: agents, NATs and STUN servers, joined by links that lose,
//! duplicate, delay and reorder. Signalling is a reliable channel with a delay of its own.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // as in the tests it serves

pub(crate) mod nat;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Credentials, Event, Failure, Handled, Path, Received, Role, SocketId,
    State, Transport,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use stun_codec::Message;

use nat::Nat;

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

/// What a link does to each datagram. Rates are in percent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) delay: Duration,
    /// Added to the delay, up to this much at random: datagrams overtake one another.
    pub(crate) jitter: Duration,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            loss: 0,
            duplicate: 0,
            delay: ms(25),
            jitter: ms(0),
        }
    }
}

/// A datagram under way, as the public internet or one private network sees it.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Happening {
    /// Arrives at a node, after any NAT.
    Arrive {
        node: usize,
        datagram: Datagram,
    },
    /// Signalling reaches a node.
    Credentials {
        node: usize,
        credentials: Credentials,
    },
    Candidate {
        node: usize,
        candidate: Candidate,
    },
    EndOfCandidates {
        node: usize,
    },
}

pub(crate) struct Node {
    pub(crate) agent: Agent,
    pub(crate) addresses: Vec<SocketAddr>,
    /// The NAT in front of it, if any.
    pub(crate) nat: Option<usize>,
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
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) link: Link,
    pub(crate) nodes: Vec<Node>,
    pub(crate) nats: Vec<Nat>,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) signalling: Duration,
    /// Datagrams for which this is true are dropped, beside what the link loses.
    pub(crate) block: fn(&World, &Datagram) -> bool,
    pub(crate) sent: u64,
    random: ChaCha20Rng,
    queue: BTreeMap<(Instant, u64), Happening>,
    serial: u64,
}

impl World {
    pub(crate) fn new(number: u64, link: Link) -> Self {
        let start = origin();
        Self {
            now: start,
            start,
            link,
            nodes: Vec::new(),
            nats: Vec::new(),
            servers: Vec::new(),
            signalling: ms(20),
            block: |_, _| false,
            sent: 0,
            random: ChaCha20Rng::from_seed(seed(number)),
            queue: BTreeMap::new(),
            serial: 0,
        }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound.max(1)
    }

    pub(crate) fn add(&mut self, config: Config, addresses: &[&str], nat: Option<usize>) -> usize {
        let mut bytes = [0; 32];
        self.random.fill_bytes(&mut bytes);
        let node = self.nodes.len();
        self.nodes.push(Node {
            agent: Agent::new(config, bytes).expect("config"),
            addresses: addresses.iter().map(|text| addr(text)).collect(),
            nat,
            states: Vec::new(),
            failure: None,
            selections: 0,
            candidates: Vec::new(),
            gathered: false,
            unresolved: 0,
            received: Vec::new(),
            reached: BTreeMap::new(),
            trickles: true,
        });
        node
    }

    /// Adds the hosts of a node to its agent.
    pub(crate) fn gather(&mut self, node: usize) {
        let now = self.now;
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
        self.at(
            self.now + after,
            Happening::Credentials {
                node: 1 - from,
                credentials,
            },
        );
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

    fn at(&mut self, when: Instant, happening: Happening) {
        self.serial += 1;
        self.queue.insert((when, self.serial), happening);
    }

    /// Injects a datagram as if it had arrived.
    pub(crate) fn inject(&mut self, node: usize, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        let datagram = Datagram {
            from,
            to,
            data: data.to_vec(),
        };
        self.at(self.now, Happening::Arrive { node, datagram });
    }

    /// Sends payload on the pair of a node.
    pub(crate) fn send(&mut self, node: usize, payload: &[u8]) -> bool {
        let mut buf = payload.to_vec();
        let len = buf.len();
        match self.nodes[node].agent.send(self.now, &mut buf, 0..len) {
            Ok(transmit) => {
                self.transmit(node, &transmit.path, &buf[transmit.range]);
                true
            }
            Err(_) => false,
        }
    }

    /// Goes on until `done` or until the time is over; true when done.
    pub(crate) fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        for _ in 0..1_000_000 {
            if done(self) {
                return true;
            }
            let timers = self
                .nodes
                .iter()
                .filter_map(|node| node.agent.poll_timeout());
            let next = self
                .queue
                .keys()
                .map(|(at, _)| *at)
                .take(1)
                .chain(timers)
                .min();
            match next {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => {
                    self.now = end;
                    return done(self);
                }
            }
            self.step();
        }
        panic!("a million steps without an end");
    }

    fn step(&mut self) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let happening = entry.remove();
            self.happen(happening);
        }
        for node in 0..self.nodes.len() {
            let agent = &mut self.nodes[node].agent;
            if agent.poll_timeout().is_some_and(|at| at <= self.now) {
                agent.handle_timeout(self.now);
                let next = agent.poll_timeout();
                assert!(
                    next.is_none_or(|at| at > self.now),
                    "a timeout that was handled is left"
                );
                self.drain(node);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        let node = match happening {
            Happening::Arrive { node, datagram } => {
                self.arrive(node, datagram);
                node
            }
            Happening::Credentials { node, credentials } => {
                let _ = self.nodes[node]
                    .agent
                    .set_remote_credentials(now, credentials);
                node
            }
            Happening::Candidate { node, candidate } => {
                let text = candidate.to_string();
                let _ = self.nodes[node]
                    .agent
                    .add_remote_candidate(now, text.parse().expect("own"));
                node
            }
            Happening::EndOfCandidates { node } => {
                self.nodes[node].agent.end_of_remote_candidates(now);
                node
            }
        };
        self.drain(node);
    }

    fn arrive(&mut self, node: usize, datagram: Datagram) {
        let Node {
            agent,
            addresses,
            received,
            ..
        } = &mut self.nodes[node];
        let Some(socket) = addresses.iter().position(|local| *local == datagram.to) else {
            return;
        };
        let mut data = datagram.data;
        let path = Path {
            id: SocketId(socket as u64),
            local: datagram.to,
            remote: datagram.from,
            transport: Transport::Udp,
        };
        let handled = agent.handle_datagram(
            self.now,
            Received {
                path,
                data: &mut data,
            },
        );
        if let Handled::Data { from, range } = handled {
            assert_eq!(from, datagram.from);
            received.push(data[range].to_vec());
        }
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
        let (now, after) = (self.now, self.signalling);
        let peer = 1 - node;
        let trickles = self.nodes[node].trickles;
        let this = &mut self.nodes[node];
        match event {
            Event::LocalCandidate(candidate) => {
                assert!(!this.gathered, "a candidate after the end");
                this.candidates.push(candidate.clone());
                if trickles {
                    self.at(
                        now + after,
                        Happening::Candidate {
                            node: peer,
                            candidate,
                        },
                    );
                }
            }
            Event::GatheringComplete => {
                this.gathered = true;
                self.at(now + after, Happening::EndOfCandidates { node: peer });
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
            _ => {}
        }
    }

    fn transmit(&mut self, node: usize, path: &Path, data: &[u8]) {
        self.sent += 1;
        assert!(
            !self.nodes[node].agent.state().is_finished(),
            "sent after the end"
        );
        let datagram = Datagram {
            from: path.local,
            to: path.remote,
            data: data.to_vec(),
        };
        if (self.block)(self, &datagram) {
            return;
        }
        let copies = 1 + u64::from(self.below(100) < self.link.duplicate);
        for _ in 0..copies {
            if self.below(100) >= self.link.loss {
                self.route(node, datagram.clone());
            }
        }
    }

    /// Carries a datagram of a node to where it goes.
    fn route(&mut self, node: usize, mut datagram: Datagram) {
        let realm = self.nodes[node].nat;
        let jitter = self.link.jitter.as_micros() as u64;
        let delay = self.link.delay + Duration::from_micros(self.below(jitter));
        // Within one private network, or between two public nodes.
        if let Some(near) = self.node_at(datagram.to, realm) {
            self.at(
                self.now + delay,
                Happening::Arrive {
                    node: near,
                    datagram,
                },
            );
            return;
        }
        if let Some(nat) = realm {
            datagram.from = self.nats[nat].outbound(datagram.from, datagram.to);
        }
        if self.servers.contains(&datagram.to) {
            self.ask_server(datagram, delay);
            return;
        }
        self.deliver(datagram, delay);
    }

    /// Carries a datagram over the public internet.
    fn deliver(&mut self, mut datagram: Datagram, delay: Duration) {
        let nat = self
            .nats
            .iter()
            .position(|nat| nat.public == datagram.to.ip());
        if let Some(nat) = nat {
            let Some(inner) = self.nats[nat].inbound(datagram.from, datagram.to) else {
                return;
            };
            datagram.to = inner;
        }
        if let Some(node) = self.node_at(datagram.to, nat) {
            self.at(self.now + delay, Happening::Arrive { node, datagram });
        }
    }

    fn ask_server(&mut self, datagram: Datagram, delay: Duration) {
        let Ok(request) = Message::parse(&datagram.data) else {
            return;
        };
        let mut out = BytesMut::new();
        if stun_codec::respond(&request, datagram.from, &mut out).is_some() {
            let (from, to, data) = (datagram.to, datagram.from, out.to_vec());
            self.deliver(Datagram { from, to, data }, delay * 2);
        }
    }

    fn node_at(&self, address: SocketAddr, realm: Option<usize>) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.nat == realm && node.addresses.contains(&address))
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
        self.now - self.start
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
