//! ICE lite (RFC 8445 §2.5), and nominations with numbers.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod bench;
mod net;

use std::time::Duration;

use bench::{Bench, one, two};
use bytes::BytesMut;
use ice_agent::{Agent, Config, ConfigError, FailureCause, Handled, Kind, Mode, State};
use net::{World, addr, controlled, controlling, ms, quiet};
use stun_codec::attribute::{IceControlling, Nomination, Priority, UseCandidate, Username};
use stun_codec::{Builder, Method, TransactionId};
use virtual_network::{NatKind, Weather};

fn lite() -> Config {
    Config {
        mode: Mode::Lite,
        stun_servers: vec![addr("192.0.2.77:3478")],
        ..controlled()
    }
}

/// A full agent behind a NAT, and a lite one that everybody reaches.
fn world(kind: NatKind, weather: Weather) -> World {
    let mut world = World::new(6, weather);
    world.add_server(addr("192.0.2.77:3478"));
    let nat = world.add_nat("203.0.113.1", kind);
    world.add(controlling(), &["10.0.0.1:5000"], Some(nat));
    world.add(lite(), &["198.51.100.1:6000"], None);
    world
}

#[test]
fn a_lite_agent_answers_and_sends_no_check() {
    for kind in [NatKind::FULL_CONE, NatKind::SYMMETRIC] {
        let mut world = world(kind, quiet());
        world.begin();
        assert!(world.run(ms(2000), |world| world.both(State::Completed)));
        assert!(world.elapsed() <= ms(400), "{:?}", world.elapsed());
        world.run(Duration::from_secs(120), |_| false);
        assert!(world.both(State::Completed));
        assert!(world.send(0, b"there") && world.send(1, b"here"));
        world.run(ms(100), |_| false);
        assert_eq!(world.nodes[0].received, [b"here"]);
        assert_eq!(world.nodes[1].received, [b"there"]);
        let stats = world.nodes[1].agent.stats();
        assert_eq!(
            (
                stats.checks_sent,
                stats.consent_checks_sent,
                stats.server_requests_sent
            ),
            (0, 0, 0)
        );
        let [candidate] = &world.nodes[1].candidates[..] else {
            panic!("{:?}", world.nodes[1].candidates);
        };
        assert_eq!(candidate.kind, Kind::Host);
    }
}

#[test]
fn a_lite_agent_stops_when_the_peer_has_been_silent_for_thirty_seconds() {
    let mut world = world(NatKind::FULL_CONE, quiet());
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    world.run(Duration::from_secs(10), |_| false);
    world.network.block(|_| true);
    let start = world.now();
    assert!(world.run(Duration::from_secs(60), |world| world.state(1)
        == State::Failed));
    let silence = world.now() - start;
    assert!((24..=30).contains(&silence.as_secs()), "{silence:?}");
    let failure = world.nodes[1].failure.as_ref().expect("a failure");
    assert!(matches!(failure.cause, FailureCause::ConsentLost { .. }));
}

#[test]
fn a_lite_agent_keeps_its_role() {
    let mut world = World::new(7, quiet());
    // Both say that they are controlled: the full one has to control.
    world.add(controlled(), &["192.0.2.1:5000"], None);
    world.add(lite(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(3000), |world| world.both(State::Completed)));
    assert_eq!(world.nodes[1].agent.role(), ice_agent::Role::Controlled);
    let controls = Config {
        mode: Mode::Lite,
        ..controlling()
    };
    let refused = Agent::new(controls, [0; 32]).map(drop);
    assert_eq!(refused, Err(ConfigError::LiteControls));
}

#[test]
fn a_lite_agent_connects_in_bad_weather_and_restarts() {
    for seed in 0..50 {
        let weather = Weather {
            loss: 10.0,
            duplication: 10.0,
            jitter: ms(60),
            ..quiet()
        };
        let mut world = World::new(seed, weather);
        world.add(controlling(), &["192.0.2.1:5000"], None);
        world.add(lite(), &["198.51.100.1:6000"], None);
        world.begin();
        let done = world.run(Duration::from_secs(20), |world| {
            world.both(State::Completed)
        });
        assert!(done, "seed {seed}");
        world.restart((seed % 2) as usize);
        world.run(ms(100), |_| false);
        let done = world.run(Duration::from_secs(20), |world| {
            world.both(State::Completed)
        });
        assert!(done, "seed {seed}");
    }
}

#[test]
fn a_better_pair_that_comes_later_is_nominated_with_a_greater_number() {
    for renomination in [false, true] {
        let mut world = World::new(9, quiet());
        let config = Config {
            renomination,
            ..controlling()
        };
        world.add(config, &["192.0.2.1:5000", "192.0.2.2:5000"], None);
        world.add(controlled(), &["198.51.100.1:6000"], None);
        let better = addr("192.0.2.1:5000");
        world
            .network
            .block(move |datagram| datagram.from == better || datagram.to == better);
        world.begin();
        assert!(world.run(ms(3000), |world| world.both(State::Completed)));
        let used = |world: &World| {
            let pair = world.nodes[0].agent.selected_pair().expect("a pair");
            pair.local.socket_addr().expect("an address")
        };
        assert_eq!(used(&world), addr("192.0.2.2:5000"));
        world.network.unblock();
        // The peer's check comes over the better pair.
        let remote = addr("198.51.100.1:6000");
        world.check_from(1, remote, better);
        let moved = world.run(Duration::from_secs(5), |world| {
            used(world) == better && world.same_pair()
        });
        assert_eq!(moved, renomination);
        assert!(world.same_pair());
    }
}

#[test]
fn the_nomination_with_the_greatest_number_counts() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let worse = "2 1 udp 1000 198.51.100.2 6000 typ host";
    let added = bench
        .agent
        .add_remote_candidate(bench.now, worse.parse().expect("sound"));
    added.expect("new");
    bench.make_valid(two());
    // The pairs are named by first checks, which without numbers mean nothing for the worse one.
    let name = |bench: &mut Bench, from, id: u8, number| {
        let mut out = BytesMut::new();
        let (key, username) = (bench.key(), bench.username());
        Builder::request(&mut out, Method::BINDING, TransactionId([id; 12]))
            .attribute(&Username(&username))
            .attribute(&Priority(1))
            .attribute(&IceControlling(5))
            .attribute(&UseCandidate)
            .attribute(&Nomination(number))
            .integrity(&key)
            .fingerprint()
            .expect("room");
        assert_eq!(bench.hand(from, &out), Handled::Consumed);
        bench.selected()
    };
    assert_eq!(name(&mut bench, one(), 101, 7), Some(one()));
    assert_eq!(name(&mut bench, two(), 102, 9), Some(two()));
    // A late one.
    assert_eq!(name(&mut bench, one(), 103, 8), Some(two()));
    assert_eq!(name(&mut bench, one(), 104, 10), Some(one()));
}
