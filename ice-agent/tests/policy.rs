//! Policies: kinds of candidates, networks, ports, preference, and the NATs that an agent is told of.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod net;

use std::time::Duration;

use ice_agent::{
    AddHostError, Agent, Config, Event, Kind, Kinds, Local, Nat64, Network, OneToOne, Policy, Port,
    Preference, SocketId, State, TurnServer, Wanted,
};
use net::{World, addr, controlled, controlling, login, ms, origin, quiet, seed};
use virtual_network::NatKind;

const STUN: &str = "192.0.2.77:3478";
const TURN: &str = "192.0.2.99:3478";

fn with(policy: Policy) -> Config {
    Config {
        policy,
        stun_servers: vec![addr(STUN)],
        turn_servers: vec![login(TurnServer::udp(addr(TURN)))],
        ..controlling()
    }
}

/// The left agent has the policy and a NAT of a wide kind, the right one is public.
fn world(policy: Policy) -> World {
    let mut world = World::new(4, quiet());
    world.add_server(addr(STUN));
    world.add_turn(TURN);
    let nat = world.add_nat("203.0.113.1", NatKind::FULL_CONE);
    world.add(with(policy), &["10.0.0.1:5000"], Some(nat));
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(Duration::from_secs(5), |world| world.both(State::Completed)));
    world.run(ms(500), |_| false);
    world
}

fn kinds(world: &World) -> Vec<Kind> {
    let candidates = world.nodes[0].candidates.iter();
    candidates.map(|candidate| candidate.kind.clone()).collect()
}

fn used(world: &World) -> Kind {
    world.nodes[0]
        .agent
        .selected_pair()
        .expect("a pair")
        .local
        .kind
}

#[test]
fn all_kinds_are_used_by_default() {
    let world = world(Policy::default());
    let mut kinds = kinds(&world);
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, [Kind::Host, Kind::Relayed, Kind::ServerReflexive]);
    assert_ne!(used(&world), Kind::Relayed);
}

#[test]
fn without_host_candidates_no_address_of_ours_is_told() {
    let world = world(Policy {
        kinds: Kinds {
            host: false,
            ..Kinds::ALL
        },
        ..Policy::default()
    });
    assert!(!kinds(&world).contains(&Kind::Host));
    let told = world.nodes[0].candidates.iter().map(ToString::to_string);
    for text in told {
        assert!(!text.contains("10.0.0.1"), "{text}");
    }
    assert_eq!(used(&world), Kind::ServerReflexive);
}

#[test]
fn without_relays_no_turn_server_is_asked() {
    let world = world(Policy {
        kinds: Kinds {
            relayed: false,
            ..Kinds::ALL
        },
        ..Policy::default()
    });
    assert!(world.turns[0].1.requests.is_empty());
    assert_eq!(kinds(&world), [Kind::Host, Kind::ServerReflexive]);
}

#[test]
fn relays_can_be_preferred() {
    let world = world(Policy {
        preference: Preference::Relayed,
        ..Policy::default()
    });
    assert_eq!(used(&world), Kind::Relayed);
    assert!(world.same_pair());
}

#[test]
fn networks_bound_both_sides() {
    let now = origin();
    let network = Network {
        address: addr("10.0.0.0:0").ip(),
        prefix: 8,
    };
    let config = Config {
        policy: Policy {
            networks: vec![network],
            ..Policy::default()
        },
        ..controlling()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    let outside = addr("192.0.2.1:5000");
    let refused = Err(AddHostError::NotAllowed(outside.ip()));
    assert_eq!(agent.add_host(now, SocketId(0), outside), refused);
    assert_eq!(
        agent.gather(now, Local::Ip(outside.ip())).map(drop),
        refused
    );
    agent
        .add_host(now, SocketId(0), addr("10.0.0.1:5000"))
        .expect("inside");
    let peer = ice_agent::Credentials::new("peer", "0123456789012345678901").expect("valid");
    agent.set_remote_credentials(now, peer).expect("first");
    for (text, pairs) in [("192.0.2.7", 0), ("10.9.9.9", 1)] {
        let text = format!("1 1 udp 2130706431 {text} 6000 typ host");
        agent
            .add_remote_candidate(now, text.parse().expect("sound"))
            .expect("kept");
        assert_eq!(agent.pairs().len(), pairs);
    }
}

#[test]
fn sockets_are_asked_for_in_the_range_of_ports() {
    let now = origin();
    let config = with(Policy {
        ports: Some(40_000..=40_010),
        ..Policy::default()
    });
    let mut agent = Agent::new(config, seed(1)).expect("config");
    agent
        .gather(now, Local::Ip(addr("10.0.0.1:0").ip()))
        .expect("early enough");
    let mut asked = 0;
    while let Some(event) = agent.poll_event() {
        if let Event::Open(open) = event {
            let Wanted::Udp { port, .. } = open.what else {
                panic!("{open:?}");
            };
            let (least, most) = (40_000, 40_010);
            assert_eq!(port, Port::Within { least, most });
            asked += 1;
        }
    }
    // Its own, and one towards the TURN server.
    assert_eq!(asked, 2);
}

#[test]
fn a_one_to_one_nat_is_told_in_place_of_ours() {
    let mut world = World::new(4, quiet());
    // Ports are kept by this kind: the first one is given out as 40 000.
    let nat = world.add_nat("203.0.113.1", NatKind::FULL_CONE);
    let config = Config {
        policy: Policy {
            one_to_one: vec![OneToOne {
                inner: addr("10.0.0.1:0").ip(),
                outer: addr("203.0.113.1:0").ip(),
            }],
            ..Policy::default()
        },
        ..controlling()
    };
    world.add(config, &["10.0.0.1:40000"], Some(nat));
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(3000), |world| world.both(State::Completed)));
    let [candidate] = &world.nodes[0].candidates[..] else {
        panic!("{:?}", world.nodes[0].candidates);
    };
    assert_eq!(candidate.kind, Kind::Host);
    assert_eq!(candidate.socket_addr(), Some(addr("203.0.113.1:40000")));
    // What the peer sees is this candidate, and no other.
    assert_eq!(used(&world), Kind::Host);
    assert!(world.same_pair());
}

#[test]
fn ipv4_is_reached_through_a_nat64() {
    let now = origin();
    let config = Config {
        stun_servers: vec![addr("192.0.2.77:3478")],
        policy: Policy {
            nat64: Some(Nat64::default()),
            ..Policy::default()
        },
        ..controlling()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    agent
        .add_host(now, SocketId(0), addr("[2001:db8::1]:5000"))
        .expect("host");
    let peer = ice_agent::Credentials::new("peer", "0123456789012345678901").expect("valid");
    agent.set_remote_credentials(now, peer).expect("first");
    let text = "1 1 udp 2130706431 198.51.100.1 6000 typ host";
    agent
        .add_remote_candidate(now, text.parse().expect("sound"))
        .expect("kept");
    let mut to = Vec::new();
    for step in 0..4 {
        let mut out = bytes::BytesMut::new();
        while let Some(sent) = agent.poll_transmit(&mut out) {
            assert_eq!(sent.path.local, addr("[2001:db8::1]:5000"));
            to.push(sent.path.remote);
        }
        agent.handle_timeout(now + ms(50 * step));
    }
    to.sort();
    to.dedup();
    let expected = ["[64:ff9b::192.0.2.77]:3478", "[64:ff9b::198.51.100.1]:6000"];
    assert_eq!(to, expected.map(addr));
}
