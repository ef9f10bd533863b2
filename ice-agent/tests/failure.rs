//! Every run that cannot succeed ends, in time, with the right cause.
#![allow(clippy::expect_used)] // helpers of tests

mod net;

use std::time::Duration;

use ice_agent::{
    Agent, CheckState, Config, Credentials, Event, Failure, FailureCause, Refusal, RemoteError,
    SendError, SocketId, State,
};
use net::{World, addr, controlled, controlling, ms, origin, quiet, seed};

fn other_credentials() -> Credentials {
    Credentials::new("abcd", "0123456789012345678901").expect("valid")
}

/// Runs a lone agent to its end.
fn fails(agent: &mut Agent, start: std::time::Instant) -> (Failure, Duration) {
    let mut now = start;
    while let Some(next) = agent.poll_timeout() {
        now = next;
        agent.handle_timeout(now);
        let mut out = bytes::BytesMut::new();
        while agent.poll_transmit(&mut out).is_some() {}
    }
    assert_eq!(agent.state(), State::Failed);
    let failure = std::iter::from_fn(|| agent.poll_event()).find_map(|event| match event {
        Event::Failed(failure) => Some(*failure),
        _ => None,
    });
    (failure.expect("a cause"), now - start)
}

#[test]
fn no_credentials() {
    let start = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    agent
        .add_host(start, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    let (failure, after) = fails(&mut agent, start);
    let waited = Duration::from_secs(180);
    assert_eq!(failure.cause, FailureCause::NoRemoteCredentials { waited });
    assert_eq!(after, waited);
}

#[test]
fn no_local_candidates() {
    let start = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    agent
        .set_remote_credentials(start, other_credentials())
        .expect("first");
    let (failure, after) = fails(&mut agent, start);
    assert_eq!(failure.cause, FailureCause::NoLocalCandidates);
    assert_eq!(after, ms(39_500));
}

#[test]
fn no_remote_candidates_is_not_premature() {
    let start = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    agent
        .add_host(start, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    agent
        .set_remote_credentials(start, other_credentials())
        .expect("first");
    agent.end_of_remote_candidates(start);
    let (failure, after) = fails(&mut agent, start);
    assert_eq!(
        failure.cause,
        FailureCause::NoRemoteCandidates { ended: true }
    );
    assert_eq!(after, ms(39_500));
}

#[test]
fn candidates_that_do_not_fit() {
    let start = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    agent
        .add_host(start, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    agent
        .set_remote_credentials(start, other_credentials())
        .expect("first");
    for text in [
        "1 1 udp 7 2001:db8::1 5 typ host",
        "1 1 udp 7 a9.local 5 typ host",
        "1 1 tcp 7 192.0.2.9 9 typ host tcptype active",
        "1 1 udp 7 192.0.2.9 5 typ wormhole",
        "1 1 udp 7 192.0.2.9 0 typ host",
    ] {
        agent
            .add_remote_candidate(start, text.parse().expect(text))
            .expect(text);
    }
    let (failure, _) = fails(&mut agent, start);
    assert_eq!(
        failure.cause,
        FailureCause::NoPairs {
            local: 1,
            remote: 5
        }
    );
}

#[test]
fn no_answer_names_what_was_sent() {
    let start = origin();
    let config = Config {
        deadline: ms(10_000),
        ..controlling()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    agent
        .add_host(start, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    agent
        .set_remote_credentials(start, other_credentials())
        .expect("first");
    for text in [
        "1 1 udp 7 192.0.2.9 5 typ host",
        "2 1 udp 9 192.0.2.8 5 typ host",
    ] {
        agent
            .add_remote_candidate(start, text.parse().expect(text))
            .expect(text);
    }
    let (failure, after) = fails(&mut agent, start);
    // Each is sent at 0, 0.5, 1.5, 3.5 and 7.5 s.
    let cause = FailureCause::NoAnswer {
        checks: 10,
        pairs: 2,
        requests_heard: 0,
    };
    assert_eq!(failure.cause, cause);
    assert_eq!(after, ms(10_000));
    assert_eq!(
        failure.to_string(),
        "no answer to 10 checks on 2 pairs; 0 checks of the peer were heard"
    );
    let best = &failure.pairs[0];
    assert_eq!(best.remote.socket_addr(), Some(addr("192.0.2.8:5")));
    assert_eq!((best.checks_sent, best.state), (5, CheckState::InProgress));
}

#[test]
fn a_peer_with_other_credentials_refuses() {
    let mut world = World::new(1, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.gather(0);
    world.gather(1);
    // The ufrag is right and the password is not.
    for node in 0..2 {
        let theirs = world.nodes[1 - node]
            .agent
            .local_credentials()
            .ufrag()
            .to_owned();
        let wrong = Credentials::new(theirs, "0123456789012345678901").expect("valid");
        let now = world.now();
        world.nodes[node]
            .agent
            .set_remote_credentials(now, wrong)
            .expect("first");
        world.drain(node);
    }
    assert!(world.run(ms(60_000), |world| world.both(State::Failed)));
    for node in &world.nodes {
        let failure = node.failure.as_ref().expect("cause");
        let FailureCause::AllRefused {
            refusal, refusals, ..
        } = failure.cause
        else {
            panic!("{failure}");
        };
        assert_eq!(refusal, Refusal::Code(401));
        assert!(refusals >= 7);
        assert!(node.agent.stats().bad_request_integrity > 0);
    }
}

#[test]
fn a_vanished_peer_loses_consent_after_thirty_seconds() {
    let mut world = World::new(2, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    assert!(world.run(ms(100_000), |_| false) || world.both(State::Completed));
    world.network.block(|_| true);
    let consents = |world: &World| {
        let stats = world.nodes.iter().map(|node| node.agent.stats());
        stats.map(|stats| stats.consent_checks_sent).sum::<u64>()
    };
    let (cut, sent) = (world.now(), world.network.counts().sent);
    let before = consents(&world);
    assert!(world.run(ms(60_000), |world| world.both(State::Failed)));
    let silence = world.now() - cut;
    assert!(silence > ms(24_000) && silence <= ms(30_000), "{silence:?}");
    // Each consent check goes out once.
    let asked = consents(&world) - before;
    assert!((8..=16).contains(&asked), "{asked}");
    // The pair in doubt is checked like a new one, which is 7 requests in 31.5 s.
    let probes = world.network.counts().sent - sent - asked;
    assert!(probes <= 2 * 7, "{probes}");
    for node in &world.nodes {
        let failure = node.failure.as_ref().expect("cause");
        assert!(
            matches!(failure.cause, FailureCause::ConsentLost { .. }),
            "{failure}"
        );
    }
    assert!(!world.send(0, b"nothing without consent"));
}

#[test]
fn nothing_is_sent_once_consent_has_run_out_even_when_timers_are_late() {
    let mut world = World::new(3, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    let now = world.now();
    let late = now + ms(30_000);
    let agent = &mut world.nodes[0].agent;
    assert!(!agent.can_send(late));
    assert_eq!(
        agent.send(late, &mut [0; 9], 0..9),
        Err(SendError::NoConsent)
    );
    let range = SendError::OutOfRange {
        start: 0,
        end: 10,
        len: 9,
    };
    assert_eq!(agent.send(now, &mut [0; 9], 0..10), Err(range));
}

#[test]
fn after_close_nothing_happens() {
    let mut world = World::new(4, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    let now = world.now();
    world.nodes[0].agent.close(now);
    world.drain(0);
    let sent = world.nodes[0].agent.stats();
    assert_eq!(world.state(0), State::Closed);
    assert!(world.run(ms(60_000), |world| world.state(1) == State::Failed));
    assert_eq!(world.nodes[0].agent.stats(), sent);
    let agent = &mut world.nodes[0].agent;
    assert_eq!(agent.poll_timeout(), None);
    assert_eq!(agent.selected_pair(), None);
    assert_eq!(
        agent.send(now, &mut [0; 4], 0..4),
        Err(SendError::NotConnected)
    );
    let refused = agent.set_remote_credentials(now, other_credentials());
    assert_eq!(refused, Err(RemoteError::Finished));
    agent.close(now);
    assert_eq!(agent.poll_event(), None);
}
