//! Two agents on a quiet network: the true path, step by step.

mod net;

use ice_agent::{Event, Kind, Path, Role, SocketId, State, Transport};
use net::{World, addr, controlled, controlling, ms, quiet};
use virtual_network::NatKind;

fn direct() -> World {
    let mut world = World::new(1, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world
}

#[test]
fn two_hosts_connect_in_three_round_trips() {
    let mut world = direct();
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
    assert!(
        world.elapsed() <= world.signalling + ms(150),
        "{:?}",
        world.elapsed()
    );
    let path = |local, remote| Path {
        id: SocketId(0),
        local: addr(local),
        remote: addr(remote),
        transport: Transport::Udp,
    };
    let agent = &world.nodes[0].agent;
    assert!(agent.is_valid(&path("192.0.2.1:5000", "198.51.100.1:6000")));
    assert!(!agent.is_valid(&path("192.0.2.1:5000", "198.51.100.1:6001")));
    for node in &world.nodes {
        let states = [State::Checking, State::Connected, State::Completed];
        assert_eq!(node.states, states);
        assert_eq!(node.agent.rtt(), Some(ms(50)));
    }
}

#[test]
fn data_flows_both_ways_and_only_on_valid_paths() {
    let mut world = direct();
    world.begin();
    assert!(!world.send(0, b"too early"));
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    assert!(world.send(0, b"ping") && world.send(1, b"pong"));
    let (address, to) = (addr("203.0.113.66:7000"), addr("192.0.2.1:5000"));
    let stranger = world.network.add_host(&[address]);
    world.network.send(stranger, address, to, b"stranger");
    world.run(ms(100), |_| false);
    assert_eq!(world.nodes[1].received, [b"ping".to_vec()]);
    assert_eq!(world.nodes[0].received, [b"pong".to_vec()]);
}

#[test]
fn both_roles_conflict_and_one_gives_way() {
    for (one, other) in [(controlling(), controlling()), (controlled(), controlled())] {
        let mut world = World::new(3, quiet());
        world.add(one, &["192.0.2.1:5000"], None);
        world.add(other, &["198.51.100.1:6000"], None);
        world.begin();
        assert!(world.run(ms(5000), |world| world.both(State::Completed)));
        assert!(world.same_pair());
        assert_ne!(world.nodes[0].agent.role(), world.nodes[1].agent.role());
        let conflicts: u64 = world
            .nodes
            .iter()
            .map(|n| n.agent.stats().role_conflicts)
            .sum();
        assert!(conflicts > 0);
    }
}

#[test]
fn a_server_reflexive_candidate_is_found_behind_a_nat() {
    let mut world = World::new(4, quiet());
    let nats = ["203.0.113.1", "203.0.113.2"]
        .map(|public| world.add_nat(public, NatKind::PORT_RESTRICTED));
    let (dead, live) = (addr("203.0.113.98:3478"), addr("203.0.113.99:3478"));
    world.add_server(live);
    for (host, nat, mut config) in [
        ("10.0.0.1:5000", 0, controlling()),
        ("10.0.0.2:5000", 1, controlled()),
    ] {
        config.stun_servers = vec![dead, live];
        world.add(config, &[host], Some(nats[nat]));
    }
    world.begin();
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
    assert!(
        world.nodes.iter().all(|node| node.gathered),
        "a dead server costs nothing"
    );
    assert!(world.elapsed() < ms(1500), "{:?}", world.elapsed());
    let pair = world.nodes[0].agent.selected_pair().expect("selected");
    assert_eq!(
        (pair.local.kind, pair.remote.kind),
        (Kind::ServerReflexive, Kind::ServerReflexive)
    );
    assert_eq!(
        pair.local.related,
        Some(ice_agent::Address::Ip(addr("10.0.0.1:5000")))
    );
}

#[test]
fn a_symmetric_nat_is_met_as_peer_reflexive() {
    let mut world = World::new(5, quiet());
    let nat = world.add_nat("203.0.113.1", NatKind::SYMMETRIC);
    world.add(controlling(), &["10.0.0.1:5000"], Some(nat));
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.begin();
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
    let pair = world.nodes[1].agent.selected_pair().expect("selected");
    assert_eq!(pair.remote.kind, Kind::PeerReflexive);
    let pair = world.nodes[0].agent.selected_pair().expect("selected");
    assert_eq!(pair.local.kind, Kind::PeerReflexive);
}

#[test]
fn a_peer_without_candidates_is_met_by_its_checks() {
    let mut world = direct();
    world.nodes[0].trickles = false;
    world.begin();
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
}

#[test]
fn checks_before_the_credentials_are_answered_and_remembered() {
    let mut world = direct();
    world.gather(0);
    world.gather(1);
    world.signal_credentials(1, ms(20));
    world.signal_credentials(0, ms(300));
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
    // The side that knows goes ahead; the other follows within one round trip.
    let completed = |node: usize| world.nodes[node].reached["completed"] - world.start;
    assert!(completed(0) <= ms(150), "{:?}", completed(0));
    assert!(completed(1) <= ms(360), "{:?}", completed(1));
}

#[test]
fn a_candidate_that_trickles_late_still_connects() {
    let mut world = direct();
    world.nodes[0].trickles = false;
    world.nodes[1].trickles = false;
    world.begin();
    world.run(ms(20_000), |_| false);
    assert!(world.both(State::Checking));
    let now = world.now();
    let late = world.nodes[1].candidates[0].clone();
    world.nodes[0]
        .agent
        .add_remote_candidate(now, late)
        .expect("late");
    world.drain(0);
    assert!(world.run(ms(500), |world| world.both(State::Completed)));
}

#[test]
fn the_better_pair_is_nominated_when_both_work() {
    let mut world = World::new(6, quiet());
    world.add(controlling(), &["192.0.2.1:5000", "192.0.2.9:5000"], None);
    world.add(
        controlled(),
        &["198.51.100.1:6000", "198.51.100.9:6000"],
        None,
    );
    world.begin();
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    let pair = world.nodes[0].agent.selected_pair().expect("selected");
    assert_eq!(pair.local.socket_addr(), Some(addr("192.0.2.1:5000")));
    assert_eq!(pair.remote.socket_addr(), Some(addr("198.51.100.1:6000")));
    assert!(world.same_pair());
}

#[test]
fn a_dead_better_pair_costs_only_the_patience() {
    let mut world = World::new(7, quiet());
    world.add(controlling(), &["192.0.2.1:5000", "192.0.2.9:5000"], None);
    world.add(
        controlled(),
        &["198.51.100.1:6000", "198.51.100.9:6000"],
        None,
    );
    world.network.block(|datagram| {
        let dead = addr("192.0.2.1:5000");
        [datagram.from, datagram.to].contains(&dead)
    });
    world.begin();
    assert!(world.run(ms(5000), |world| world.both(State::Completed)));
    assert!(world.same_pair());
    assert!(world.elapsed() < ms(600), "{:?}", world.elapsed());
}

#[test]
fn events_come_without_a_network() {
    let mut agent = ice_agent::Agent::new(controlled(), net::seed(1)).expect("config");
    let now = net::origin();
    agent
        .add_host(now, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    agent
        .add_host(now, SocketId(1), addr("[2001:db8::1]:5000"))
        .expect("host");
    assert!(
        agent
            .add_host(now, SocketId(2), addr("192.0.2.1:5000"))
            .is_err()
    );
    assert!(
        agent
            .add_host(now, SocketId(2), addr("0.0.0.0:5000"))
            .is_err()
    );
    agent.end_of_local_candidates(now);
    assert!(
        agent
            .add_host(now, SocketId(2), addr("192.0.2.7:5000"))
            .is_err()
    );
    let events: Vec<Event> = std::iter::from_fn(|| agent.poll_event()).collect();
    let [
        Event::LocalCandidate(one),
        Event::LocalCandidate(two),
        Event::GatheringComplete,
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    let ufrag = agent.local_credentials().ufrag();
    assert_eq!(
        one.to_string(),
        format!("candidate:h0 1 udp 2130706431 192.0.2.1 5000 typ host ufrag {ufrag}")
    );
    assert_eq!(
        two.to_string(),
        format!("candidate:h1 1 udp 2130706175 2001:db8::1 5000 typ host ufrag {ufrag}")
    );
    assert_eq!(agent.role(), Role::Controlled);
}
