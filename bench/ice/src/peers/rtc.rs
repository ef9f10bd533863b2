//! `rtc-ice`, the agent of webrtc-rs without IO.

use std::sync::Arc;
use std::time::Instant;

use rtc_ice::Agent;
use rtc_ice::agent::agent_config::AgentConfig;
use rtc_ice::candidate::candidate_host::CandidateHostConfig;
use rtc_ice::candidate::{Candidate, CandidateConfig};
use rtc_ice::mdns::MulticastDnsMode;
use rtc_ice::state::ConnectionState;
use rtc_shared::{TransportContext, TransportMessage};
use sansio::Protocol;

use crate::contender::{Hosts, Pair, address};

pub(crate) struct Rtc {
    agents: [Agent; 2],
    hosts: Hosts,
}

impl Pair for Rtc {
    fn new(hosts: Hosts, now: Instant) -> Self {
        let provider = rtc_crypto::default_provider().expect("a provider");
        let mut agents = [0, 1].map(|side| {
            let config = AgentConfig {
                is_controlling: side == 0,
                // Everything else as its peer connection has it.
                multicast_dns_mode: MulticastDnsMode::Disabled,
                ..AgentConfig::default()
            };
            let agent = Agent::new(now, Arc::new(config), provider.clone());
            let mut agent = agent.expect("a configuration");
            for at in 0..hosts.each {
                let added = agent.add_local_candidate(host(side, at));
                added.expect("a candidate");
                let added = agent.add_remote_candidate(host(1 - side, at));
                added.expect("a candidate");
            }
            agent
        });
        let credentials = [0, 1].map(|side: usize| agents[side].get_local_credentials().clone());
        for (side, agent) in agents.iter_mut().enumerate() {
            let of = credentials[1 - side].clone();
            agent
                .start_connectivity_checks(now, side == 0, of.ufrag, of.pwd)
                .expect("credentials");
        }
        Self { agents, hosts }
    }

    fn exchange(&mut self, side: usize, now: Instant) -> usize {
        let [one, two] = &mut self.agents;
        let (from, to) = if side == 0 { (one, two) } else { (two, one) };
        let mut count = 0;
        while let Some(sent) = from.poll_write() {
            count += 1;
            let way = sent.transport;
            if self.hosts.carry(way.local_addr, way.peer_addr) {
                let message = TransportMessage {
                    now,
                    transport: TransportContext {
                        local_addr: way.peer_addr,
                        peer_addr: way.local_addr,
                        ecn: None,
                        transport_protocol: way.transport_protocol,
                    },
                    message: sent.message,
                };
                let _ = to.handle_read(message);
            }
        }
        count
    }

    fn due(&mut self) -> Instant {
        let due = self.agents.iter_mut().filter_map(Protocol::poll_timeout);
        due.min().expect("a timeout")
    }

    fn tell_time(&mut self, now: Instant) {
        for agent in &mut self.agents {
            agent.handle_timeout(now).expect("time");
            while agent.poll_event().is_some() {}
        }
    }

    fn is_done(&mut self) -> bool {
        self.agents.iter().all(|agent| {
            let connected = matches!(
                agent.state(),
                ConnectionState::Connected | ConnectionState::Completed
            );
            connected && agent.get_selected_candidate_pair().is_some()
        })
    }
}

fn host(side: usize, at: usize) -> Candidate {
    let address = address(side, at);
    let config = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    config.new_candidate_host().expect("a candidate")
}
