//! Relayed candidates: an agent with TURN servers, over a network in virtual time.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod net;

use std::time::Duration;

use ice_agent::{
    Address, Agent, CandidateStats, CheckState, Config, ConfigError, FailureCause, Kind, Kinds,
    OpenError, Policy, Role, ServerOutcome, Side, State, Transport, TurnCause, TurnServer, Wanted,
};
use net::{World, addr, controlled, controlling, login, ms, quiet};
use stun_codec::Method;
use virtual_network::NatKind;

const SERVER: &str = "192.0.2.99:3478";
const SECOND: &str = "192.0.2.98:3478";
const STUN: &str = "192.0.2.77:3478";

fn turn(config: Config, servers: &[TurnServer]) -> Config {
    let turn_servers = servers.iter().cloned().map(login).collect();
    Config {
        turn_servers,
        ..config
    }
}

fn over_udp() -> TurnServer {
    TurnServer::udp(addr(SERVER))
}

fn relay_only(config: Config) -> Config {
    let policy = Policy {
        kinds: Kinds::RELAY_ONLY,
        ..Policy::default()
    };
    Config { policy, ..config }
}

/// Two hosts, each behind a NAT that gives each remote another port: no direct way. Both ask a STUN
/// server: a relay lets in only addresses that it was told.
fn apart(mut left: Config, mut right: Config) -> World {
    let mut world = World::new(3, quiet());
    world.add_server(addr(STUN));
    for config in [&mut left, &mut right] {
        config.stun_servers = vec![addr(STUN)];
    }
    world.add_turn(SERVER);
    world.add_turn(SECOND);
    let nats =
        ["203.0.113.1", "203.0.113.2"].map(|public| world.add_nat(public, NatKind::SYMMETRIC));
    world.add(left, &["10.0.0.1:5000"], Some(nats[0]));
    world.add(right, &["10.1.0.1:6000"], Some(nats[1]));
    world
}

fn connects(world: &mut World) {
    world.begin();
    let done = world.run(Duration::from_secs(30), |world| {
        world.both(State::Completed)
    });
    assert!(done, "{:?} {:?}", world.state(0), world.nodes[0].failure);
}

fn talks(world: &mut World) {
    for node in 0..2 {
        let before = world.nodes[1 - node].received.len();
        for word in ["one", "four", "eleven", "fourteen bytes"] {
            assert!(world.send(node, word.as_bytes()));
        }
        world.run(ms(300), |_| false);
        let heard = &world.nodes[1 - node].received[before..];
        assert_eq!(
            heard,
            ["one", "four", "eleven", "fourteen bytes"].map(|w| w.as_bytes())
        );
    }
}

fn selected(world: &World, node: usize) -> (Kind, Kind) {
    let pair = world.nodes[node].agent.selected_pair().expect("a pair");
    (pair.local.kind, pair.remote.kind)
}

#[test]
fn a_relay_joins_two_hosts_that_no_direct_way_joins() {
    let mut world = apart(turn(controlling(), &[over_udp()]), controlled());
    connects(&mut world);
    assert!(world.same_pair());
    assert_eq!(selected(&world, 0).0, Kind::Relayed);
    assert_eq!(selected(&world, 1).1, Kind::Relayed);
    talks(&mut world);
    // Data goes over a channel, which is bound for this pair alone.
    let server = &world.turns[0].1;
    let allocation = server.allocations.values().next().expect("an allocation");
    assert_eq!(allocation.channels.len(), 1);
}

#[test]
fn both_sides_may_have_relays_and_nothing_else() {
    let (left, right) = (relay_only(controlling()), relay_only(controlled()));
    let servers = [over_udp()];
    let mut world = apart(turn(left, &servers), turn(right, &servers));
    connects(&mut world);
    assert_eq!(selected(&world, 0), (Kind::Relayed, Kind::Relayed));
    talks(&mut world);
    for node in &world.nodes {
        // The peer learns no address of ours, not even as a related one.
        let [candidate] = &node.candidates[..] else {
            panic!("{:?}", node.candidates);
        };
        assert_eq!(candidate.kind, Kind::Relayed);
        assert!(candidate.to_string().contains("raddr 0.0.0.0 rport 0"));
    }
}

#[test]
fn the_relay_is_kept_and_consent_renewed_for_an_hour() {
    let mut world = apart(turn(relay_only(controlling()), &[over_udp()]), controlled());
    connects(&mut world);
    for _ in 0..12 {
        world.run(Duration::from_secs(300), |world| {
            world.state(0).is_finished()
        });
        assert!(world.both(State::Completed));
        talks(&mut world);
    }
    let server = &world.turns[0].1;
    let refreshes = server
        .requests
        .iter()
        .filter(|(method, _)| *method == Method::REFRESH);
    assert!(refreshes.count() >= 6);
}

#[test]
fn connections_are_asked_for_only_when_udp_gave_nothing_in_time() {
    let tcp = TurnServer::tcp(addr(SECOND));
    let mut world = apart(
        turn(controlling(), &[over_udp(), tcp.clone()]),
        controlled(),
    );
    connects(&mut world);
    let is_udp = |what: &Wanted| matches!(what, Wanted::Udp { .. });
    assert!(world.nodes[0].asked.iter().all(is_udp));

    let config = turn(controlling(), &[over_udp(), tcp]);
    let mut world = apart(config.clone(), controlled());
    world.turns[0].1.rules.dead = true;
    world.begin();
    world.run(config.stream_patience - ms(1), |_| false);
    assert!(world.nodes[0].asked.iter().all(is_udp));
    let done = world.run(Duration::from_secs(3), |world| world.both(State::Completed));
    assert!(done);
    assert!(world.nodes[0].asked.iter().any(|what| !is_udp(what)));
    let reports = world.nodes[0].agent.servers();
    assert!(reports.iter().any(|report| {
        report.transport == Transport::Tcp && matches!(report.outcome, ServerOutcome::Relaying(_))
    }));
    talks(&mut world);
}

#[test]
fn a_dead_server_costs_nothing() {
    let mut slow = Vec::new();
    for dead in [false, true] {
        let second = TurnServer::udp(addr(SECOND));
        let mut world = apart(turn(controlling(), &[over_udp(), second]), controlled());
        world.turns[0].1.rules.dead = dead;
        connects(&mut world);
        slow.push(world.elapsed());
    }
    assert!(slow[1] <= slow[0] + ms(50), "{slow:?}");
}

#[test]
fn nobody_is_let_in_before_a_check_goes_there_and_nobody_else_is() {
    let mut world = World::new(4, quiet());
    world.add_turn(SERVER);
    // The direct pair is answered within the first tick of the relayed ones.
    world.add(
        turn(controlling(), &[over_udp()]),
        &["192.0.2.1:5000"],
        None,
    );
    world.add(controlled(), &["198.51.100.1:6000"], None);
    connects(&mut world);
    let server = &world.turns[0].1;
    let permissions = |server: &net::turn::Server| {
        let all = server.allocations.values();
        all.map(|one| one.permissions.len()).sum::<usize>()
    };
    assert!(permissions(server) <= 1, "{:?}", server.requests);
    assert_eq!(selected(&world, 0), (Kind::Host, Kind::Host));
    let channels = server.allocations.values().map(|one| one.channels.len());
    assert_eq!(channels.sum::<usize>(), 0);
}

#[test]
fn relays_are_given_back_once_a_direct_pair_has_held() {
    for keep in [false, true] {
        let mut config = turn(controlling(), &[over_udp()]);
        config.relay_release = (!keep).then_some(Duration::from_secs(12));
        let mut world = World::new(5, quiet());
        world.add_turn(SERVER);
        world.add(config, &["192.0.2.1:5000"], None);
        world.add(controlled(), &["198.51.100.1:6000"], None);
        connects(&mut world);
        world.run(Duration::from_secs(11), |_| false);
        assert_eq!(world.turns[0].1.allocations.len(), 1);
        world.run(Duration::from_secs(5), |_| false);
        assert_eq!(world.turns[0].1.allocations.len(), usize::from(keep));
        assert_eq!(world.nodes[0].opened.len(), usize::from(keep));
        assert!(world.both(State::Completed));
        talks(&mut world);
    }
}

#[test]
fn the_relay_in_use_is_not_given_back() {
    let mut world = apart(turn(controlling(), &[over_udp()]), controlled());
    connects(&mut world);
    world.run(Duration::from_secs(120), |_| false);
    assert_eq!(world.turns[0].1.allocations.len(), 1);
    talks(&mut world);
}

#[test]
fn the_end_gives_the_relay_back() {
    let mut world = apart(turn(controlling(), &[over_udp()]), controlled());
    connects(&mut world);
    let now = world.now();
    world.nodes[0].agent.close(now);
    world.drain(0);
    world.run(ms(100), |_| false);
    assert!(world.turns[0].1.allocations.is_empty());
    assert!(world.nodes[0].opened.is_empty(), "its sockets are closed");
}

#[test]
fn a_restart_goes_on_over_the_same_relay() {
    let mut world = apart(turn(controlling(), &[over_udp()]), controlled());
    connects(&mut world);
    for from in [0, 1] {
        world.restart(from);
        let mut heard = 0;
        for _ in 0..40 {
            assert!(world.send(0, b"media"), "no gap");
            world.run(ms(50), |_| false);
            heard += 1;
        }
        world.run(ms(200), |_| false);
        assert_eq!(heard, world.nodes[1].received.len());
        world.nodes[1].received.clear();
        let done = world.run(Duration::from_secs(10), |world| {
            world.both(State::Completed)
        });
        assert!(done);
        assert_eq!(world.nodes[0].agent.stats().restarts, from as u64 + 1);
    }
    assert_eq!(world.turns[0].1.allocations.len(), 1);
    talks(&mut world);
}

fn fails(mut world: World) -> (FailureCause, World) {
    world.begin();
    let over = world.run(Duration::from_secs(60), |world| {
        world.state(0).is_finished()
    });
    assert!(over);
    let failure = world.nodes[0].failure.take().expect("a failure");
    (failure.cause, world)
}

#[test]
fn a_wrong_password_is_named() {
    let config = Config {
        turn_servers: vec![over_udp().with_credentials("alice", "wrong")],
        ..controlling()
    };
    let (cause, _) = fails(apart(config, controlled()));
    let FailureCause::TurnUnauthorised { server, cause, .. } = cause else {
        panic!("{cause}");
    };
    assert_eq!(server, addr(SERVER));
    assert!(
        matches!(
            cause,
            TurnCause::WrongPassword { .. } | TurnCause::TimedOut { .. }
        ),
        "{cause}"
    );
}

#[test]
fn a_refused_certificate_is_named() {
    let config = turn(
        relay_only(controlling()),
        &[TurnServer::tls(addr(SERVER), "turn.example.org")],
    );
    let mut world = apart(config, controlled());
    world.nodes[0].no_streams = Some(OpenError::CertificateName);
    let (cause, world) = fails(world);
    assert!(
        matches!(cause, FailureCause::TurnCertificate { .. }),
        "{cause}"
    );
    assert!(cause.to_string().contains("turn.example.org"), "{cause}");
    // There is nothing to wait for.
    assert!(world.elapsed() < Duration::from_secs(1));
}

#[test]
fn an_unreachable_server_is_named() {
    let config = turn(relay_only(controlling()), &[TurnServer::tcp(addr(SERVER))]);
    let mut world = apart(config, controlled());
    world.nodes[0].no_streams = Some(OpenError::Refused);
    let (cause, _) = fails(world);
    assert!(
        matches!(cause, FailureCause::TurnUnreachable { .. }),
        "{cause}"
    );
}

#[test]
fn blocked_udp_is_known_within_five_seconds_and_a_connection_helps() {
    let tcp = TurnServer::tcp(addr(SECOND));
    let config = turn(controlling(), &[over_udp(), tcp]);
    let mut world = apart(config, controlled());
    world.block_udp(&["10.0.0.1"]);
    let start = world.now();
    connects(&mut world);
    assert_eq!(selected(&world, 0).0, Kind::Relayed);
    talks(&mut world);
    world.run(Duration::from_secs(5), |_| false);
    // Relayed datagrams come over the connection: they do not speak for UDP.
    let known = world.nodes[0].udp_blocked.expect("known");
    assert!(known - start <= Duration::from_secs(5) + ms(100));
}

#[test]
fn blocked_udp_is_the_cause_where_nothing_helps() {
    let config = turn(controlling(), &[over_udp()]);
    let mut world = apart(config, controlled());
    world.block_udp(&["10.0.0.1"]);
    let (cause, _) = fails(world);
    assert!(
        matches!(
            cause,
            FailureCause::UdpBlocked {
                asked: 2,
                streams: false
            }
        ),
        "{cause}"
    );
}

#[test]
fn a_peer_that_the_server_forbids_is_told_as_such() {
    let mut world = apart(turn(relay_only(controlling()), &[over_udp()]), controlled());
    world.turns[0].1.rules.refuse = Some((Method::CREATE_PERMISSION, 403));
    world.begin();
    world.run(Duration::from_secs(60), |world| {
        world.state(0).is_finished()
    });
    let failure = world.nodes[0].failure.take().expect("a failure");
    assert!(failure.to_string().contains("403"), "{failure}");
    assert!(
        failure
            .pairs
            .iter()
            .all(|pair| pair.state == CheckState::Failed)
    );
    assert!(failure.pairs.iter().all(|pair| pair.checks_sent == 0));
}

#[test]
fn an_allocation_that_is_lost_takes_its_pair_along() {
    let second = TurnServer::udp(addr(SECOND));
    let mut config = turn(relay_only(controlling()), &[over_udp(), second]);
    config.relay_release = None;
    let mut world = apart(config, controlled());
    connects(&mut world);
    // The socket of the relay in use is closed under it.
    let local = world.nodes[0].agent.selected_pair().expect("a pair").local;
    let now = world.now();
    let client = |(_, server): &(_, net::turn::Server)| {
        let mut all = server.allocations.iter();
        let found = all.find(|(_, one)| local.address == Address::Ip(one.relayed));
        found.map(|_| server.address)
    };
    let used = world.turns.iter().find_map(client).expect("a server");
    let ids: Vec<_> = world.nodes[0].opened.keys().copied().collect();
    let servers = [addr(SERVER), addr(SECOND)];
    let at = servers
        .iter()
        .position(|server| *server == used)
        .expect("known");
    world.nodes[0].opened.remove(&ids[at]);
    world.nodes[0].agent.handle_closed(now, ids[at]);
    world.drain(0);
    let done = world.run(Duration::from_secs(30), |world| {
        world.both(State::Completed) && world.same_pair()
    });
    assert!(done);
    talks(&mut world);
}

#[test]
fn a_server_that_could_not_be_asked_is_refused_at_once() {
    let streams = TurnServer::tcp(addr(SERVER)).with_tcp_relay();
    let nowhere = TurnServer::udp(addr("0.0.0.0:3478"));
    let new = |server: TurnServer| {
        let config = Config {
            role: Role::Controlled,
            turn_servers: vec![server],
            ..Config::default()
        };
        Agent::new(config, [1; 32]).map(drop)
    };
    assert_eq!(new(streams), Err(ConfigError::RelayedStreams(addr(SERVER))));
    assert!(matches!(new(nowhere), Err(ConfigError::TurnServer { .. })));
}

#[test]
fn statistics_count_what_went_over_each_pair() {
    let mut world = apart(turn(controlling(), &[over_udp()]), controlled());
    connects(&mut world);
    talks(&mut world);
    let start = world.now();
    world.run(Duration::from_secs(60), |_| false);
    let agent = &world.nodes[0].agent;
    let pairs = agent.candidate_pair_stats();
    let used: Vec<_> = pairs.iter().filter(|pair| pair.nominated).collect();
    let [pair] = used[..] else {
        panic!("{pairs:?}");
    };
    assert_eq!((pair.packets_sent, pair.packets_received), (4, 4));
    assert_eq!((pair.bytes_sent, pair.bytes_received), (27, 27));
    assert!(pair.last_packet_sent.is_some_and(|at| at <= start));
    assert!(pair.last_packet_received.is_some_and(|at| at <= start));
    // To the relay and to the peer, there and back.
    assert_eq!(pair.current_round_trip_time, Some(ms(100)));
    assert!((9..=15).contains(&pair.consent_requests_sent), "{pair:?}");
    let answered = pair.consent_requests_sent + 1;
    assert!(pair.responses_received >= answered);
    assert!(pair.total_round_trip_time >= ms(100) * u32::try_from(answered).expect("few"));
    assert!(pair.requests_received >= 9 && pair.responses_sent == pair.requests_received);
    assert!(pair.requests_sent >= 1);
    let others = pairs.iter().filter(|pair| !pair.nominated);
    assert_eq!(others.map(|pair| pair.packets_sent).sum::<u64>(), 0);
    let candidates = agent.candidate_stats();
    let relayed =
        |one: &&CandidateStats| one.side == Side::Local && one.candidate.kind == Kind::Relayed;
    let relayed = candidates.iter().find(relayed).expect("one");
    assert_eq!(
        (relayed.relay_protocol, relayed.server),
        (Some(Transport::Udp), Some(addr(SERVER)))
    );
    assert!(candidates.iter().any(|one| one.side == Side::Remote));
}

/// Found by fuzzing: who is told the time only after the deadline has failed, and waits for nothing.
#[test]
fn a_driver_that_slept_past_the_deadline_hears_the_cause_and_no_timeout() {
    let mut agent = Agent::new(turn(controlling(), &[over_udp()]), net::seed(1)).expect("config");
    let start = net::origin();
    agent
        .add_host(start, ice_agent::SocketId(0), addr("192.0.2.1:5000"))
        .expect("host");
    let peer = ice_agent::Credentials::new("peer", "p".repeat(22)).expect("credentials");
    agent.set_remote_credentials(start, peer).expect("first");
    agent
        .add_remote_candidate(
            start,
            "1 1 udp 1 192.0.2.2 5000 typ host".parse().expect("a line"),
        )
        .expect("first");
    agent.handle_timeout(start + Duration::from_secs(60));
    assert_eq!(agent.state(), State::Failed);
    assert_eq!(agent.poll_timeout(), None);
    let failure = std::iter::from_fn(|| agent.poll_event()).find_map(|event| match event {
        ice_agent::Event::Failed(failure) => Some(failure),
        _ => None,
    });
    let cause = failure.expect("told").cause;
    assert!(matches!(cause, FailureCause::UdpBlocked { .. }), "{cause}");
}
