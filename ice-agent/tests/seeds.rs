//! Thousands of random networks: every run ends connected on both sides with the same pair, or
//! failed with a cause, in bounded time.

#![allow(clippy::indexing_slicing)] // helpers of tests

mod net;

use std::net::SocketAddr;
use std::time::Duration;

use ice_agent::{Candidate, Config, FailureCause, Kind, Role, State};
use net::{World, addr, ms, quiet};
use virtual_network::{Dice, NatKind, Weather};

const SEEDS: u64 = 3000;

/// Every run is over by then: checks end after 39.5 s, and then a nomination among many pairs may
/// be sent seven times, which takes longer the more pairs there are (RFC 8445 §14.3).
const OVER: Duration = Duration::from_secs(160);

/// What stands between the two: nothing, or a NAT.
const KINDS: [Option<NatKind>; 4] = [
    None,
    Some(NatKind::FULL_CONE),
    Some(NatKind::PORT_RESTRICTED),
    Some(NatKind::SYMMETRIC),
];

/// From RFC 4787: whoever lets everybody in is met where he is known. Two others meet where each
/// knows the other's mapping, and that of a symmetric NAT cannot be known before.
///
/// `known` tells who has learned his public address: all four questions to a server can be lost.
fn can_connect(kinds: [Option<NatKind>; 2], known: [bool; 2]) -> bool {
    let met = |node: usize| lets_in(kinds[node]) && known[node];
    let both = known == [true; 2] && !kinds.contains(&Some(NatKind::SYMMETRIC));
    met(0) || met(1) || both
}

fn lets_in(kind: Option<NatKind>) -> bool {
    [None, Some(NatKind::FULL_CONE)].contains(&kind)
}

fn known(world: &World, kinds: [Option<NatKind>; 2]) -> [bool; 2] {
    let reflexive = |candidate: &Candidate| candidate.kind == Kind::ServerReflexive;
    [0, 1].map(|node| kinds[node].is_none() || world.nodes[node].candidates.iter().any(reflexive))
}

/// Two nodes, with what is in front of them.
struct Case {
    kinds: [Option<NatKind>; 2],
    roles: [Role; 2],
    hosts: [Vec<String>; 2],
}

impl Case {
    fn new(dice: &mut Dice) -> Self {
        let kinds = [(); 2].map(|()| KINDS[dice.below(4) as usize]);
        // One in four runs begins with a role conflict.
        let conflict = dice.below(4) == 0;
        let other = [Role::Controlled, Role::Controlling][usize::from(conflict)];
        let hosts = [0, 1].map(|node| {
            let range = if kinds[node].is_some() {
                "10.0"
            } else {
                "198.51"
            };
            let count = 1 + dice.below(4);
            (1..=count)
                .map(|host| format!("{range}.{node}.{host}:5000"))
                .collect()
        });
        Self {
            kinds,
            roles: [Role::Controlling, other],
            hosts,
        }
    }

    /// The two on a network with two STUN servers, of which the first is dead.
    fn world(&self, seed: u64, weather: Weather) -> World {
        let mut world = World::new(seed, weather);
        let servers: [SocketAddr; 2] = ["203.0.113.98:3478", "203.0.113.99:3478"].map(addr);
        world.add_server(servers[1]);
        for node in 0..2 {
            let public = format!("203.0.113.{}", 1 + node);
            let nat = self.kinds[node].map(|kind| world.add_nat(&public, kind));
            let hosts: Vec<&str> = self.hosts[node].iter().map(String::as_str).collect();
            let config = Config {
                role: self.roles[node],
                stun_servers: servers.to_vec(),
                ..Config::default()
            };
            world.add(config, &hosts, nat);
        }
        world
    }
}

fn weather(dice: &mut Dice) -> Weather {
    Weather {
        loss: dice.below(4) as f64 * 5.0,
        duplication: dice.below(3) as f64 * 10.0,
        delay: ms(5 + dice.below(150)),
        jitter: ms(dice.below(100)),
        ..Weather::default()
    }
}

fn print(what: &str, times: &mut [Duration]) -> Duration {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "{what}; median {:?}, 95 % {:?}, worst {:?}",
        at(50),
        at(95),
        at(100)
    );
    at(50)
}

#[test]
fn every_network_ends_in_the_same_pair_or_a_cause() {
    let mut times = Vec::new();
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let case = Case::new(&mut dice);
        let kinds = case.kinds;
        let mut world = case.world(seed, weather(&mut dice));
        world.signalling = ms(dice.below(800));
        for node in 0..2 {
            world.gather(node);
            world.signal_credentials(node, ms(dice.below(2000)));
        }
        let over = world.run(OVER, World::is_over);
        let states = [world.state(0), world.state(1)];
        assert!(over, "seed {seed} {kinds:?}: {states:?}");
        let stays = if can_connect(kinds, known(&world, kinds)) {
            let failures = [&world.nodes[0].failure, &world.nodes[1].failure];
            assert!(
                world.both(State::Completed),
                "seed {seed} {kinds:?}: {failures:?}"
            );
            times.push(world.elapsed());
            // A nomination that the network delivered out of order heals with the next consent.
            assert!(
                world.run(ms(15_000), World::same_pair),
                "seed {seed} {kinds:?}"
            );
            assert_ne!(world.nodes[0].agent.role(), world.nodes[1].agent.role());
            State::Completed
        } else {
            assert!(world.both(State::Failed), "seed {seed} {kinds:?}");
            for node in &world.nodes {
                let failure = node.failure.as_ref().expect("cause");
                // Where the weather took every answer of the STUN servers, UDP seems blocked.
                let no_answer = matches!(
                    failure.cause,
                    FailureCause::NoAnswer { .. } | FailureCause::UdpBlocked { .. }
                );
                assert!(no_answer, "seed {seed} {kinds:?}: {failure}");
            }
            State::Failed
        };
        if seed % 16 == 0 {
            // In bad weather all checks of consent can be lost.
            world.network.set_weather(quiet());
            world.run(ms(120_000), |_| false);
            assert!(world.both(stays), "seed {seed} {kinds:?}");
        }
    }
    let connected = times.len();
    print(
        &format!("{connected} of {SEEDS} networks connected"),
        &mut times,
    );
    assert!(connected as u64 > SEEDS / 2);
}

/// Wherever a NAT forgets its mappings or moves, both sides agree in the end: they are selected
/// pairs of one another that work, or both have failed with a cause.
#[test]
fn networks_that_change_end_in_agreement() {
    let (mut completed, mut failed) = (0, 0);
    for seed in 0..SEEDS / 2 {
        let mut dice = Dice::new(seed);
        let case = Case::new(&mut dice);
        let mut world = case.world(seed, weather(&mut dice));
        world.begin();
        world.run(dice.time(ms(4000)), |_| false);
        let moved = dice.below(2) as usize;
        match (world.nodes[moved].nat, dice.chance(50.0)) {
            (Some(nat), true) => world.network.rebind(nat),
            (Some(nat), false) => world.network.move_nat(nat, addr("203.0.113.7:0").ip()),
            (None, _) => continue,
        }
        let kinds = case.kinds;
        assert!(world.run(OVER, World::is_over), "seed {seed} {kinds:?}");
        // Consent of one side runs out, and then that of the other.
        world.network.set_weather(quiet());
        world.run(ms(70_000), |_| false);
        let states = [world.state(0), world.state(1)];
        let works = |node: &net::Node| node.agent.can_send(world.now());
        if world.both(State::Completed) {
            assert!(world.nodes.iter().all(works), "seed {seed} {kinds:?}");
            completed += 1;
        } else {
            assert!(
                world.both(State::Failed),
                "seed {seed} {kinds:?}: {states:?}"
            );
            assert!(world.nodes.iter().all(|node| node.failure.is_some()));
            // Whoever leads is followed to where its checks come from, if they come.
            let leads = world.nodes[moved].agent.role() == Role::Controlling;
            let reached = lets_in(kinds[1 - moved]) && known(&world, kinds)[1 - moved];
            assert!(
                !leads || !reached,
                "seed {seed} {kinds:?} {:?}",
                world.nodes[moved].failure
            );
            failed += 1;
        }
    }
    println!("{completed} networks connected after a change, {failed} failed");
    assert!(completed > 0 && failed > 0);
}

/// Without loss at a round trip of 50 ms, from the start of gathering.
#[test]
fn a_quiet_network_connects_within_three_round_trips() {
    let mut times = Vec::new();
    for seed in 0..500 {
        let case = Case {
            roles: [Role::Controlling, Role::Controlled],
            ..Case::new(&mut Dice::new(seed))
        };
        if !can_connect(case.kinds, [true; 2]) {
            continue;
        }
        let mut world = case.world(seed, quiet());
        world.signalling = ms(25);
        world.begin();
        let connected =
            |world: &World| (0..2).all(|node| world.nodes[node].agent.can_send(world.now()));
        let kinds = case.kinds;
        assert!(world.run(ms(10_000), connected), "seed {seed} {kinds:?}");
        times.push(world.elapsed());
    }
    let median = print(&format!("{} quiet networks", times.len()), &mut times);
    assert!(median <= ms(150));
}
