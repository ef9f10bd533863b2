//! A nominated pair that dies: how soon that is known, and what takes its place.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod net;

use std::time::Duration;

use ice_agent::{Config, Event, FailureCause, State};
use net::{World, addr, controlled, controlling, ms, quiet};
use virtual_network::Weather;

const LEFT: [&str; 2] = ["192.0.2.1:5000", "192.0.2.2:5000"];
const RIGHT: &str = "198.51.100.1:6000";

/// Two hosts; the left one has two addresses, so that there are two pairs.
fn connected(change: impl Fn(&mut Config)) -> World {
    let mut world = World::new(8, quiet());
    for (mut config, addresses) in [(controlling(), &LEFT[..]), (controlled(), &[RIGHT])] {
        change(&mut config);
        world.add(config, addresses, None);
    }
    world.begin();
    assert!(world.run(ms(3000), |world| world.both(State::Completed)));
    world.run(ms(2000), |_| false);
    world
}

/// Cuts one address of the left host off, in both directions.
fn cut(world: &mut World, cut: &'static [&'static str]) {
    let cut: Vec<_> = cut.iter().map(|text| addr(text)).collect();
    world
        .network
        .block(move |datagram| cut.contains(&datagram.from) || cut.contains(&datagram.to));
}

fn used(world: &World) -> String {
    let pair = world.nodes[0].agent.selected_pair().expect("a pair");
    pair.local.address.to_string()
}

#[test]
fn another_pair_takes_over_without_a_restart() {
    for seconds in [2, 10, 20] {
        let mut world =
            connected(|config| config.disconnected_after = Duration::from_secs(seconds));
        assert_eq!(used(&world), LEFT[0]);
        cut(&mut world, &LEFT[..1]);
        let start = world.now();
        let moved = world.run(Duration::from_secs(40), |world| {
            world.both(State::Completed) && used(world) == LEFT[1] && world.same_pair()
        });
        assert!(moved, "{:?} {:?}", world.state(0), world.state(1));
        let took = world.now() - start;
        assert!(took <= Duration::from_secs(seconds) + ms(1500), "{took:?}");
        assert_eq!(world.nodes[0].agent.stats().restarts, 0);
        assert!(world.send(0, b"on") && world.send(1, b"and on"));
        world.run(ms(100), |_| false);
        assert_eq!(
            (&world.nodes[0].received, &world.nodes[1].received),
            (&vec![b"and on".to_vec()], &vec![b"on".to_vec()])
        );
        // It stays so.
        let selections = world.nodes[0].selections;
        world.run(Duration::from_secs(60), |_| false);
        assert!(world.both(State::Completed));
        assert_eq!(world.nodes[0].selections, selections);
    }
}

#[test]
fn without_another_pair_the_agent_is_disconnected_and_then_well_again() {
    let mut world = connected(|_| ());
    for node in &mut world.nodes {
        node.states.clear();
    }
    cut(&mut world, &LEFT);
    let start = world.now();
    assert!(world.run(Duration::from_secs(20), |world| {
        world.both(State::Disconnected)
    }));
    let took = world.now() - start;
    assert!((4..=11).contains(&took.as_secs()), "{took:?}");
    assert!(world.nodes[0].agent.can_send(world.now()), "consent lasts");
    world.run(Duration::from_secs(8), |_| false);
    world.network.unblock();
    assert!(world.run(Duration::from_secs(8), |world| world.both(State::Completed)));
    world.run(Duration::from_secs(30), |_| false);
    assert_eq!(
        world.nodes[0].states,
        [State::Disconnected, State::Completed]
    );
}

#[test]
fn consent_that_is_lost_ends_a_disconnected_agent() {
    let mut world = connected(|_| ());
    cut(&mut world, &LEFT);
    assert!(world.run(Duration::from_secs(40), |world| world.both(State::Failed)));
    let failure = world.nodes[0].failure.as_ref().expect("a failure");
    assert!(
        matches!(failure.cause, FailureCause::ConsentLost { .. }),
        "{failure}"
    );
    let states = &world.nodes[0].states;
    assert_eq!(
        &states[states.len() - 2..],
        [State::Disconnected, State::Failed]
    );
}

#[test]
fn bad_weather_is_no_death() {
    // One of ten lost: a hundred hours of calls, and nobody is called disconnected.
    let mut changes = 0;
    for seed in 0..20 {
        let mut world = World::new(seed, quiet());
        world.add(controlling(), &LEFT[..1], None);
        world.add(controlled(), &[RIGHT], None);
        world.begin();
        assert!(world.run(ms(3000), |world| world.both(State::Completed)));
        let before = world.nodes[0].states.len();
        let loss = 10.0;
        world.network.set_weather(Weather { loss, ..quiet() });
        world.run(Duration::from_secs(1800), |_| false);
        changes += world.nodes[0].states.len() - before;
    }
    assert!(changes <= 4, "{changes} changes of state in ten hours");
}

#[test]
fn a_calm_pair_costs_only_its_consent() {
    let mut world = connected(|_| ());
    let before = world.nodes[0].agent.stats();
    world.run(Duration::from_secs(600), |_| false);
    let after = world.nodes[0].agent.stats();
    assert_eq!(after.checks_sent, before.checks_sent);
    let consents = after.consent_checks_sent - before.consent_checks_sent;
    assert!((100..=150).contains(&consents), "{consents}");
    let now = world.now();
    world.nodes[0].agent.close(now);
    let ends = std::iter::from_fn(|| world.nodes[0].agent.poll_event());
    assert!(ends.last() == Some(Event::StateChanged(State::Closed)));
}
