//! What checks say, when they go out, and what their answers do.
#![allow(clippy::expect_used)] // helpers of tests

mod bench;
mod net;

use bench::{Bench, LEADER, PASSWORD, one, two};
use ice_agent::{CheckState, Config, Handled, Role, State};
use net::{controlled, controlling, ms};
use stun_codec::attribute::{ErrorCode, IceControlled, IceControlling, Priority, Username};
use stun_codec::{AttributeType, IntegrityKey, Message};

fn tie_breaker(check: &[u8]) -> u64 {
    let message = Message::parse(check).expect("sound");
    let controlling: Option<IceControlling> = message.attribute().expect("sound");
    let controlled: Option<IceControlled> = message.attribute().expect("sound");
    controlling
        .map(|a| a.0)
        .or(controlled.map(|a| a.0))
        .expect("a role")
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
        assert_ne!(tie_breaker(&again), tie_breaker(&check));
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
    assert_eq!(bench.agent.pairs()[0].state, CheckState::Failed);
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
    assert_eq!(bench.agent.pairs()[0].state, CheckState::Failed);
    let candidate = "2 1 udp 9 198.51.100.2 6000 typ host".parse().expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, candidate)
        .expect("two");
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);
}

#[test]
fn an_answer_for_a_pair_that_made_room_counts_for_no_other() {
    let mut bench = Bench::checking(Config {
        max_pairs: 1,
        ..controlled()
    });
    let (_, check) = bench.next_check();
    // The check back takes the place of the first one, and then the pair itself has to go.
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(one(), &request), Handled::Consumed);
    let better = "2 1 udp 2147483647 198.51.100.2 6000 typ host"
        .parse()
        .expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, better)
        .expect("two");
    assert_eq!(bench.agent.pairs()[0].remote.socket_addr(), Some(two()));
    let grant = bench.grant(&check, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Dropped);
    assert_eq!(bench.agent.state(), State::Checking);
}

#[test]
fn success_lets_go_of_pairs_of_the_same_foundation() {
    let mut bench = Bench::checking(controlled());
    let alike = "1 1 udp 9 198.51.100.2 6000 typ host".parse().expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, alike)
        .expect("two");
    assert_eq!(bench.agent.pairs()[1].state, CheckState::Frozen);
    let other = "2 1 udp 8 198.51.100.3 6000 typ host"
        .parse()
        .expect("three");
    bench
        .agent
        .add_remote_candidate(bench.now, other)
        .expect("three");
    assert_eq!(bench.agent.pairs()[2].state, CheckState::Waiting);
    bench.make_valid(one());
    assert_eq!(bench.agent.pairs()[1].state, CheckState::Waiting);
}

#[test]
fn a_triggered_check_of_a_pair_that_works_meanwhile_is_not_sent() {
    let mut bench = Bench::checking(controlled());
    let (_, check) = bench.next_check();
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(one(), &request), Handled::Consumed);
    let grant = bench.grant(&check, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    bench.pass(ms(2000));
    assert_eq!(bench.agent.stats().checks_sent, 1);
}

#[test]
fn a_repeated_check_measures_no_round_trip() {
    let mut bench = Bench::checking(controlled());
    let (_, check) = bench.next_check();
    bench.pass(ms(700));
    let grant = bench.grant(&check, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    assert_eq!(bench.agent.state(), State::Connected);
    assert_eq!(bench.agent.rtt(), None);
}

#[test]
fn repetitions_that_were_not_drained_are_one() {
    let mut bench = Bench::checking(controlled());
    for _ in 0..4 {
        bench.now = bench.agent.poll_timeout().expect("alive");
        bench.agent.handle_timeout(bench.now);
    }
    assert_eq!(std::iter::from_fn(|| bench.sent()).count(), 1);
}
