//! Two agents with a TURN server, over UDP or TCP, and between them all somebody who loses, repeats,
//! changes and reorders what is under way, opens their sockets or does not, and has them restart: no
//! panic, nothing is sent on a socket that is not open, no timeout in the past, and none once it is over.
//!
//! Input: a byte of settings, then operations of two bytes: what to do, and its operand.
#![no_main]

#[allow(dead_code)]
#[path = "../../turn-relay/tests/net/server.rs"]
mod turn;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Event, Family, HEADROOM, Kinds, Local, Mode, Open, OpenError, Path,
    Policy, Received, Role, SocketId, TAILROOM, Transport, TurnServer, Wanted,
};
use libfuzzer_sys::fuzz_target;
use stun_codec::Method;

const HOSTS: [&str; 2] = ["192.0.2.1:5000", "192.0.2.2:5000"];
const SERVER: &str = "192.0.2.9:3478";

/// Most datagrams under way.
const UNDER_WAY: usize = 128;

struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    data: Vec<u8>,
}

/// An agent and what its driver knows.
struct Side {
    agent: Agent,
    open: BTreeMap<SocketId, (SocketAddr, Transport)>,
    wanted: VecDeque<Open>,
    candidates: VecDeque<Candidate>,
    next_port: u16,
}

struct World {
    sides: [Side; 2],
    server: turn::Server,
    under_way: VecDeque<Flight>,
    now: Instant,
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("address")
}

fn config(side: u8, settings: u8) -> Config {
    let is_set = |bit: u8| settings & (1 << bit) != 0;
    let server = match is_set(4) {
        true => TurnServer::tcp(addr(SERVER)),
        false => TurnServer::udp(addr(SERVER)),
    };
    let (mode, role) = match (side == 1 && is_set(7), is_set(side)) {
        (true, _) => (Mode::Lite, Role::Controlled),
        (false, true) => (Mode::Full, Role::Controlling),
        (false, false) => (Mode::Full, Role::Controlled),
    };
    let kinds = match is_set(2 + side) {
        true => Kinds::RELAY_ONLY,
        false => Kinds::ALL,
    };
    Config {
        role,
        mode,
        policy: Policy {
            kinds,
            ..Policy::default()
        },
        turn_servers: vec![server.with_credentials(turn::USER, turn::PASSWORD)],
        max_pairs: 12,
        max_remote_candidates: 8,
        ..Config::default()
    }
}

impl World {
    fn new(settings: u8) -> Option<Self> {
        #[allow(clippy::disallowed_methods)] // an origin for virtual time
        let now = Instant::now();
        let relayed = (49_152..49_160).map(|port| SocketAddr::new(addr(SERVER).ip(), port));
        let mut server = turn::Server::new(now, addr(SERVER), relayed.collect());
        if settings & 1 << 5 != 0 {
            server.rules.refuse = Some((Method::CREATE_PERMISSION, 403));
        }
        if settings & 1 << 6 != 0 {
            server.rules.nonce_life = Duration::from_secs(3);
            server.rules.lifetime = 60;
        }
        let mut sides = Vec::new();
        for (side, host) in [(0, HOSTS[0]), (1, HOSTS[1])] {
            let mut agent = Agent::new(config(side, settings), [side; 32]).ok()?;
            let _ = agent.add_host(now, SocketId(0), addr(host));
            sides.push(Side {
                agent,
                open: BTreeMap::from([(SocketId(0), (addr(host), Transport::Udp))]),
                wanted: VecDeque::new(),
                candidates: VecDeque::new(),
                next_port: 6000,
            });
        }
        let sides = sides.try_into().ok()?;
        let under_way = VecDeque::new();
        Some(Self {
            sides,
            server,
            under_way,
            now,
        })
    }

    /// Takes out what the agents have to say, and holds them to what they promise.
    fn settle(&mut self) {
        for side in &mut self.sides {
            let mut out = BytesMut::new();
            while let Some(sent) = side.agent.poll_transmit(&mut out) {
                let path = sent.path;
                let open = side.open.get(&path.id).copied();
                assert_eq!(open, Some((path.local, path.transport)), "{path:?}");
                if self.under_way.len() < UNDER_WAY {
                    self.under_way.push_back(Flight {
                        from: path.local,
                        to: path.remote,
                        data: out[sent.range].to_vec(),
                    });
                }
            }
            while let Some(event) = side.agent.poll_event() {
                match event {
                    Event::Open(open) => side.wanted.push_back(open),
                    Event::Close(close) => {
                        side.open.remove(&close.id);
                        side.wanted.retain(|open| open.id != close.id);
                    }
                    Event::LocalCandidate(candidate) => side.candidates.push_back(candidate),
                    _ => {}
                }
            }
            side.agent.handle_timeout(self.now);
            let next = side.agent.poll_timeout();
            assert!(next.is_none_or(|at| at > self.now));
            assert!(next.is_none() || !side.agent.state().is_finished());
        }
    }

    fn deliver(&mut self, mut flight: Flight, intact: bool) {
        let Flight { from, to, .. } = flight;
        if to.ip() == self.server.address.ip() {
            // What was changed it would drop without a word.
            if intact || to != self.server.address {
                for (from, to, data) in self.server.handle(self.now, from, to, &flight.data) {
                    self.under_way.push_back(Flight { from, to, data });
                }
            }
            return;
        }
        for side in &mut self.sides {
            let mut open = side.open.iter();
            let Some((id, (local, transport))) = open.find(|(_, (local, _))| *local == to) else {
                continue;
            };
            let path = Path {
                id: *id,
                local: *local,
                remote: from,
                transport: *transport,
            };
            let data = &mut flight.data;
            let _ = side
                .agent
                .handle_datagram(self.now, Received { path, data });
        }
    }

    fn step(&mut self, operation: u8, operand: u8) {
        let at = usize::from(operation & 1);
        match (operation >> 1) % 10 {
            0 => {
                let credentials = self.sides[at].agent.local_credentials().clone();
                let peer = &mut self.sides[1 - at].agent;
                let _ = peer.set_remote_credentials(self.now, credentials);
            }
            1 => {
                if let Some(candidate) = self.sides[at].candidates.pop_front() {
                    let peer = &mut self.sides[1 - at].agent;
                    let _ = peer.add_remote_candidate(self.now, candidate);
                }
            }
            2 | 3 => {
                for _ in 0..=operand % 8 {
                    if let Some(flight) = self.under_way.pop_front() {
                        self.deliver(flight, true);
                        self.settle();
                    }
                }
            }
            4 => drop(self.under_way.pop_front()),
            5 => {
                if let Some(Flight { from, to, data }) = self.under_way.front() {
                    let (from, to, data) = (*from, *to, data.clone());
                    self.deliver(Flight { from, to, data }, true);
                }
            }
            6 => {
                if let Some(mut flight) = self.under_way.pop_front() {
                    let place = usize::from(operand) % flight.data.len().max(1);
                    if let Some(byte) = flight.data.get_mut(place) {
                        *byte ^= 1 << (operand % 8);
                    }
                    self.deliver(flight, false);
                }
            }
            7 => self.sides[at].answer(self.now, operand),
            8 => self.now += Duration::from_millis(u64::from(operand) * u64::from(operand)),
            _ => self.disturb(at, operand),
        }
    }

    fn disturb(&mut self, at: usize, operand: u8) {
        let (now, side) = (self.now, &mut self.sides[at]);
        match operand % 8 {
            0 => drop(side.agent.restart(now, None)),
            1 => {
                let count = side.open.len().max(1);
                let lost = side.open.keys().nth(usize::from(operand >> 3) % count);
                if let Some(id) = lost.copied() {
                    side.open.remove(&id);
                    side.agent.handle_closed(now, id);
                }
            }
            2 => side.agent.end_of_local_candidates(now),
            3 => {
                let mut buffer = [0x80; HEADROOM + 20 + TAILROOM];
                let payload = HEADROOM..HEADROOM + 20;
                if let Ok(sent) = side.agent.send(now, &mut buffer, payload) {
                    let path = sent.path;
                    let open = side.open.get(&path.id).copied();
                    assert_eq!(open, Some((path.local, path.transport)), "{path:?}");
                    self.under_way.push_back(Flight {
                        from: path.local,
                        to: path.remote,
                        data: buffer[sent.range].to_vec(),
                    });
                }
            }
            4 if operand > 240 => side.agent.close(now),
            4 => self.server.allocations.clear(),
            5 => self
                .under_way
                .rotate_left(usize::from(!self.under_way.is_empty())),
            6 => self.server.forget_nonce(now),
            _ => drop(side.agent.gather(now, Local::Family(Family::V4))),
        }
    }
}

impl Side {
    /// The driver answers about the socket that was asked for first.
    fn answer(&mut self, now: Instant, operand: u8) {
        let Some(Open { id, what }) = self.wanted.pop_front() else {
            return;
        };
        if operand % 8 == 7 {
            return self.agent.handle_open_failed(now, id, OpenError::Refused);
        }
        let transport = match what {
            Wanted::Udp { .. } => Transport::Udp,
            Wanted::Tcp { .. } => Transport::Tcp,
            _ => Transport::Tls,
        };
        let ip = self.open.values().next().map(|(local, _)| local.ip());
        let ip = ip.unwrap_or_else(|| addr(HOSTS[0]).ip());
        let local = SocketAddr::new(ip, self.next_port);
        self.next_port += 1;
        self.open.insert(id, (local, transport));
        self.agent.handle_opened(now, id, local);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((settings, script)) = data.split_first() else {
        return;
    };
    let Some(mut world) = World::new(*settings) else {
        return;
    };
    world.settle();
    for &[operation, operand] in script.as_chunks().0 {
        world.step(operation, operand);
        world.settle();
    }
});
