//! Our crate.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{Agent, Config, Event, Path, Received, Role, SocketId, State};

use crate::contender::{Hosts, Pair, address};

pub(crate) struct Ours {
    agents: [Agent; 2],
    hosts: Hosts,
    packet: BytesMut,
}

impl Pair for Ours {
    fn new(hosts: Hosts, now: Instant) -> Self {
        let mut agents = [0, 1].map(|side| agent(side, hosts.each, now));
        for side in [0, 1] {
            let credentials = agents[side].local_credentials().clone();
            let told = agents[1 - side].set_remote_credentials(now, credentials);
            assert_eq!(told, Ok(()));
            while let Some(event) = agents[side].poll_event() {
                if let Event::LocalCandidate(candidate) = event {
                    let told = agents[1 - side].add_remote_candidate(now, candidate);
                    assert_eq!(told, Ok(()));
                }
            }
        }
        Self {
            agents,
            hosts,
            packet: BytesMut::with_capacity(256),
        }
    }

    fn exchange(&mut self, side: usize, now: Instant) -> usize {
        let [one, two] = &mut self.agents;
        let (from, to) = if side == 0 { (one, two) } else { (two, one) };
        let mut count = 0;
        self.packet.clear();
        while let Some(sent) = from.poll_transmit(&mut self.packet) {
            count += 1;
            let (local, remote) = (sent.path.local, sent.path.remote);
            if self.hosts.carry(local, remote) {
                let path = Path {
                    id: socket(remote),
                    local: remote,
                    remote: local,
                    ..sent.path
                };
                let data = &mut self.packet[sent.range];
                let _ = to.handle_datagram(now, Received { path, data });
            }
            self.packet.clear();
        }
        count
    }

    fn due(&mut self) -> Instant {
        let due = self.agents.iter().filter_map(Agent::poll_timeout).min();
        due.expect("a timeout")
    }

    fn tell_time(&mut self, now: Instant) {
        for agent in &mut self.agents {
            agent.handle_timeout(now);
            while agent.poll_event().is_some() {}
        }
    }

    fn is_done(&mut self) -> bool {
        let done = |agent: &Agent| agent.state() == State::Completed;
        self.agents.iter().all(done)
    }
}

fn agent(side: usize, hosts: usize, now: Instant) -> Agent {
    let config = Config {
        role: [Role::Controlling, Role::Controlled][side],
        ..Config::default()
    };
    let mut agent = Agent::new(config, [side as u8; 32]).expect("a configuration");
    for host in 0..hosts {
        let local = address(side, host);
        let added = agent.add_host(now, socket(local), local);
        assert_eq!(added, Ok(()));
    }
    agent.end_of_local_candidates(now);
    agent
}

/// The socket on an address: one for each host.
fn socket(local: SocketAddr) -> SocketId {
    match local.ip() {
        IpAddr::V4(ip) => SocketId(ip.octets()[3].into()),
        IpAddr::V6(_) => SocketId(0),
    }
}
