//! `rice-proto`.

use std::time::{Duration, Instant};

use rice_proto::agent::{Agent, AgentPoll};
use rice_proto::candidate::{Candidate, CandidateType, TransportType};
use rice_proto::component::ComponentConnectionState;
use rice_proto::stream::Credentials;
use stun_proto::Instant as Time;
use stun_proto::agent::Transmit;

use crate::contender::{Hosts, Pair, address};

pub(crate) struct Rice {
    sides: [Side; 2],
    hosts: Hosts,
    /// It counts time from here.
    start: Instant,
}

struct Side {
    agent: Agent,
    stream: usize,
    connected: bool,
    due: Option<Duration>,
}

impl Pair for Rice {
    fn new(hosts: Hosts, now: Instant) -> Self {
        let credentials = ["one", "two"].map(|name| {
            let password = format!("passwordpasswordpassword{name}");
            Credentials::new(format!("ufrag{name}"), password)
        });
        let sides = [0, 1].map(|side| Side::new(side, hosts.each, &credentials));
        Self {
            sides,
            hosts,
            start: now,
        }
    }

    fn exchange(&mut self, side: usize, now: Instant) -> usize {
        let now = self.time(now);
        let [one, two] = &mut self.sides;
        let (from, to) = if side == 0 { (one, two) } else { (two, one) };
        from.poll(now);
        let mut count = 0;
        while let Some(sent) = from.agent.poll_transmit(now) {
            count += 1;
            let sent = sent.transmit;
            if self.hosts.carry(sent.from, sent.to) {
                let received = Transmit::new(sent.data, sent.transport, sent.from, sent.to);
                let mut stream = to.agent.mut_stream(to.stream).expect("the stream");
                stream.handle_incoming_data(1, received, now);
            }
        }
        count
    }

    fn due(&mut self) -> Instant {
        let due = self.sides.iter().filter_map(|side| side.due).min();
        self.start + due.expect("a timeout")
    }

    fn tell_time(&mut self, now: Instant) {
        let now = self.time(now);
        for side in &mut self.sides {
            side.poll(now);
        }
    }

    fn is_done(&mut self) -> bool {
        self.sides.iter().all(|side| side.connected)
    }
}

impl Rice {
    fn time(&self, now: Instant) -> Time {
        Time::ZERO + (now - self.start)
    }
}

impl Side {
    fn new(side: usize, hosts: usize, credentials: &[Credentials; 2]) -> Self {
        let mut agent = Agent::builder()
            .trickle_ice(false)
            .controlling(side == 0)
            .build();
        let id = agent.add_stream();
        let mut stream = agent.mut_stream(id).expect("the stream");
        stream.add_component().expect("a component");
        stream.set_local_credentials(credentials[side].clone());
        stream.set_remote_credentials(credentials[1 - side].clone());
        for at in 0..hosts {
            stream.add_local_candidate(host(side, at));
        }
        stream.end_of_local_candidates();
        for at in 0..hosts {
            stream.add_remote_candidate(host(1 - side, at));
        }
        stream.end_of_remote_candidates();
        Self {
            agent,
            stream: id,
            connected: false,
            due: None,
        }
    }

    fn poll(&mut self, now: Time) {
        loop {
            match self.agent.poll(now) {
                AgentPoll::WaitUntil(time) => {
                    self.due = Some(time - Time::ZERO);
                    return;
                }
                AgentPoll::Closed => {
                    self.due = None;
                    return;
                }
                AgentPoll::ComponentStateChange(change) => {
                    self.connected |= change.state == ComponentConnectionState::Connected;
                }
                _ => {}
            }
        }
    }
}

fn host(side: usize, at: usize) -> Candidate {
    let address = address(side, at);
    Candidate::builder(1, CandidateType::Host, TransportType::Udp, "1", address)
        .base_address(address)
        .priority((126 << 24) | ((65535 - at as u32) << 8) | 255)
        .build()
}
