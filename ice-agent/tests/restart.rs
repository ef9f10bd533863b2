//! Restarts (RFC 8445 §9): two agents that send a packet each 20 ms, on a network in virtual time.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, CheckState, Config, Credentials, Event, Failure, FailureCause, Handled, Path, Received,
    RemoteError, RestartError, Role, SocketId, State, Transport,
};
use stun_codec::attribute::{IceControlling, Priority, UseCandidate, Username};
use stun_codec::{Builder, IntegrityKey, Message, Method, TransactionId};
use virtual_network::{Dice, HostId, Network, Weather};

const PACKET_TIME: Duration = ms(20);
/// The side that controls.
const CALLER: usize = 0;
const CALLEE: usize = 1;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What goes over the signalling channel, which is reliable and slow.
enum Signal {
    /// New credentials, to be answered with new ones under the same number.
    Restart(u32, Credentials),
    Credentials(u32, Credentials),
    Candidate(String),
    End,
}

struct Side {
    agent: Agent,
    /// The restart whose answer it waits for: answers belong to questions.
    awaited: u32,
    host: HostId,
    local: SocketAddr,
    /// Packets sent so far, and the numbers of those that arrived, in their order.
    said: u32,
    heard: Vec<u32>,
    states: Vec<State>,
    selections: usize,
    failure: Option<Failure>,
}

struct Call {
    now: Instant,
    network: Network,
    sides: [Side; 2],
    signals: BTreeMap<(Instant, u64), (usize, Signal)>,
    serial: u64,
    next_packet: Instant,
    /// Nothing is signalled any more.
    mute: bool,
}

impl Call {
    fn new(seed: u64, weather: Weather) -> Self {
        #[allow(clippy::disallowed_methods)] // an origin for virtual time
        let now = Instant::now();
        let mut network = Network::new(now, seed, weather);
        let mut dice = Dice::new(seed);
        let sides = [Role::Controlling, Role::Controlled].map(|role| {
            let local = match role {
                Role::Controlling => address("192.0.2.1:5000"),
                Role::Controlled => address("198.51.100.1:6000"),
            };
            let config = Config {
                role,
                ufrag_prefix: "w3".to_owned(),
                ..Config::default()
            };
            Side {
                agent: Agent::new(config, dice.seed()).expect("config"),
                awaited: 0,
                host: network.add_host(&[local]),
                local,
                said: 0,
                heard: Vec::new(),
                states: Vec::new(),
                selections: 0,
                failure: None,
            }
        });
        let mut call = Self {
            now,
            network,
            sides,
            signals: BTreeMap::new(),
            serial: 0,
            next_packet: now,
            mute: false,
        };
        for side in [CALLER, CALLEE] {
            let Side { agent, local, .. } = &mut call.sides[side];
            agent.add_host(now, SocketId(0), *local).expect("host");
            agent.end_of_local_candidates(now);
            let credentials = agent.local_credentials().clone();
            call.signal(side, Signal::Credentials(0, credentials));
            call.drain(side);
        }
        call
    }

    /// A call on a good network, in which both have sent for a while.
    fn talking() -> Self {
        let mut call = Self::new(1, Weather::calm(ms(25)));
        call.run(ms(2000));
        assert!(call.both(State::Completed));
        call
    }

    fn signal(&mut self, from: usize, signal: Signal) {
        if !self.mute {
            self.serial += 1;
            let key = (self.now + ms(40), self.serial);
            self.signals.insert(key, (1 - from, signal));
        }
    }

    /// One side restarts and tells the other.
    fn restart(&mut self, side: usize) {
        let credentials = self.begin_restart(side, None);
        self.ask_for_restart(side, credentials);
    }

    fn ask_for_restart(&mut self, side: usize, credentials: Credentials) {
        let number = self.serial as u32 + 1;
        self.sides[side].awaited = number;
        self.signal(side, Signal::Restart(number, credentials));
        self.drain(side);
    }

    fn begin_restart(&mut self, side: usize, remote: Option<Credentials>) -> Credentials {
        let agent = &mut self.sides[side].agent;
        agent.restart(self.now, remote).expect("alive");
        agent.end_of_local_candidates(self.now);
        agent.local_credentials().clone()
    }

    fn take_signal(&mut self, side: usize, signal: Signal) {
        let now = self.now;
        match signal {
            Signal::Restart(number, credentials) => {
                let answer = self.begin_restart(side, Some(credentials));
                self.signal(side, Signal::Credentials(number, answer));
            }
            Signal::Credentials(number, credentials) => {
                let Side { agent, awaited, .. } = &mut self.sides[side];
                if number == *awaited {
                    agent.set_remote_credentials(now, credentials).expect("new");
                }
            }
            Signal::Candidate(text) => {
                let agent = &mut self.sides[side].agent;
                let candidate = text.parse().expect("own");
                let _ = agent.add_remote_candidate(now, candidate);
            }
            Signal::End => self.sides[side].agent.end_of_remote_candidates(now),
        }
        self.drain(side);
    }

    fn drain(&mut self, side: usize) {
        let mut out = BytesMut::new();
        let this = &mut self.sides[side];
        while let Some(sent) = this.agent.poll_transmit(&mut out) {
            let Path { local, remote, .. } = sent.path;
            self.network
                .send(this.host, local, remote, &out[sent.range]);
        }
        while let Some(event) = self.sides[side].agent.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => {
                    self.signal(side, Signal::Candidate(candidate.to_string()));
                }
                Event::GatheringComplete => self.signal(side, Signal::End),
                Event::StateChanged(state) => self.sides[side].states.push(state),
                Event::SelectedPair(_) => self.sides[side].selections += 1,
                Event::Failed(failure) => self.sides[side].failure = Some(*failure),
                _ => {}
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
        self.network.advance(end);
    }

    /// Goes on to what happens next; false when nothing does before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let timers = self.sides.iter().map(|side| side.agent.poll_timeout());
        let signal = self.signals.keys().next().map(|(at, _)| *at);
        let others = [signal, self.network.next_arrival(), Some(self.next_packet)];
        let next = timers.chain(others).flatten().min().expect("packets");
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        self.network.advance(self.now);
        while let Some(entry) = self.signals.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (side, signal) = entry.remove();
            self.take_signal(side, signal);
        }
        while let Some((host, datagram)) = self.network.receive() {
            let side = usize::from(self.sides[CALLEE].host == host);
            self.arrive(side, datagram.from, datagram.to, datagram.data);
        }
        for side in [CALLER, CALLEE] {
            let agent = &mut self.sides[side].agent;
            agent.handle_timeout(self.now);
            assert!(agent.poll_timeout().is_none_or(|at| at > self.now));
            self.drain(side);
        }
        if self.next_packet <= self.now {
            self.next_packet += PACKET_TIME;
            self.say(CALLER);
            self.say(CALLEE);
        }
        true
    }

    fn arrive(&mut self, side: usize, from: SocketAddr, to: SocketAddr, mut data: Vec<u8>) {
        let this = &mut self.sides[side];
        let id = SocketId(u64::from(to != this.local));
        let path = path(id, to, from);
        let data = data.as_mut_slice();
        let rx = Received {
            path,
            data: &mut *data,
        };
        if let Handled::Data { range, .. } = this.agent.handle_datagram(self.now, rx) {
            let number = data[range].try_into().expect("a packet");
            this.heard.push(u32::from_be_bytes(number));
        }
        self.drain(side);
    }

    /// One packet with its number, if there is a way.
    fn say(&mut self, side: usize) {
        let this = &mut self.sides[side];
        let mut packet = this.said.to_be_bytes();
        if let Ok(sent) = this.agent.send(self.now, &mut packet, 0..4) {
            this.said += 1;
            let Path { local, remote, .. } = sent.path;
            self.network.send(this.host, local, remote, &packet);
        }
    }

    fn both(&self, state: State) -> bool {
        self.sides.iter().all(|side| side.agent.state() == state)
    }

    fn credentials(&self) -> [Credentials; 2] {
        [CALLER, CALLEE].map(|side| self.sides[side].agent.local_credentials().clone())
    }

    /// Every packet arrived once and in order, but for those on their way.
    fn assert_no_gap(&self) {
        for (side, peer) in [(CALLER, CALLEE), (CALLEE, CALLER)] {
            let heard = &self.sides[side].heard;
            let in_order = heard.iter().copied().eq(0..heard.len() as u32);
            assert!(in_order, "{heard:?}");
            assert!(self.sides[peer].said as usize - heard.len() <= 2);
        }
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("address")
}

fn path(id: SocketId, local: SocketAddr, remote: SocketAddr) -> Path {
    Path {
        id,
        local,
        remote,
        transport: Transport::Udp,
    }
}

#[test]
fn a_restart_costs_no_packet_whoever_starts_it() {
    for starter in [CALLER, CALLEE] {
        let mut call = Call::talking();
        let old = call.credentials();
        let said = call.sides[CALLER].said;
        call.sides[starter].states.clear();
        call.restart(starter);
        assert_eq!(call.sides[starter].agent.state(), State::Connected);
        call.run(ms(10_000));
        assert!(call.both(State::Completed));
        call.assert_no_gap();
        assert_eq!(call.sides[CALLER].said - said, 500, "20 ms each");
        for (side, old) in call.sides.iter().zip(old) {
            let new = side.agent.local_credentials();
            assert!(new.ufrag().starts_with("w3"));
            assert_ne!(new.ufrag(), old.ufrag());
            assert_ne!(new.password(), old.password());
            assert_eq!(side.agent.stats().restarts, 1);
            assert_eq!(side.agent.stats().data_before_valid, 0);
        }
        let roles = [CALLER, CALLEE].map(|side| call.sides[side].agent.role());
        assert_eq!(roles, [Role::Controlling, Role::Controlled]);
        let told = &call.sides[starter].states;
        assert_eq!(*told, [State::Connected, State::Completed]);
    }
}

#[test]
fn a_restart_while_everything_is_lost_now_and_then() {
    for seed in 0..60 {
        let weather = Weather {
            loss: 20.0,
            duplication: 3.0,
            jitter: ms(40),
            ..Weather::calm(ms(30))
        };
        let mut call = Call::new(seed, weather);
        call.run(ms(12_000));
        assert!(call.both(State::Completed), "seed {seed}");
        let heard = |call: &Call| [CALLER, CALLEE].map(|side| call.sides[side].heard.len());
        call.restart((seed % 2) as usize);
        // Every second most of it arrives, as without the restart.
        for second in 0..12 {
            let before = heard(&call);
            call.run(ms(1000));
            for (now, before) in heard(&call).into_iter().zip(before) {
                assert!(now - before > 20, "seed {seed}, second {second}");
            }
        }
        assert!(call.both(State::Completed), "seed {seed}");
        for side in &call.sides {
            assert_eq!(side.agent.stats().restarts, 1, "seed {seed}");
        }
    }
}

#[test]
fn the_peer_has_moved() {
    let mut call = Call::talking();
    let new = address("203.0.113.5:7000");
    let Side { host, local, .. } = call.sides[CALLER];
    call.network.move_address(host, local, new);
    call.run(ms(1000));
    let lost = call.sides[CALLEE].heard.len();
    let credentials = call.begin_restart_at(CALLER, new);
    call.ask_for_restart(CALLER, credentials);
    call.run(ms(1000));
    assert!(call.both(State::Completed));
    let pair = call.sides[CALLEE].agent.selected_pair().expect("a pair");
    assert_eq!(pair.remote.socket_addr(), Some(new));
    let heard = call.sides[CALLEE].heard.len();
    call.run(ms(1000));
    assert_eq!(call.sides[CALLEE].heard.len() - heard, 50);
    assert!(heard > lost);
}

impl Call {
    /// Restarts with a socket at another address.
    fn begin_restart_at(&mut self, side: usize, new: SocketAddr) -> Credentials {
        let now = self.now;
        let agent = &mut self.sides[side].agent;
        agent.restart(now, None).expect("alive");
        agent.add_host(now, SocketId(1), new).expect("host");
        agent.end_of_local_candidates(now);
        agent.local_credentials().clone()
    }
}

#[test]
fn a_restart_overtakes_another_one() {
    for pause in [0, 10, 45, 90, 200, 5000] {
        let mut call = Call::talking();
        call.restart(CALLER);
        call.run(ms(pause));
        call.restart(CALLER);
        call.run(ms(10_000));
        assert!(call.both(State::Completed), "{pause} ms");
        assert_eq!(call.sides[CALLEE].agent.stats().restarts, 2);
        call.assert_no_gap();
    }
}

#[test]
fn a_restart_before_there_is_a_pair() {
    for pause in [0, 30, 45, 60, 70] {
        let mut call = Call::new(1, Weather::calm(ms(25)));
        call.run(ms(pause));
        assert!(!call.sides[CALLER].agent.can_send(call.now));
        call.restart(CALLER);
        assert_eq!(call.sides[CALLER].agent.state(), State::New);
        call.run(ms(3000));
        assert!(call.both(State::Completed), "{pause} ms");
    }
}

/// A check as the peer sends it.
fn check(ours: &Credentials, theirs: &Credentials, number: u8, nominate: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    let username = format!("{}:{}", ours.ufrag(), theirs.ufrag());
    let mut request = Builder::request(&mut out, Method::BINDING, TransactionId([number; 12]))
        .attribute(&Username(&username))
        .attribute(&Priority(1000))
        .attribute(&IceControlling(7));
    if nominate {
        request = request.attribute(&UseCandidate);
    }
    let key = IntegrityKey::short_term(ours.password());
    request.integrity(&key).fingerprint().expect("room");
    out.to_vec()
}

#[test]
fn old_checks_are_answered_while_the_old_pair_is_of_use_and_change_nothing() {
    let mut call = Call::talking();
    let [theirs, ours] = call.credentials();
    call.mute = true;
    call.restart(CALLEE);
    let elsewhere = address("203.0.113.5:7000");
    let (now, local) = (call.now, call.sides[CALLEE].local);
    let agent = &mut call.sides[CALLEE].agent;
    let before = agent.selected_pair();
    let ask = |agent: &mut Agent, now, number| {
        let mut data = check(&ours, &theirs, number, true);
        let path = path(SocketId(0), local, elsewhere);
        let rx = Received {
            path,
            data: &mut data,
        };
        agent.handle_datagram(now, rx)
    };
    assert_eq!(ask(agent, now, 1), Handled::Consumed);
    let mut out = BytesMut::new();
    let sent = agent.poll_transmit(&mut out).expect("an answer");
    assert_eq!(sent.path.remote, elsewhere);
    let answer = Message::parse(&out[sent.range]).expect("sound");
    let key = IntegrityKey::short_term(ours.password());
    assert!(answer.verify(&key).is_ok(), "with the old password");
    assert_eq!(agent.poll_transmit(&mut out), None, "no triggered check");
    assert_eq!(agent.selected_pair(), before, "nominated to no end");

    // The peer answers the restart after all; then the old credentials are forgotten.
    call.mute = false;
    let credentials = call.sides[CALLEE].agent.local_credentials().clone();
    call.ask_for_restart(CALLEE, credentials);
    let own = format!(
        "1 1 udp 2130706431 {} {} typ host",
        local.ip(),
        local.port()
    );
    call.signal(CALLEE, Signal::Candidate(own));
    call.run(ms(1000));
    assert!(call.both(State::Completed));
    let agent = &mut call.sides[CALLEE].agent;
    assert_eq!(ask(agent, call.now, 2), Handled::Consumed);
    call.run(ms(3000));
    let agent = &mut call.sides[CALLEE].agent;
    assert_eq!(ask(agent, call.now, 3), Handled::NotMine);
}

#[test]
fn an_answer_to_a_check_from_before_proves_nothing() {
    let mut call = Call::new(1, Weather::calm(ms(25)));
    // Checks are under way, and their answers.
    call.run(ms(85));
    assert!(call.sides[CALLER].agent.stats().checks_sent > 0);
    assert!(!call.sides[CALLER].agent.can_send(call.now));
    call.mute = true;
    let now = call.now;
    call.restart(CALLER);
    call.run(ms(200));
    let agent = &call.sides[CALLER].agent;
    let patience = Duration::from_secs(180);
    assert_eq!(
        agent.poll_timeout(),
        Some(now + patience),
        "none is repeated"
    );
    assert_eq!(agent.state(), State::New);
    assert_eq!(agent.stats().responses_received, 0);
}

#[test]
fn the_peer_must_change_both_parts_of_its_credentials() {
    let mut call = Call::talking();
    let [old, _] = call.credentials();
    let now = call.now;
    let agent = &mut call.sides[CALLEE].agent;
    agent.restart(now, None).expect("alive");
    let mixed = |ufrag: &str, password: &str| Credentials::new(ufrag, password).expect("sound");
    let stale = [
        old.clone(),
        mixed(old.ufrag(), &"p".repeat(24)),
        mixed("new1", old.password()),
    ];
    for credentials in stale {
        assert_eq!(
            agent.set_remote_credentials(now, credentials.clone()),
            Err(RemoteError::SameCredentials)
        );
        let ufrag = agent.local_credentials().ufrag().to_owned();
        assert_eq!(
            agent.restart(now, Some(credentials)),
            Err(RestartError::SameCredentials)
        );
        assert_eq!(agent.local_credentials().ufrag(), ufrag, "nothing changed");
    }
    agent.restart(now, None).expect("alive");
    assert_eq!(
        agent.set_remote_credentials(now, old),
        Err(RemoteError::SameCredentials),
        "not in a second restart either"
    );
    let new = mixed("new1", &"p".repeat(24));
    assert_eq!(agent.set_remote_credentials(now, new), Ok(()));
}

impl Call {
    /// Data goes on as if nothing had been; when it can no more, `side` fails after a restart.
    fn assert_the_old_pair_lives_on(&mut self, side: usize) {
        self.run(Duration::from_secs(200));
        self.assert_no_gap();
        assert!(self.sides.iter().all(|side| side.failure.is_none()));
        self.network.block(|_| true);
        self.run(ms(36_000));
        let failure = self.sides[side].failure.as_ref().expect("a cause");
        assert_eq!(failure.restarts, 1);
        let lost = matches!(failure.cause, FailureCause::ConsentLost { .. });
        assert!(lost, "{failure}");
        let carried = failure.pairs.iter().find(|pair| pair.selected);
        assert!(carried.is_some_and(|pair| pair.answers > 0), "the old pair");
        assert_eq!(self.sides[side].agent.poll_timeout(), None);
    }
}

#[test]
fn new_pairs_that_fail_do_not_end_what_works() {
    let mut call = Call::talking();
    let credentials = call.begin_restart(CALLEE, None);
    let forged = Credentials::new(credentials.ufrag(), "p".repeat(24)).expect("sound");
    call.ask_for_restart(CALLEE, forged);
    call.assert_the_old_pair_lives_on(CALLER);
}

#[test]
fn a_restart_that_nobody_answers_does_not_end_what_works() {
    let mut call = Call::talking();
    call.mute = true;
    call.restart(CALLER);
    call.assert_the_old_pair_lives_on(CALLER);
}

#[test]
fn new_pairs_that_work_for_a_moment_do_not_end_what_works() {
    let mut seen = 0;
    for pause in (80..300).step_by(20) {
        let mut call = Call::talking();
        call.restart(CALLER);
        call.run(ms(pause));
        let new = call.credentials();
        call.network.block(move |datagram| {
            let message = Message::parse(&datagram.data).ok();
            let name = message.and_then(|message| message.attribute::<Username<'_>>().ok()?);
            name.is_some_and(|Username(name)| name.contains(new[CALLER].ufrag()))
        });
        // What was on its way arrives.
        call.run(ms(100));
        let new_works = |side: &Side| {
            let pairs = side.agent.pairs();
            let mut new = pairs.iter().filter(|pair| !pair.selected);
            new.any(|pair| pair.state == CheckState::Succeeded)
        };
        if !call.both(State::Connected) || !call.sides.iter().any(new_works) {
            continue;
        }
        seen += 1;
        call.assert_the_old_pair_lives_on(CALLER);
    }
    assert!(seen > 0);
}

#[test]
fn the_old_pair_may_die_during_a_restart() {
    let mut call = Call::talking();
    call.mute = true;
    call.restart(CALLER);
    call.network.block(|_| true);
    call.run(ms(36_000));
    assert_eq!(call.sides[CALLER].agent.state(), State::New);
    assert!(!call.sides[CALLER].agent.can_send(call.now));
    assert_eq!(call.sides[CALLER].agent.selected_pair(), None);
    assert_eq!(
        call.sides[CALLEE].agent.state(),
        State::Failed,
        "it knows of no restart"
    );
    call.run(ms(145_000));
    let failure = call.sides[CALLER].failure.as_ref().expect("a cause");
    let waited = Duration::from_secs(180);
    assert_eq!(failure.cause, FailureCause::NoRemoteCredentials { waited });
    assert_eq!(failure.restarts, 1);
}

#[test]
fn a_socket_that_closes_leaves_a_late_restart_its_time() {
    let mut call = Call::talking();
    call.mute = true;
    call.restart(CALLER);
    call.run(Duration::from_secs(200));
    let now = call.now;
    let agent = &mut call.sides[CALLER].agent;
    agent.handle_closed(now, SocketId(0));
    assert_eq!(agent.state(), State::New);
    let patience = Duration::from_secs(180);
    assert_eq!(agent.poll_timeout(), Some(now + patience));
}

#[test]
fn gathering_begins_anew() {
    let config = Config {
        stun_servers: vec![address("203.0.113.9:3478")],
        ..Config::default()
    };
    let mut agent = Agent::new(config, [1; 32]).expect("config");
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let mut now = Instant::now();
    agent
        .add_host(now, SocketId(0), address("192.0.2.1:5000"))
        .expect("host");
    agent.end_of_local_candidates(now);
    for _ in 0..2 {
        // Ask, be answered, and hear of the end.
        let mut out = BytesMut::new();
        let sent = agent.poll_transmit(&mut out).expect("a question");
        let question = Message::parse(&out[sent.range]).expect("sound");
        let mut answer = BytesMut::new();
        let mapped = address("198.51.100.7:40000");
        stun_codec::respond(&question, mapped, &mut answer).expect("an answer");
        let rx = Received {
            path: sent.path,
            data: &mut answer,
        };
        assert_eq!(agent.handle_datagram(now, rx), Handled::Consumed);
        let told: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
        let candidates = told
            .iter()
            .filter(|event| matches!(event, Event::LocalCandidate(_)));
        assert_eq!(candidates.count(), 2, "{told:?}");
        assert_eq!(told.last(), Some(&Event::GatheringComplete));
        for _ in 0..2 {
            now += ms(1000);
            // What was told of an earlier restart and not heard is told no more.
            agent.restart(now, None).expect("alive");
            agent.end_of_local_candidates(now);
        }
    }
}

#[test]
fn an_agent_that_has_ended_stays_so() {
    let mut call = Call::talking();
    let now = call.now;
    let agent = &mut call.sides[CALLER].agent;
    agent.close(now);
    assert_eq!(agent.restart(now, None), Err(RestartError::Finished));
}
