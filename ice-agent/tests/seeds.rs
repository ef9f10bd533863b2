//! Thousands of random networks: every run ends connected on both sides with the same pair, or
//! failed with a cause, in bounded time.

#![allow(clippy::indexing_slicing)] // helpers of tests

mod net;

use ice_agent::{Config, FailureCause, Role, State};
use net::nat::{Filtering, Mapping, Nat};
use net::{Link, World, addr, ms};

const SEEDS: u64 = 3000;

/// What stands between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    FullCone,
    PortRestricted,
    Symmetric,
}

const KINDS: [Kind; 4] = [
    Kind::Open,
    Kind::FullCone,
    Kind::PortRestricted,
    Kind::Symmetric,
];

impl Kind {
    fn nat(self, public: &str) -> Option<Nat> {
        let (mapping, filtering) = match self {
            Self::Open => return None,
            Self::FullCone => (Mapping::EndpointIndependent, Filtering::EndpointIndependent),
            Self::PortRestricted => (
                Mapping::EndpointIndependent,
                Filtering::AddressAndPortDependent,
            ),
            Self::Symmetric => (
                Mapping::AddressAndPortDependent,
                Filtering::AddressAndPortDependent,
            ),
        };
        Some(Nat::new(public, mapping, filtering))
    }
}

/// From RFC 4787: a symmetric NAT's next mapping cannot be guessed, so that one that lets in only
/// whom it sent to can never be met from behind it.
fn can_connect(one: Kind, other: Kind) -> bool {
    let closed = |kind| matches!(kind, Kind::Symmetric | Kind::PortRestricted);
    let symmetric = one == Kind::Symmetric || other == Kind::Symmetric;
    !(symmetric && closed(one) && closed(other))
}

struct Case {
    world: World,
    kinds: [Kind; 2],
}

fn case(seed: u64) -> Case {
    let mut world = World::new(seed, Link::default());
    let (loss, duplicate) = (world.below(4) * 5, world.below(3) * 10);
    let (delay, jitter) = (5 + world.below(150), world.below(100));
    world.link = Link {
        loss,
        duplicate,
        delay: ms(delay),
        jitter: ms(jitter),
    };
    world.signalling = ms(world.below(800));
    let servers = [addr("203.0.113.98:3478"), addr("203.0.113.99:3478")];
    world.servers.push(servers[1]);
    let mut kinds = [Kind::Open; 2];
    for (node, slot) in kinds.iter_mut().enumerate() {
        let kind = KINDS[world.below(4) as usize];
        *slot = kind;
        let public = format!("203.0.113.{}", 1 + node);
        let behind = kind.nat(&public).map(|nat| {
            world.nats.push(nat);
            world.nats.len() - 1
        });
        let range = if behind.is_some() { "10.0" } else { "198.51" };
        let hosts: Vec<String> = (0..=world.below(3))
            .map(|n| format!("{range}.{node}.{}:5000", n + 1))
            .collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        // One in four runs begins with a role conflict.
        let role = match (node, world.below(4)) {
            (0, _) | (1, 0) => Role::Controlling,
            _ => Role::Controlled,
        };
        let config = Config {
            role,
            stun_servers: servers.to_vec(),
            ..Config::default()
        };
        world.add(config, &hosts, behind);
    }
    for node in 0..2 {
        world.gather(node);
        let after = ms(world.below(2000));
        world.signal_credentials(node, after);
    }
    Case { world, kinds }
}

#[test]
fn every_network_ends_in_the_same_pair_or_a_cause() {
    let (mut connected, mut times) = (0, Vec::new());
    for seed in 0..SEEDS {
        let Case { mut world, kinds } = case(seed);
        let over = world.run(ms(80_000), World::is_over);
        assert!(
            over,
            "seed {seed} {kinds:?}: {:?} {:?}",
            world.state(0),
            world.state(1)
        );
        if can_connect(kinds[0], kinds[1]) {
            assert!(
                world.both(State::Completed),
                "seed {seed} {kinds:?}: {:?} {:?}",
                world.nodes[0].failure,
                world.nodes[1].failure
            );
            times.push(world.elapsed());
            connected += 1;
            // A nomination that the network delivered out of order heals with the next consent.
            assert!(
                world.run(ms(15_000), World::same_pair),
                "seed {seed} {kinds:?}"
            );
            assert_ne!(world.nodes[0].agent.role(), world.nodes[1].agent.role());
        } else {
            assert!(world.both(State::Failed), "seed {seed} {kinds:?}");
            for node in &world.nodes {
                let failure = node.failure.as_ref().expect("cause");
                let no_answer = matches!(failure.cause, FailureCause::NoAnswer { .. });
                assert!(no_answer, "seed {seed} {kinds:?}: {failure}");
            }
        }
        if seed % 16 == 0 {
            world.run(ms(120_000), |_| false);
            let stays = if can_connect(kinds[0], kinds[1]) {
                State::Completed
            } else {
                State::Failed
            };
            assert!(world.both(stays), "seed {seed} {kinds:?}");
        }
    }
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "{connected} of {SEEDS} networks connected; median {:?}, 95 % {:?}, worst {:?}",
        at(50),
        at(95),
        at(100)
    );
    assert!(connected > SEEDS / 2);
}
