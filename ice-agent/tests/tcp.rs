//! TCP candidates (RFC 6544): two agents, and connections between them in memory.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod net;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Event, Failure, HEADROOM, Handled, Kind, Local, Open, OpenError,
    Path, Protocol, Received, SocketId, State, TAILROOM, TcpKind, Transport, Wanted,
};
use net::{addr, controlled, controlling, ms, origin, seed};

/// What the wires of this test do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wires {
    /// Nobody can listen on the left.
    LeftCannotListen,
    All,
    /// Connections are refused.
    Refuse,
}

struct Pair {
    now: Instant,
    agents: [Agent; 2],
    wires: Wires,
    listeners: [Option<SocketAddr>; 2],
    /// The two ends of each connection: whose, its id, its address.
    connections: Vec<[(usize, SocketId, SocketAddr); 2]>,
    accepted: u64,
    next_port: u16,
    told: [Vec<Candidate>; 2],
    closed: [Vec<SocketId>; 2],
    heard: [Vec<Vec<u8>>; 2],
    failures: [Option<Failure>; 2],
}

impl Pair {
    fn new(left: Config, right: Config, wires: Wires) -> Self {
        let now = origin();
        let agents = [(left, 1), (right, 2)]
            .map(|(config, number)| Agent::new(config, seed(number)).expect("config"));
        let mut pair = Self {
            now,
            agents,
            wires,
            listeners: [None; 2],
            connections: Vec::new(),
            accepted: 0,
            next_port: 30_000,
            told: [const { Vec::new() }; 2],
            closed: [const { Vec::new() }; 2],
            heard: [const { Vec::new() }; 2],
            failures: [None, None],
        };
        for (at, ip) in ["192.0.2.1:0", "198.51.100.1:0"].into_iter().enumerate() {
            let local = Local::Ip(addr(ip).ip());
            pair.agents[at]
                .gather_tcp(now, local)
                .expect("early enough");
            pair.agents[at].end_of_local_candidates(now);
        }
        pair.drain();
        for at in 0..2 {
            let credentials = pair.agents[at].local_credentials().clone();
            pair.agents[1 - at]
                .set_remote_credentials(now, credentials)
                .expect("first");
        }
        pair
    }

    fn address(&self, at: usize) -> SocketAddr {
        addr(["192.0.2.1:7000", "198.51.100.1:7001"][at])
    }

    fn open(&mut self, at: usize, Open { id, what }: Open) {
        let now = self.now;
        match what {
            Wanted::FramedTcpListener { .. }
                if at == 0 && self.wires == Wires::LeftCannotListen =>
            {
                self.agents[at].handle_open_failed(now, id, OpenError::Unsupported);
            }
            Wanted::FramedTcpListener { .. } => {
                let local = self.address(at);
                self.listeners[at] = Some(local);
                self.agents[at].handle_opened(now, id, local);
            }
            Wanted::Tcp { remote, .. } => {
                let there = self.listeners[1 - at] == Some(remote) && self.wires != Wires::Refuse;
                if !there {
                    return self.agents[at].handle_open_failed(now, id, OpenError::Refused);
                }
                self.next_port += 1;
                self.accepted += 1;
                let local = SocketAddr::new(self.address(at).ip(), self.next_port);
                let theirs = SocketId(self.accepted);
                self.connections
                    .push([(at, id, local), (1 - at, theirs, remote)]);
                let path = tcp(theirs, remote, local);
                self.agents[1 - at].handle_accepted(now, path);
                self.agents[at].handle_opened(now, id, local);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Takes out all that the agents have to say, until they have said all.
    fn drain(&mut self) {
        let mut busy = true;
        while busy {
            busy = false;
            for at in 0..2 {
                let mut out = BytesMut::new();
                while let Some(sent) = self.agents[at].poll_transmit(&mut out) {
                    busy = true;
                    self.carry(at, &sent.path, &out[sent.range]);
                }
                while let Some(event) = self.agents[at].poll_event() {
                    busy = true;
                    self.hear(at, event);
                }
            }
        }
    }

    fn hear(&mut self, at: usize, event: Event) {
        match event {
            Event::Open(open) => self.open(at, open),
            Event::Close(close) => {
                self.closed[at].push(close.id);
                let mine = |end: &(usize, SocketId, SocketAddr)| (end.0, end.1) == (at, close.id);
                let ended: Vec<_> = self
                    .connections
                    .extract_if(.., |ends| ends.iter().any(mine))
                    .collect();
                for (other, id, _) in ended.into_iter().flatten().filter(|end| !mine(end)) {
                    self.agents[other].handle_closed(self.now, id);
                }
            }
            Event::LocalCandidate(candidate) => {
                self.told[at].push(candidate.clone());
                let read = candidate.to_string().parse().expect("own");
                let _ = self.agents[1 - at].add_remote_candidate(self.now, read);
            }
            Event::Failed(failure) => self.failures[at] = Some(*failure),
            _ => {}
        }
    }

    fn carry(&mut self, at: usize, path: &Path, frame: &[u8]) {
        assert_eq!(path.transport, Transport::Tcp);
        let ends = self
            .connections
            .iter()
            .find(|ends| ends.iter().any(|end| (end.0, end.1) == (at, path.id)));
        let Some(ends) = ends else { return };
        let ours = ends.iter().find(|end| end.0 == at).expect("ours");
        let theirs = ends.iter().find(|end| end.0 != at).expect("theirs");
        assert_eq!((path.local, path.remote), (ours.2, theirs.2));
        let mut data = frame.to_vec();
        let rx = Received {
            path: tcp(theirs.1, theirs.2, ours.2),
            data: &mut data,
        };
        let other = theirs.0;
        if let Handled::Data { range, .. } = self.agents[other].handle_datagram(self.now, rx) {
            self.heard[other].push(data[range].to_vec());
        }
    }

    fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        self.drain();
        while !done(self) {
            let next = self.agents.iter().filter_map(Agent::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return done(self);
            };
            assert!(next >= self.now);
            self.now = next;
            for agent in &mut self.agents {
                agent.handle_timeout(next);
                assert!(agent.poll_timeout().is_none_or(|at| at > next));
            }
            self.drain();
        }
        true
    }

    fn both(&self, state: State) -> bool {
        self.agents.iter().all(|agent| agent.state() == state)
    }

    fn talks(&mut self) {
        for at in 0..2 {
            let mut buf = vec![0; HEADROOM];
            buf.extend_from_slice(b"words");
            buf.extend_from_slice(&[0; TAILROOM]);
            let sent = self.agents[at]
                .send(self.now, &mut buf, HEADROOM..HEADROOM + 5)
                .expect("sent");
            let frame = buf[sent.range].to_vec();
            self.carry(at, &sent.path, &frame);
            assert_eq!(self.heard[1 - at].pop().expect("heard"), b"words");
        }
    }
}

fn tcp(id: SocketId, local: SocketAddr, remote: SocketAddr) -> Path {
    let transport = Transport::Tcp;
    Path {
        id,
        local,
        remote,
        transport,
    }
}

#[test]
fn an_active_and_a_passive_candidate_meet() {
    for wires in [Wires::All, Wires::LeftCannotListen] {
        let mut pair = Pair::new(controlling(), controlled(), wires);
        assert!(
            pair.run(ms(3000), |pair| pair.both(State::Completed)),
            "{wires:?}"
        );
        pair.talks();
        let kinds: Vec<_> = pair.told[1]
            .iter()
            .map(|one| one.protocol.clone())
            .collect();
        assert_eq!(
            kinds,
            [
                Protocol::Tcp(TcpKind::Passive),
                Protocol::Tcp(TcpKind::Active)
            ]
        );
        let active = pair.told[0].last().expect("one");
        assert_eq!(active.socket_addr(), Some(addr("192.0.2.1:9")));
        // Consent goes over the connection, too, and nothing is sent twice.
        pair.run(Duration::from_secs(120), |pair| {
            !pair.both(State::Completed)
        });
        assert!(pair.both(State::Completed));
        pair.talks();
        let selected = pair.agents[0].selected_pair().expect("a pair");
        assert_eq!(selected.local.protocol, Protocol::Tcp(TcpKind::Active));
    }
}

#[test]
fn a_connection_that_cannot_be_made_fails_its_pair() {
    let mut pair = Pair::new(controlling(), controlled(), Wires::Refuse);
    assert!(pair.run(Duration::from_secs(60), |pair| pair.both(State::Failed)));
    let failure = pair.failures[0].as_ref().expect("a failure");
    assert!(failure.to_string().contains("no connection"), "{failure}");
}

#[test]
fn a_connection_that_ends_takes_its_pair_along() {
    let mut pair = Pair::new(controlling(), controlled(), Wires::All);
    assert!(pair.run(ms(3000), |pair| pair.both(State::Completed)));
    let used = pair.agents[0].selected_pair().expect("a pair");
    let ends = pair.connections.iter().position(|ends| {
        ends.iter()
            .any(|end| used.local.socket_addr().is_some_and(|local| end.2 == local))
            || used.local.kind == Kind::Host
    });
    for (at, id, _) in pair.connections.remove(ends.expect("a connection")) {
        pair.agents[at].handle_closed(pair.now, id);
    }
    // The other direction has a connection of its own, or none is left and the agents look on.
    pair.run(ms(3000), |_| false);
    assert!(pair.agents.iter().all(|agent| !agent.state().is_finished()));
    pair.agents[0].close(pair.now);
    pair.agents[1].close(pair.now);
    pair.drain();
    assert!(pair.connections.is_empty(), "all are closed");
}

#[test]
fn a_restart_makes_new_connections_while_data_goes_on() {
    let mut pair = Pair::new(controlling(), controlled(), Wires::All);
    assert!(pair.run(ms(3000), |pair| pair.both(State::Completed)));
    for at in 0..2 {
        pair.agents[at].restart(pair.now, None).expect("live");
        pair.agents[at].end_of_local_candidates(pair.now);
    }
    pair.talks();
    for at in 0..2 {
        let credentials = pair.agents[at].local_credentials().clone();
        pair.agents[1 - at]
            .set_remote_credentials(pair.now, credentials)
            .expect("new");
    }
    assert!(pair.run(ms(5000), |pair| pair.both(State::Completed)));
    pair.talks();
}

#[test]
fn strangers_are_sent_away_and_bounded() {
    let mut pair = Pair::new(controlling(), controlled(), Wires::All);
    let local = pair.address(0);
    for number in 0..40_u16 {
        let remote = SocketAddr::from(([203, 0, 113, 9], 1000 + number));
        let path = tcp(SocketId(1000 + u64::from(number)), local, remote);
        pair.agents[0].handle_accepted(pair.now, path);
    }
    pair.drain();
    let sent_away = pair.closed[0].iter().filter(|id| id.0 >= 1000).count();
    assert!(sent_away >= 24, "{sent_away}");
    pair.run(Duration::from_secs(11), |_| false);
    let sent_away = pair.closed[0]
        .iter()
        .filter(|id| id.0 >= 1000 && !id.is_asked())
        .count();
    assert_eq!(sent_away, 40);
    assert!(pair.both(State::Completed));
}
