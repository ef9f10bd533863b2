//! Two agents, and between them somebody who loses, delays, repeats, changes and invents
//! datagrams while time passes: no panic, no timeout in the past, and none once it is over.
//!
//! Input: a byte for the roles, then operations of two bytes: what to do, and its operand.
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Config, Family, Local, OpenError, Path, Received, Role, SocketId, Transport,
};
use libfuzzer_sys::fuzz_target;

const HOSTS: [&str; 2] = ["192.0.2.1:5000", "192.0.2.2:5000"];

/// Most datagrams that the adversary holds back.
const HELD: usize = 64;

struct Between {
    agents: [Agent; 2],
    now: Instant,
    held: [VecDeque<Vec<u8>>; 2],
}

impl Between {
    fn new(roles: u8) -> Self {
        let role = |bit: u8| match roles & bit {
            0 => Role::Controlled,
            _ => Role::Controlling,
        };
        let agent = |side: u8| {
            let config = Config {
                role: role(1 << side),
                max_pairs: 8,
                ..Config::default()
            };
            Agent::new(config, [side; 32]).expect("config")
        };
        #[allow(clippy::disallowed_methods)] // an origin for virtual time
        let now = Instant::now();
        let mut between = Self {
            agents: [agent(0), agent(1)],
            now,
            held: Default::default(),
        };
        for side in 0..2 {
            let host = host(side);
            between.agents[side]
                .add_host(now, SocketId(0), host)
                .expect("host");
        }
        between
    }

    fn hand(&mut self, side: usize, remote: SocketAddr, mut data: Vec<u8>) {
        let local = host(side);
        let path = Path {
            id: SocketId(0),
            local,
            remote,
            transport: Transport::Udp,
        };
        let rx = Received {
            path,
            data: &mut data,
        };
        let _ = self.agents[side].handle_datagram(self.now, rx);
    }

    fn settle(&mut self) {
        for side in 0..2 {
            let agent = &mut self.agents[side];
            let mut out = BytesMut::new();
            while let Some(sent) = agent.poll_transmit(&mut out) {
                let held = &mut self.held[side];
                if held.len() < HELD {
                    held.push_back(out[sent.range].to_vec());
                }
            }
            while agent.poll_event().is_some() {}
            agent.handle_timeout(self.now);
            assert!(agent.poll_timeout().is_none_or(|at| at > self.now));
            assert_eq!(agent.state().is_finished(), agent.poll_timeout().is_none());
        }
    }

    fn step(&mut self, operation: u8, operand: u8) {
        let side = usize::from(operation & 1);
        let peer = 1 - side;
        match (operation >> 1) % 8 {
            0 => {
                let credentials = self.agents[side].local_credentials().clone();
                let _ = self.agents[peer].set_remote_credentials(self.now, credentials);
            }
            1 => {
                let text = format!("{operand} 1 udp {} {} typ host", 1 + u32::from(operand), {
                    let host = host(side);
                    format!("{} {}", host.ip(), host.port() + u16::from(operand % 4))
                });
                let candidate = text.parse().expect("sound");
                let _ = self.agents[peer].add_remote_candidate(self.now, candidate);
            }
            2 | 3 => {
                // Deliver, perhaps from another port.
                if let Some(data) = self.held[side].pop_front() {
                    let mut from = host(side);
                    from.set_port(from.port() + u16::from(operand % 8 == 7));
                    self.hand(peer, from, data);
                }
            }
            4 => {
                if let Some(data) = self.held[side].front().cloned() {
                    self.hand(peer, host(side), data);
                }
            }
            5 if operand % 4 == 3 => drop(self.agents[side].restart(self.now, None)),
            5 if operand % 8 == 1 => {
                // A socket is asked for, opened or refused or forgotten, and perhaps lost.
                let (agent, now) = (&mut self.agents[side], self.now);
                if let Ok(id) = agent.gather(now, Local::Family(Family::V4)) {
                    let local = SocketAddr::new(host(side).ip(), 4000 + u16::from(operand));
                    match operand >> 3 & 3 {
                        0 => agent.handle_opened(now, id, local),
                        1 => agent.handle_open_failed(now, id, OpenError::Refused),
                        2 => agent.handle_closed(now, id),
                        _ => {}
                    }
                }
            }
            5 if operand % 16 == 5 => self.agents[side].handle_closed(self.now, SocketId(0)),
            5 => drop(self.held[side].pop_front()),
            6 => {
                if let Some(mut data) = self.held[side].pop_front() {
                    let at = usize::from(operand) % data.len().max(1);
                    if let Some(byte) = data.get_mut(at) {
                        *byte ^= 1 << (operand % 8);
                    }
                    self.hand(peer, host(side), data);
                }
            }
            _ => {
                self.now += Duration::from_millis(u64::from(operand) * u64::from(operand));
                self.agents[side].handle_timeout(self.now);
            }
        }
    }
}

fn host(side: usize) -> SocketAddr {
    HOSTS[side].parse().expect("address")
}

fuzz_target!(|data: &[u8]| {
    let Some((roles, script)) = data.split_first() else {
        return;
    };
    let mut between = Between::new(*roles);
    for &[operation, operand] in script.as_chunks().0 {
        between.step(operation, operand);
        between.settle();
    }
    for side in 0..2 {
        between.hand(side, host(1 - side), script.to_vec());
    }
});
