//! Sockets that the driver opens for an agent, or fails to open, or loses.

#![allow(clippy::expect_used, clippy::indexing_slicing)] // helpers of tests

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    AddHostError, Agent, Close, Config, Event, Failure, FailureCause, Family, Handled, Local, Open,
    OpenError, Path, Port, Received, Role, SocketId, SocketReport, State, Transport, Wanted,
};

const V4: Local = Local::Family(Family::V4);

/// Two agents whose datagrams take no time, and who tell each other everything at once.
struct Two {
    now: Instant,
    agents: [Agent; 2],
    told: [Vec<Event>; 2],
    /// Who has which address.
    sockets: BTreeMap<SocketAddr, (usize, SocketId)>,
}

impl Two {
    fn new() -> Self {
        let agent = |role, seed| {
            let config = Config {
                role,
                ..Config::default()
            };
            Agent::new(config, [seed; 32]).expect("config")
        };
        Self {
            #[allow(clippy::disallowed_methods)] // an origin for virtual time
            now: Instant::now(),
            agents: [agent(Role::Controlling, 1), agent(Role::Controlled, 2)],
            told: Default::default(),
            sockets: BTreeMap::new(),
        }
    }

    /// Asks for a socket and opens it.
    fn open(&mut self, side: usize, local: &str) -> SocketId {
        let local = address(local);
        let id = self.agents[side].gather(self.now, V4).expect("early");
        self.agents[side].handle_opened(self.now, id, local);
        self.sockets.insert(local, (side, id));
        id
    }

    /// A socket of the driver is gone.
    fn lose(&mut self, side: usize, id: SocketId) {
        self.sockets.retain(|_, socket| *socket != (side, id));
        self.agents[side].handle_closed(self.now, id);
    }

    /// Tells each side the credentials of the other.
    fn introduce(&mut self) {
        for side in [0, 1] {
            let credentials = self.agents[side].local_credentials().clone();
            let peer = &mut self.agents[1 - side];
            peer.set_remote_credentials(self.now, credentials)
                .expect("new");
        }
    }

    fn connected(&mut self) {
        for side in [0, 1] {
            self.agents[side].end_of_local_candidates(self.now);
        }
        self.introduce();
        self.run(2000);
        assert_eq!(self.states(), [State::Completed; 2]);
    }

    fn states(&self) -> [State; 2] {
        [self.agents[0].state(), self.agents[1].state()]
    }

    fn settle(&mut self) {
        for _ in 0..100 {
            for side in [0, 1] {
                let mut out = BytesMut::new();
                while let Some(sent) = self.agents[side].poll_transmit(&mut out) {
                    let Path { local, remote, .. } = sent.path;
                    assert_eq!(self.sockets.get(&local), Some(&(side, sent.path.id)));
                    self.deliver(local, remote, &mut out[sent.range]);
                }
                while let Some(event) = self.agents[side].poll_event() {
                    if let Event::LocalCandidate(candidate) = &event {
                        let peer = &mut self.agents[1 - side];
                        let _ = peer.add_remote_candidate(self.now, candidate.clone());
                    }
                    self.told[side].push(event);
                }
            }
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, data: &mut [u8]) -> Option<Handled> {
        let (side, id) = *self.sockets.get(&to)?;
        let path = Path {
            id,
            local: to,
            remote: from,
            transport: Transport::Udp,
        };
        let rx = Received { path, data };
        Some(self.agents[side].handle_datagram(self.now, rx))
    }

    fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.now < end {
            self.settle();
            self.now += Duration::from_millis(10);
            for agent in &mut self.agents {
                agent.handle_timeout(self.now);
                assert!(agent.poll_timeout().is_none_or(|at| at > self.now));
            }
        }
        self.settle();
    }

    /// Sends a datagram, and says over which address it arrived.
    fn send(&mut self, side: usize) -> Option<SocketAddr> {
        let mut data = *b"hello";
        let sent = self.agents[side].send(self.now, &mut data, 0..5).ok()?;
        let Path { local, remote, .. } = sent.path;
        match self.deliver(local, remote, &mut data)? {
            Handled::Data { .. } => Some(remote),
            _ => None,
        }
    }

    /// What one side told of sockets.
    fn sockets_told(&self, side: usize) -> Vec<Event> {
        let told = self.told[side].iter();
        told.filter(|event| matches!(event, Event::Open(_) | Event::Close(_)))
            .cloned()
            .collect()
    }

    fn failure(&self, side: usize) -> &Failure {
        let mut told = self.told[side].iter();
        told.find_map(|event| match event {
            Event::Failed(failure) => Some(&**failure),
            _ => None,
        })
        .expect("it has failed")
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("address")
}

fn close(id: SocketId) -> Event {
    Event::Close(Close { id })
}

#[test]
fn sockets_are_opened_for_candidates_and_closed_at_the_end() {
    let mut two = Two::new();
    let id = two.open(0, "192.0.2.1:5000");
    // This one is not the agent's: it stays.
    let (shared, local) = (SocketId(3), address("192.0.2.9:5009"));
    two.agents[0]
        .add_host(two.now, shared, local)
        .expect("early");
    two.sockets.insert(local, (0, shared));
    two.open(1, "192.0.2.2:6000");
    two.connected();
    assert_eq!(two.send(0), Some(address("192.0.2.2:6000")));
    assert!(id.is_asked() && !shared.is_asked());
    let what = Wanted::Udp {
        local: V4,
        port: Port::Any,
    };
    let open = Event::Open(Open { id, what });
    two.settle();
    assert_eq!(two.sockets_told(0).len(), 1);
    two.agents[0].close(two.now);
    two.settle();
    assert_eq!(two.sockets_told(0), [open, close(id)]);
}

#[test]
fn sockets_that_are_not_opened_are_evidence() {
    let mut two = Two::new();
    let now = two.now;
    let agent = &mut two.agents[0];
    let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let refused = agent.gather(now, Local::Ip(ip)).expect("early");
    let useless = agent.gather(now, V4).expect("early");
    agent.end_of_local_candidates(now);
    agent.handle_open_failed(now, refused, OpenError::NoPort);
    two.settle();
    let complete = |two: &Two| two.told[0].contains(&Event::GatheringComplete);
    assert!(!complete(&two), "the other one is awaited");
    two.agents[0].handle_opened(now, useless, address("0.0.0.0:5000"));
    two.introduce();
    two.run(100);
    assert!(complete(&two));
    assert_eq!(two.sockets_told(0).last(), Some(&close(useless)));
    two.run(40_000);
    let failure = two.failure(0);
    assert_eq!(failure.cause, FailureCause::NoLocalCandidates);
    let first = SocketReport::NotOpened {
        local: Local::Ip(ip),
        error: OpenError::NoPort,
    };
    assert_eq!(failure.sockets.first(), Some(&first));
    assert_eq!(failure.sockets.len(), 2);
    assert_eq!(
        failure.to_string(),
        "there is no local candidate; no socket on IPv4: \
         0.0.0.0:5000 is not an address a peer could send to"
    );
}

#[test]
fn a_driver_that_does_not_answer_is_not_waited_for() {
    let mut two = Two::new();
    let late = two.agents[0].gather(two.now, V4).expect("early");
    two.agents[0].end_of_local_candidates(two.now);
    two.run(4900);
    assert!(!two.told[0].contains(&Event::GatheringComplete));
    two.run(200);
    assert!(two.told[0].contains(&Event::GatheringComplete));
    two.agents[0].handle_opened(two.now, late, address("192.0.2.1:5000"));
    two.settle();
    assert_eq!(two.told[0].last(), Some(&close(late)), "too late");
    assert_eq!(
        two.agents[0].gather(two.now, V4),
        Err(AddHostError::GatheringEnded),
        "as with hosts"
    );
}

#[test]
fn another_pair_takes_over_when_a_socket_is_closed() {
    for side in [0, 1] {
        let mut two = Two::new();
        let best = two.open(side, "192.0.2.1:5000");
        two.open(side, "192.0.2.1:5001");
        two.open(1 - side, "192.0.2.2:6000");
        two.connected();
        assert_eq!(two.send(1 - side), Some(address("192.0.2.1:5000")));
        // Long enough for the consent on the other pair to have run out.
        two.run(40_000);
        two.lose(side, best);
        assert_ne!(two.agents[side].state(), State::Completed);
        two.run(2000);
        if side == 0 {
            // Who controls chooses again.
            assert_eq!(two.states(), [State::Completed; 2]);
            assert_eq!(two.send(1), Some(address("192.0.2.1:5001")));
        }
        assert_eq!(two.send(side), Some(address("192.0.2.2:6000")));
        let reported = two.agents[side].pairs();
        assert_eq!(reported.len(), 2, "the lost pair is evidence");
    }
}

#[test]
fn a_lost_socket_is_replaced_by_a_restart() {
    let mut two = Two::new();
    let id = two.open(0, "192.0.2.1:5000");
    two.open(1, "192.0.2.2:6000");
    two.connected();
    two.lose(0, id);
    assert_eq!(two.agents[0].state(), State::Checking);
    assert_eq!(two.send(0), None);
    two.run(1000);
    for agent in &mut two.agents {
        agent.restart(two.now, None).expect("alive");
    }
    two.open(0, "192.0.2.1:5001");
    two.connected();
    assert_eq!(two.send(1), Some(address("192.0.2.1:5001")));
}

#[test]
fn after_a_restart_only_what_is_left_is_told_and_says_of_which_generation() {
    let mut two = Two::new();
    let id = two.open(0, "192.0.2.1:5000");
    two.open(1, "192.0.2.2:6000");
    two.connected();
    let told = |two: &Two| -> Vec<String> {
        let told = two.told[0].iter().filter_map(|event| match event {
            Event::LocalCandidate(candidate) => Some(candidate.to_string()),
            _ => None,
        });
        told.collect()
    };
    let line = |two: &Two, port: u16| {
        let credentials = two.agents[0].local_credentials();
        format!(" 192.0.2.1 {port} typ host ufrag {}", credentials.ufrag())
    };
    let before = told(&two);
    assert_eq!(before.len(), 1);
    assert!(before[0].ends_with(&line(&two, 5000)), "{before:?}");
    two.told[0].clear();
    two.lose(0, id);
    let late = two.agents[0].add_host(two.now, SocketId(7), address("192.0.2.1:5001"));
    assert_eq!(late, Err(AddHostError::GatheringEnded));
    for agent in &mut two.agents {
        agent.restart(two.now, None).expect("alive");
    }
    let id = two.open(0, "192.0.2.1:5001");
    two.settle();
    let after = told(&two);
    assert_eq!(after.len(), 1);
    assert!(after[0].ends_with(&line(&two, 5001)), "{after:?}");
    // And where nobody has listened meanwhile.
    two.told[0].clear();
    two.agents[0].restart(two.now, None).expect("alive");
    two.lose(0, id);
    two.open(0, "192.0.2.1:5002");
    two.settle();
    let last = told(&two);
    assert_eq!(last.len(), 1);
    assert!(last[0].ends_with(&line(&two, 5002)), "{last:?}");
}

#[test]
fn without_a_socket_the_agent_fails_in_time_and_says_so() {
    let mut two = Two::new();
    let id = two.open(0, "192.0.2.1:5000");
    two.open(1, "192.0.2.2:6000");
    two.connected();
    two.lose(0, id);
    two.run(41_000);
    let failure = two.failure(0);
    assert_eq!(failure.cause, FailureCause::NoLocalCandidates);
    let local = address("192.0.2.1:5000");
    assert_eq!(failure.sockets, [SocketReport::Closed { local }]);
    assert_eq!(two.agents[0].poll_timeout(), None);
    let lost = matches!(two.failure(1).cause, FailureCause::ConsentLost { .. });
    assert!(lost, "{}", two.failure(1));
}

#[test]
fn a_socket_may_be_lost_during_a_restart() {
    let mut two = Two::new();
    let id = two.open(0, "192.0.2.1:5000");
    two.open(1, "192.0.2.2:6000");
    two.connected();
    two.agents[0].restart(two.now, None).expect("alive");
    assert_eq!(two.agents[0].state(), State::Connected);
    two.lose(0, id);
    two.settle();
    assert_eq!(two.agents[0].state(), State::New);
    assert_eq!(two.told[0].last(), Some(&Event::StateChanged(State::New)));
    assert_eq!(two.agents[0].selected_pair(), None);
}

#[test]
fn what_is_of_no_use_is_closed() {
    let mut two = Two::new();
    let path = Path {
        id: SocketId(5),
        local: address("192.0.2.1:5000"),
        remote: address("192.0.2.2:6000"),
        transport: Transport::Tcp,
    };
    two.agents[0].handle_accepted(two.now, path);
    let asked = two.agents[0].gather(two.now, V4).expect("early");
    two.agents[0].close(two.now);
    two.agents[0].handle_opened(two.now, asked, address("192.0.2.1:5000"));
    two.settle();
    let told = two.sockets_told(0);
    assert_eq!(told[0], close(SocketId(5)));
    assert_eq!(told.last(), Some(&close(asked)));
    assert_eq!(
        two.agents[0].gather(two.now, V4),
        Err(AddHostError::Finished)
    );
}

#[test]
fn sockets_are_bounded() {
    let mut two = Two::new();
    let gather = |two: &mut Two| two.agents[0].gather(two.now, V4);
    for _ in 0..16 {
        gather(&mut two).expect("room");
    }
    assert_eq!(gather(&mut two), Err(AddHostError::TooMany));
    let any = Local::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let refused = two.agents[1].gather(two.now, any);
    assert_eq!(refused, Err(AddHostError::Unusable(address("0.0.0.0:0"))));
}
