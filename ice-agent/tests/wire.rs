//! One agent against a peer written by hand: what each message does.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod net;

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use ice_agent::{
    Agent, Config, Credentials, Event, Handled, Path, Received, Role, SocketId, State, Transport,
};
use net::{addr, controlled, controlling, ms, origin, seed};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use stun_codec::attribute::{
    ErrorCode, IceControlled, IceControlling, Priority, UseCandidate, Username, XorMappedAddress,
};
use stun_codec::{
    AttributeType, Builder, Class, IntegrityKey, Message, Method, RawAttribute, TransactionId,
};

const PASSWORD: &str = "0123456789012345678901";

/// An agent, and the hand that plays its peer.
struct Bench {
    agent: Agent,
    now: Instant,
    serial: u8,
}

/// What a request of the peer says.
#[derive(Clone, Copy)]
struct Ask {
    role: Role,
    tie_breaker: u64,
    nominate: bool,
}

const LEADER: Ask = Ask {
    role: Role::Controlling,
    tie_breaker: 5,
    nominate: false,
};
const NOMINATION: Ask = Ask {
    nominate: true,
    ..LEADER
};

fn one() -> SocketAddr {
    addr("198.51.100.1:6000")
}

fn two() -> SocketAddr {
    addr("198.51.100.2:6000")
}

impl Bench {
    fn new(config: Config) -> Self {
        let now = origin();
        let mut agent = Agent::new(config, seed(1)).expect("config");
        agent
            .add_host(now, SocketId(7), addr("192.0.2.1:5000"))
            .expect("host");
        Self {
            agent,
            now,
            serial: 0,
        }
    }

    /// An agent that knows the peer and one candidate of it.
    fn checking(config: Config) -> Self {
        let mut bench = Self::new(config);
        let credentials = Credentials::new("peer", PASSWORD).expect("valid");
        bench
            .agent
            .set_remote_credentials(bench.now, credentials)
            .expect("first");
        let candidate = "1 1 udp 2130706431 198.51.100.1 6000 typ host"
            .parse()
            .expect("one");
        bench
            .agent
            .add_remote_candidate(bench.now, candidate)
            .expect("one");
        bench
    }

    fn path(remote: SocketAddr) -> Path {
        let local = addr("192.0.2.1:5000");
        Path {
            id: SocketId(7),
            local,
            remote,
            transport: Transport::Udp,
        }
    }

    fn hand(&mut self, from: SocketAddr, data: &[u8]) -> Handled {
        let mut data = data.to_vec();
        let rx = Received {
            path: Self::path(from),
            data: &mut data,
        };
        self.agent.handle_datagram(self.now, rx)
    }

    fn id(&mut self) -> TransactionId {
        self.serial += 1;
        TransactionId([self.serial; 12])
    }

    fn key(&self) -> IntegrityKey {
        IntegrityKey::short_term(self.agent.local_credentials().password())
    }

    fn username(&self) -> String {
        format!("{}:peer", self.agent.local_credentials().ufrag())
    }

    fn request(&mut self, ask: Ask) -> Vec<u8> {
        let (id, key, username) = (self.id(), self.key(), self.username());
        let mut out = BytesMut::new();
        let mut request = Builder::request(&mut out, Method::BINDING, id)
            .attribute(&Username(&username))
            .attribute(&Priority(1_862_270_975));
        request = match ask.role {
            Role::Controlling => request.attribute(&IceControlling(ask.tie_breaker)),
            Role::Controlled => request.attribute(&IceControlled(ask.tie_breaker)),
        };
        if ask.nominate {
            request = request.attribute(&UseCandidate);
        }
        request.integrity(&key).fingerprint().expect("fits");
        out.to_vec()
    }

    /// The next frame of the agent, with where it goes.
    fn sent(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let mut out = BytesMut::new();
        let transmit = self.agent.poll_transmit(&mut out)?;
        Some((transmit.path.remote, out[transmit.range].to_vec()))
    }

    /// The next request of the agent within a second.
    fn next_check(&mut self) -> (SocketAddr, Vec<u8>) {
        for _ in 0..100 {
            while let Some((to, data)) = self.sent() {
                if Message::parse(&data).expect("sound").class() == Class::Request {
                    return (to, data);
                }
            }
            self.now += ms(10);
            self.agent.handle_timeout(self.now);
        }
        panic!("no check");
    }

    fn grant(&self, request: &[u8], password: &str) -> Vec<u8> {
        let request = Message::parse(request).expect("sound");
        let mut out = BytesMut::new();
        Builder::success(&mut out, &request)
            .attribute(&XorMappedAddress(addr("192.0.2.1:5000")))
            .integrity(&IntegrityKey::short_term(password))
            .fingerprint()
            .expect("fits");
        out.to_vec()
    }

    fn deny(&self, request: &[u8], code: ErrorCode<'_>) -> Vec<u8> {
        let request = Message::parse(request).expect("sound");
        let mut out = BytesMut::new();
        Builder::error(&mut out, &request)
            .attribute(&code)
            .integrity(&IntegrityKey::short_term(PASSWORD))
            .fingerprint()
            .expect("fits");
        out.to_vec()
    }

    /// Checks and grants until the pair to `remote` works.
    fn make_valid(&mut self, remote: SocketAddr) {
        for _ in 0..8 {
            let (to, check) = self.next_check();
            if to == remote {
                let grant = self.grant(&check, PASSWORD);
                assert_eq!(self.hand(remote, &grant), Handled::Consumed);
                return;
            }
        }
        panic!("no check to {remote}");
    }

    /// The error code of the only answer that waits; 0 for success.
    fn answer(&mut self, to: SocketAddr) -> u16 {
        loop {
            let (remote, data) = self.sent().expect("an answer");
            let message = Message::parse(&data).expect("sound");
            if message.class() == Class::Request {
                continue;
            }
            assert_eq!(remote, to);
            assert!(message.has_fingerprint());
            let code: Option<ErrorCode<'_>> = message.attribute().expect("sound");
            let code = code.map_or(0, |error| error.code);
            // Only refusals of those who did not prove themselves are unprotected.
            let proved = message.verify(&self.key()).is_ok();
            assert_eq!(proved, ![400, 401].contains(&code));
            return code;
        }
    }

    fn selected(&self) -> Option<SocketAddr> {
        self.agent.selected_pair()?.remote.socket_addr()
    }
}

#[test]
fn the_first_check_says_what_it_must() {
    for (config, role) in [
        (controlling(), Role::Controlling),
        (controlled(), Role::Controlled),
    ] {
        let mut bench = Bench::checking(config);
        let (to, check) = bench.sent().expect("at once");
        assert_eq!(to, one());
        let message = Message::parse(&check).expect("sound");
        let verified = message
            .verify(&IntegrityKey::short_term(PASSWORD))
            .expect("theirs");
        let name = format!("peer:{}", bench.agent.local_credentials().ufrag());
        assert_eq!(verified.attribute(), Ok(Some(Username(&name))));
        // Peer-reflexive type preference, RFC 8445 §7.1.1.
        assert_eq!(
            verified.attribute(),
            Ok(Some(Priority((110 << 24) | (65535 << 8) | 255)))
        );
        let controlling = verified.contains(AttributeType::ICE_CONTROLLING);
        let controlled = verified.contains(AttributeType::ICE_CONTROLLED);
        assert_eq!(
            (controlling, controlled),
            (role == Role::Controlling, role == Role::Controlled)
        );
        assert!(!verified.contains(AttributeType::USE_CANDIDATE) && message.has_fingerprint());
    }
}

#[test]
fn checks_repeat_with_a_doubling_timer_and_the_same_bytes() {
    let mut bench = Bench::checking(controlling());
    let (_, first) = bench.sent().expect("at once");
    let start = bench.now;
    let mut at = Vec::new();
    while let Some(next) = bench.agent.poll_timeout() {
        bench.now = next;
        bench.agent.handle_timeout(next);
        while let Some((_, again)) = bench.sent() {
            assert_eq!(again, first);
            at.push((next - start).as_millis());
        }
    }
    assert_eq!(at, [500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!((bench.now - start).as_millis(), 39_500);
}

#[test]
fn new_checks_leave_fifty_milliseconds_apart() {
    let mut bench = Bench::checking(controlling());
    for port in 1..30 {
        let text = format!("{port} 1 udp 1000 198.51.100.3 {port} typ host");
        bench
            .agent
            .add_remote_candidate(bench.now, text.parse().expect("sound"))
            .expect("room");
    }
    let (mut left, mut seen, mut repeated) = (Vec::new(), Vec::new(), 0);
    while left.len() < 30 {
        let now = bench.now;
        while let Some((_, check)) = bench.sent() {
            if seen.contains(&check) {
                repeated += 1;
            } else {
                left.push(now);
                seen.push(check);
            }
        }
        bench.now = bench.agent.poll_timeout().expect("alive");
        bench.agent.handle_timeout(bench.now);
    }
    assert!(left.windows(2).all(|two| two[1] - two[0] == ms(50)));
    // The first began alone, with 500 ms. The others wait Ta * N for N = 30 pairs.
    assert_eq!(repeated, 1);
}

#[test]
fn requests_without_proof_are_refused() {
    let mut bench = Bench::checking(controlled());
    let (id, username) = (bench.id(), bench.username());
    let mut out = BytesMut::new();
    let named = Builder::request(&mut out, Method::BINDING, id).attribute(&Username(&username));
    named.fingerprint().expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 400);

    out.clear();
    let named = Builder::request(&mut out, Method::BINDING, id).attribute(&Username(&username));
    named
        .integrity(&IntegrityKey::short_term("wrong"))
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 401);

    // Without a name it is ours on the way of a pair, and nobody's elsewhere.
    out.clear();
    Builder::request(&mut out, Method::BINDING, id)
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 400);
    assert_eq!(bench.hand(two(), &out), Handled::NotMine);
    let stats = bench.agent.stats();
    assert_eq!((stats.bad_request, stats.bad_request_integrity), (2, 1));
    assert_eq!(stats.requests_received, 0);
}

#[test]
fn what_is_for_others_is_left_alone() {
    let mut bench = Bench::checking(controlled());
    let mut other = Bench::new(Config {
        ufrag_prefix: "other".into(),
        ..controlled()
    });
    let request = other.request(LEADER);
    assert_eq!(bench.hand(one(), &request), Handled::NotMine);
    let request = bench.request(LEADER);
    let elsewhere = [
        Path {
            id: SocketId(8),
            ..Bench::path(one())
        },
        Path {
            local: addr("192.0.2.1:5001"),
            ..Bench::path(one())
        },
        Path {
            transport: Transport::Tcp,
            ..Bench::path(one())
        },
    ];
    for path in elsewhere {
        let rx = Received {
            path,
            data: &mut request.clone(),
        };
        assert_eq!(bench.agent.handle_datagram(bench.now, rx), Handled::NotMine);
    }
    assert_eq!(bench.hand(two(), b"\x80data"), Handled::NotMine);
    assert_eq!(bench.hand(one(), b"\x80data"), Handled::Dropped);
    assert_eq!(bench.agent.stats().data_before_valid, 1);
    let grant = other.grant(&request, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Dropped);
    assert_eq!(bench.hand(two(), &grant), Handled::NotMine);
    let mut broken = request;
    *broken.last_mut().expect("long") ^= 1;
    assert_eq!(bench.hand(one(), &broken), Handled::Dropped);
    assert_eq!(bench.hand(two(), &broken), Handled::NotMine);
    assert_eq!(bench.agent.stats().malformed, 1);
}

#[test]
fn unknown_attributes_are_named() {
    let mut bench = Bench::checking(controlled());
    let (id, username, key) = (bench.id(), bench.username(), bench.key());
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, id)
        .attribute(&Username(&username))
        .attribute(&RawAttribute {
            attribute_type: AttributeType(0x7abc),
            value: b"x",
        })
        .attribute(&RawAttribute {
            attribute_type: AttributeType(0xfabc),
            value: b"x",
        })
        .integrity(&key)
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    while let Some((_, data)) = bench.sent() {
        let message = Message::parse(&data).expect("sound");
        if message.class() == Class::Error {
            let list: Option<stun_codec::attribute::UnknownAttributes<'_>> =
                message.attribute().expect("sound");
            let list: Vec<_> = list.expect("named").iter().collect();
            assert_eq!(list, [AttributeType(0x7abc)]);
            return;
        }
    }
    panic!("no answer");
}

#[test]
fn role_conflicts_in_requests_follow_the_tie_breaker() {
    // Our tie-breaker is neither 0 nor the greatest.
    for (config, tie_breaker, keeps) in [
        (controlling(), 0, true),
        (controlling(), u64::MAX, false),
        (controlled(), 0, false),
        (controlled(), u64::MAX, true),
    ] {
        let role = config.role;
        let mut bench = Bench::checking(config);
        let request = bench.request(Ask {
            role,
            tie_breaker,
            nominate: false,
        });
        assert_eq!(bench.hand(one(), &request), Handled::Consumed);
        assert_eq!(bench.answer(one()), if keeps { 487 } else { 0 });
        assert_eq!(bench.agent.role() == role, keeps);
    }
}

#[test]
fn a_487_switches_the_role_and_checks_again() {
    for (config, role) in [
        (controlling(), Role::Controlled),
        (controlled(), Role::Controlling),
    ] {
        let mut bench = Bench::checking(config);
        let (_, check) = bench.next_check();
        let denial = bench.deny(&check, ErrorCode::ROLE_CONFLICT);
        assert_eq!(bench.hand(one(), &denial), Handled::Consumed);
        assert_eq!(bench.agent.role(), role);
        let (_, again) = bench.next_check();
        let message = Message::parse(&again).expect("sound");
        assert_eq!(
            message.contains(AttributeType::ICE_CONTROLLED),
            role == Role::Controlled
        );
        let grant = bench.grant(&again, PASSWORD);
        assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
        assert_eq!(bench.agent.state(), State::Connected);
    }
}

#[test]
fn a_request_triggers_a_check_back() {
    let mut bench = Bench::checking(controlled());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(bench.answer(two()), 0);
    assert_eq!(bench.next_check().0, two());
}

#[test]
fn answers_that_prove_nothing_change_nothing() {
    let mut bench = Bench::checking(controlled());
    let (_, check) = bench.next_check();
    for password in ["wrong", ""] {
        let forged = bench.grant(&check, password);
        assert_eq!(bench.hand(one(), &forged), Handled::Dropped);
    }
    assert_eq!(bench.agent.state(), State::Checking);
    assert_eq!(bench.agent.stats().bad_response_integrity, 2);
    let grant = bench.grant(&check, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    assert_eq!(bench.agent.state(), State::Connected);
    assert_eq!(bench.hand(one(), &grant), Handled::Dropped, "once only");
}

#[test]
fn an_answer_from_elsewhere_fails_the_pair() {
    let mut bench = Bench::checking(controlled());
    let (_, check) = bench.next_check();
    let grant = bench.grant(&check, PASSWORD);
    assert_eq!(bench.hand(two(), &grant), Handled::Dropped);
    assert_eq!(bench.agent.stats().asymmetric_response, 1);
    assert_eq!(bench.agent.pairs()[0].state, ice_agent::CheckState::Failed);
}

#[test]
fn the_last_nomination_counts_and_its_duplicates_do_not() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);

    let first = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(one()))
    );
    let second = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &second), Handled::Consumed);
    assert_eq!(bench.selected(), Some(two()));
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    assert_eq!(
        bench.selected(),
        Some(two()),
        "a late duplicate undid the nomination"
    );
    let again = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &again), Handled::Consumed);
    assert_eq!(bench.selected(), Some(one()));
    let told = std::iter::from_fn(|| bench.agent.poll_event());
    let told = told
        .filter(|event| matches!(event, Event::SelectedPair(_)))
        .count();
    assert_eq!(told, 4);
}

#[test]
fn a_nomination_of_an_unproved_pair_waits_for_its_check() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Connected, Some(one()))
    );
    bench.make_valid(two());
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(two()))
    );
}

#[test]
fn a_nomination_after_consent_ran_out_is_checked_first() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    bench.make_valid(two());
    let first = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    // Forty seconds on the first pair only.
    let end = bench.now + ms(40_000);
    while bench.now < end {
        let (to, check) = {
            bench.now = bench.agent.poll_timeout().expect("alive");
            bench.agent.handle_timeout(bench.now);
            let Some(sent) = bench.sent() else { continue };
            sent
        };
        assert_eq!(to, one());
        let grant = bench.grant(&check, PASSWORD);
        let _ = bench.hand(one(), &grant);
    }
    let second = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &second), Handled::Consumed);
    assert_eq!(bench.selected(), Some(one()));
    bench.make_valid(two());
    assert_eq!(bench.selected(), Some(two()));
    assert!(bench.agent.can_send(bench.now));
}

#[test]
fn a_controlling_agent_repeats_its_nomination_with_consent() {
    let mut bench = Bench::checking(controlling());
    bench.make_valid(one());
    let (_, nomination) = bench.next_check();
    let message = Message::parse(&nomination).expect("sound");
    assert!(message.contains(AttributeType::USE_CANDIDATE));
    assert_eq!(bench.agent.state(), State::Connected);
    let grant = bench.grant(&nomination, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    assert_eq!(bench.agent.state(), State::Completed);
    bench.now = bench.agent.poll_timeout().expect("consent");
    bench.agent.handle_timeout(bench.now);
    let (_, consent) = bench.sent().expect("consent");
    let message = Message::parse(&consent).expect("sound");
    assert!(message.contains(AttributeType::USE_CANDIDATE));
    assert!(bench.sent().is_none());
}

#[test]
fn a_refused_pair_fails_and_the_next_is_tried() {
    let mut bench = Bench::checking(controlling());
    let (_, check) = bench.next_check();
    let denial = bench.deny(
        &check,
        ErrorCode {
            code: 500,
            reason: "no",
        },
    );
    assert_eq!(bench.hand(one(), &denial), Handled::Consumed);
    assert_eq!(bench.agent.pairs()[0].state, ice_agent::CheckState::Failed);
    let candidate = "2 1 udp 9 198.51.100.2 6000 typ host".parse().expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, candidate)
        .expect("two");
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);
}

#[test]
fn early_requests_are_bounded() {
    let mut bench = Bench::new(controlled());
    for port in 1..=100 {
        let request = bench.request(LEADER);
        let _ = bench.hand(SocketAddr::new(two().ip(), port), &request);
    }
    assert_eq!(bench.agent.stats().over_bound, 84);
    let credentials = Credentials::new("peer", PASSWORD).expect("valid");
    bench
        .agent
        .set_remote_credentials(bench.now, credentials)
        .expect("first");
    assert_eq!(bench.agent.pairs().len(), 16);
}

#[test]
fn undrained_output_is_bounded() {
    let mut bench = Bench::checking(controlled());
    for _ in 0..2 {
        for _ in 0..250 {
            let request = bench.request(LEADER);
            bench.serial = bench.serial.wrapping_rem(200);
            let _ = bench.hand(one(), &request);
        }
    }
    assert!(bench.agent.stats().output_overflow > 200);
    let waiting = std::iter::from_fn(|| bench.sent()).count();
    assert!(waiting <= 256);
}

/// What an adversary on the path can do.
#[derive(Debug, Clone)]
enum Move {
    Bytes(Vec<u8>),
    /// A sound message with some bytes changed or cut off.
    Bent {
        request: bool,
        at: usize,
        to: u8,
        cut: usize,
    },
    Request {
        leader: bool,
        nominate: bool,
        tie_breaker: u64,
        far: bool,
    },
    Grant {
        far: bool,
    },
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80).prop_map(Move::Bytes),
        (any::<bool>(), 0..120_usize, any::<u8>(), 0..120_usize).prop_map(
            |(request, at, to, cut)| Move::Bent {
                request,
                at,
                to,
                cut
            }
        ),
        (any::<bool>(), any::<bool>(), any::<u64>(), any::<bool>()).prop_map(
            |(leader, nominate, tie_breaker, far)| Move::Request {
                leader,
                nominate,
                tie_breaker,
                far
            }
        ),
        any::<bool>().prop_map(|far| Move::Grant { far }),
        (0..20_000_u64).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn no_sequence_of_inputs_upsets_an_agent(moves in moves(), lead in any::<bool>()) {
        let mut bench = Bench::checking(if lead { controlling() } else { controlled() });
        let mut last: Option<(SocketAddr, Vec<u8>)> = None;
        for step in moves {
            match step {
                Move::Bytes(bytes) => drop(bench.hand(one(), &bytes)),
                Move::Bent { request, at, to, cut } => {
                    let mut data = match (&last, request) {
                        (Some((_, check)), false) => bench.grant(check, PASSWORD),
                        _ => bench.request(LEADER),
                    };
                    if let Some(byte) = data.get_mut(at) {
                        *byte = to;
                    }
                    data.truncate(data.len().saturating_sub(cut));
                    let _ = bench.hand(one(), &data);
                }
                Move::Request { leader, nominate, tie_breaker, far } => {
                    let role = if leader { Role::Controlling } else { Role::Controlled };
                    let request = bench.request(Ask { role, tie_breaker, nominate });
                    bench.serial %= 200;
                    let _ = bench.hand(if far { two() } else { one() }, &request);
                }
                Move::Grant { far } => {
                    if let Some((_, check)) = &last {
                        let grant = bench.grant(check, PASSWORD);
                        let _ = bench.hand(if far { two() } else { one() }, &grant);
                    }
                }
                Move::Wait(time) => {
                    bench.now += ms(time);
                    bench.agent.handle_timeout(bench.now);
                }
            }
            while let Some((to, data)) = bench.sent() {
                if Message::parse(&data).expect("sound").class() == Class::Request {
                    last = Some((to, data));
                }
            }
            while bench.agent.poll_event().is_some() {}
            let finished = bench.agent.state().is_finished();
            assert_eq!(bench.agent.poll_timeout().is_none(), finished);
            assert!(bench.agent.poll_timeout().is_none_or(|at| at > bench.now));
            assert_eq!(bench.agent.can_send(bench.now), bench.agent.send(bench.now, &mut [], 0..0).is_ok());
        }
    }
}
