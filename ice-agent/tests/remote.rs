//! What the peer signals: trickled candidates, bounds, generations, nominations.
#![allow(clippy::expect_used)] // helpers of tests

mod net;

use ice_agent::{Agent, Candidate, Config, Credentials, Event, RemoteError, SocketId, State};
use net::{World, addr, controlled, controlling, ms, origin, quiet, seed};

fn candidate(text: &str) -> Candidate {
    text.parse().expect(text)
}

fn remote() -> Credentials {
    Credentials::new("abcd", "0123456789012345678901").expect("valid")
}

#[test]
fn candidates_are_bounded_before_and_after_the_credentials() {
    let now = origin();
    let config = Config {
        max_remote_candidates: 4,
        ..controlled()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    for port in 1..=4 {
        let text = format!("1 1 udp 7 192.0.2.9 {port} typ host");
        assert_eq!(agent.add_remote_candidate(now, candidate(&text)), Ok(()));
        assert_eq!(
            agent.add_remote_candidate(now, candidate(&text)),
            Ok(()),
            "known"
        );
    }
    let fifth = candidate("1 1 udp 7 192.0.2.9 5 typ host");
    assert_eq!(
        agent.add_remote_candidate(now, fifth.clone()),
        Err(RemoteError::TooMany)
    );
    agent.set_remote_credentials(now, remote()).expect("first");
    assert_eq!(
        agent.add_remote_candidate(now, fifth),
        Err(RemoteError::TooMany)
    );
    assert_eq!(agent.stats().over_bound, 2);
}

#[test]
fn pairs_are_bounded_and_the_best_are_kept() {
    let now = origin();
    let config = Config {
        max_pairs: 10,
        ..controlled()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    agent
        .add_host(now, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    agent.set_remote_credentials(now, remote()).expect("first");
    for number in 1..=40 {
        let text = format!(
            "{number} 1 udp {} 192.0.2.9 {number} typ host",
            number * 1000
        );
        agent
            .add_remote_candidate(now, candidate(&text))
            .expect("candidate");
    }
    let pairs = agent.pairs();
    assert_eq!(pairs.len(), 10);
    // The first went out at once and cannot be taken back; the rest are the nine best.
    let ports: Vec<u16> = pairs
        .iter()
        .map(|pair| pair.remote.address.port())
        .collect();
    assert_eq!(ports, [40, 39, 38, 37, 36, 35, 34, 33, 32, 1]);
    let worse = candidate("99 1 udp 7 192.0.2.9 99 typ host");
    agent
        .add_remote_candidate(now, worse)
        .expect("kept, not paired");
    let kept = agent
        .pairs()
        .iter()
        .all(|pair| pair.remote.address.port() != 99);
    assert!(kept && agent.pairs().len() == 10);
}

#[test]
fn other_components_and_generations_are_refused() {
    let now = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    agent
        .add_host(now, SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    let component = candidate("1 2 udp 7 192.0.2.9 5 typ host");
    assert_eq!(
        agent.add_remote_candidate(now, component),
        Err(RemoteError::OtherComponent(2))
    );
    let stale = candidate("1 1 udp 7 192.0.2.9 5 typ host ufrag old1");
    // Kept while nobody knows which credentials are right, dropped when they come.
    assert_eq!(agent.add_remote_candidate(now, stale.clone()), Ok(()));
    agent.set_remote_credentials(now, remote()).expect("first");
    assert!(agent.pairs().is_empty());
    assert_eq!(
        agent.add_remote_candidate(now, stale),
        Err(RemoteError::OtherGeneration)
    );
    let fresh = candidate("1 1 udp 7 192.0.2.9 5 typ host ufrag abcd");
    assert_eq!(agent.add_remote_candidate(now, fresh), Ok(()));
    assert_eq!(agent.pairs().len(), 1);
    assert_eq!(
        agent.set_remote_credentials(now, remote()),
        Ok(()),
        "the same again"
    );
    let other = Credentials::new("efgh", "0123456789012345678901").expect("valid");
    assert_eq!(
        agent.set_remote_credentials(now, other),
        Err(RemoteError::CredentialsChanged)
    );
}

#[test]
fn link_local_addresses_pair_among_themselves_on_their_link() {
    let now = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    for (id, host) in [(0, "[fe80::1%3]:5000"), (1, "[2001:db8::1]:5000")] {
        agent.add_host(now, SocketId(id), addr(host)).expect("host");
    }
    agent.set_remote_credentials(now, remote()).expect("first");
    for text in [
        "1 1 udp 7 fe80::9 5 typ host",
        "2 1 udp 9 2001:db8::9 5 typ host",
    ] {
        agent
            .add_remote_candidate(now, candidate(text))
            .expect(text);
    }
    let ends = |pair: &ice_agent::PairReport| pair.local.foundation == pair.remote.foundation;
    assert_eq!(agent.pairs().iter().filter(|pair| !ends(pair)).count(), 2);
    let mut out = bytes::BytesMut::new();
    let first = agent.poll_transmit(&mut out).expect("at once");
    assert_eq!(first.path.remote, addr("[fe80::9%3]:5"));
    assert_eq!(first.path.local, addr("[fe80::1%3]:5000"));
}

#[test]
fn a_name_is_handed_to_the_owner_once() {
    let now = origin();
    let mut agent = Agent::new(controlled(), seed(1)).expect("config");
    let named = candidate("1 1 udp 7 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5 typ host");
    assert!(named.address.is_mdns());
    agent
        .add_remote_candidate(now, named.clone())
        .expect("named");
    agent
        .add_remote_candidate(now, named.clone())
        .expect("named");
    assert_eq!(agent.poll_event(), Some(Event::Unresolved(named)));
    assert_eq!(agent.poll_event(), None);
}

#[test]
fn a_signalled_candidate_names_a_peer_reflexive_one() {
    let mut world = World::new(1, quiet());
    world.add(controlling(), &["192.0.2.1:5000"], None);
    world.add(controlled(), &["198.51.100.1:6000"], None);
    world.nodes[0].trickles = false;
    world.begin();
    assert!(world.run(ms(2000), |world| world.both(State::Completed)));
    let kind = |world: &World| {
        world.nodes[1]
            .agent
            .selected_pair()
            .expect("pair")
            .remote
            .kind
    };
    assert_eq!(kind(&world), ice_agent::Kind::PeerReflexive);
    let (now, late) = (world.now(), world.nodes[0].candidates[0].clone());
    world.nodes[1]
        .agent
        .add_remote_candidate(now, late)
        .expect("late");
    assert_eq!(kind(&world), ice_agent::Kind::Host);
    assert!(world.same_pair());
}

#[test]
fn the_ufrag_begins_with_the_prefix_and_names_the_agent_of_a_request() {
    let config = |prefix: &str| Config {
        ufrag_prefix: prefix.into(),
        ..controlled()
    };
    let mut world = World::new(2, quiet());
    world.add(config("w07"), &["192.0.2.1:5000"], None);
    let ufrag = world.nodes[0].agent.local_credentials().ufrag().to_owned();
    assert!(ufrag.starts_with("w07") && ufrag.len() == 11);
    let now = origin();
    let mut peer = Agent::new(controlling(), seed(9)).expect("config");
    peer.add_host(now, SocketId(0), addr("198.51.100.1:6000"))
        .expect("host");
    peer.add_remote_candidate(now, candidate("1 1 udp 7 192.0.2.1 5000 typ host"))
        .expect("one");
    let credentials = world.nodes[0].agent.local_credentials().clone();
    peer.set_remote_credentials(now, credentials)
        .expect("first");
    let mut out = bytes::BytesMut::new();
    let check = peer.poll_transmit(&mut out).expect("a check at once");
    let check = &out[check.range];
    assert_eq!(ice_agent::local_ufrag(check), Some(ufrag.as_str()));
    assert_eq!(ice_agent::local_ufrag(&check[..check.len() - 1]), None);
    assert!(Agent::new(config("has space"), seed(1)).is_err());
}

#[test]
fn undrained_events_are_bounded_and_the_last_are_kept() {
    let now = origin();
    let config = Config {
        max_remote_candidates: 1000,
        ..controlled()
    };
    let mut agent = Agent::new(config, seed(1)).expect("config");
    for number in 0..600 {
        let text = format!("1 1 udp 7 h{number}.local 5 typ host");
        agent
            .add_remote_candidate(now, candidate(&text))
            .expect("room");
    }
    agent.close(now);
    let events: Vec<Event> = std::iter::from_fn(|| agent.poll_event()).collect();
    assert_eq!(events.len(), 256);
    assert_eq!(events.last(), Some(&Event::StateChanged(State::Closed)));
    assert_eq!(agent.stats().event_overflow, 601 - 256);
}
