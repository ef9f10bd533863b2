//! `is`, the agent of str0m.

use std::time::Instant;

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds};

use crate::contender::{Hosts, Pair, address};

pub(crate) struct Str0m {
    agents: [IceAgent; 2],
    nominated: [bool; 2],
    hosts: Hosts,
}

impl Pair for Str0m {
    fn new(hosts: Hosts, now: Instant) -> Self {
        let host = |side, host| Candidate::host(address(side, host), "udp").expect("a candidate");
        let mut agents = [0, 1].map(|side| {
            let mut agent = IceAgent::new(IceCreds::new());
            agent.set_controlling(side == 0);
            for at in 0..hosts.each {
                agent.add_local_candidate(host(side, at));
            }
            agent
        });
        let credentials = [0, 1].map(|side: usize| agents[side].local_credentials().clone());
        for (side, agent) in agents.iter_mut().enumerate() {
            agent.set_remote_credentials(credentials[1 - side].clone());
            for at in 0..hosts.each {
                agent.add_remote_candidate(host(1 - side, at));
            }
            agent.handle_timeout(now);
        }
        Self {
            agents,
            nominated: [false; 2],
            hosts,
        }
    }

    fn exchange(&mut self, side: usize, now: Instant) -> usize {
        let [one, two] = &mut self.agents;
        let (from, to) = if side == 0 { (one, two) } else { (two, one) };
        let mut count = 0;
        while let Some(sent) = from.poll_transmit() {
            count += 1;
            if self.hosts.carry(sent.source, sent.destination) {
                let message = StunMessage::parse(&sent.contents).expect("a message");
                let packet = StunPacket {
                    proto: sent.proto,
                    source: sent.source,
                    destination: sent.destination,
                    message,
                };
                to.handle_packet(now, packet);
            }
        }
        // It answers requests only when it is told the time: once for each burst.
        if count > 0 {
            to.handle_timeout(now);
        }
        count
    }

    fn due(&mut self) -> Instant {
        let due = self.agents.iter_mut().filter_map(IceAgent::poll_timeout);
        due.min().expect("a timeout")
    }

    fn tell_time(&mut self, now: Instant) {
        for agent in &mut self.agents {
            agent.handle_timeout(now);
        }
        self.is_done();
    }

    fn is_done(&mut self) -> bool {
        for (agent, nominated) in self.agents.iter_mut().zip(&mut self.nominated) {
            while let Some(event) = agent.poll_event() {
                *nominated |= matches!(event, IceAgentEvent::NominatedSend { .. });
            }
        }
        self.nominated == [true; 2]
    }
}
