//! Connections, firewalls, and hosts behind one NAT.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use virtual_network::{
    CONNECT_TIMEOUT, Firewall, HostId, NatKind, Network, StreamEvent, StreamId, Weather,
};

const WAY: Duration = Duration::from_millis(20);
const CLIENT: &str = "10.0.0.1:5000";
const SERVER: &str = "192.0.2.1:443";

#[allow(clippy::disallowed_methods)] // an origin of virtual time
fn origin() -> Instant {
    Instant::now()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A client behind a NAT, and a server on the public network that listens.
fn world(weather: Weather) -> (Network, HostId, HostId) {
    let mut network = Network::new(origin(), 1, weather);
    let nat = network.add_nat("203.0.113.1".parse().unwrap(), NatKind::SYMMETRIC);
    let client = network.add_host_behind(nat, &[addr(CLIENT)]);
    let server = network.add_host(&[addr(SERVER)]);
    network.listen(server, addr(SERVER));
    (network, client, server)
}

/// All that is heard until the time is over, with when.
fn hear(network: &mut Network, time: Duration) -> Vec<(Duration, HostId, StreamEvent)> {
    let start = network.now();
    let mut heard = Vec::new();
    while let Some(at) = network.next_arrival().filter(|at| *at <= start + time) {
        network.advance(at);
        while let Some((host, event)) = network.receive_stream() {
            heard.push((network.now() - start, host, event));
        }
    }
    network.advance(start + time);
    heard
}

fn connect(network: &mut Network, client: HostId) -> (StreamId, StreamId, SocketAddr) {
    let id = network.connect(client, addr(CLIENT), addr(SERVER));
    let heard = hear(network, 2 * WAY);
    let [
        (
            first,
            _,
            StreamEvent::Accepted {
                id: far,
                local,
                remote,
            },
        ),
        (second, _, StreamEvent::Connected(near)),
    ] = heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!((first, second), (WAY, 2 * WAY));
    assert_eq!((near, local), (id, addr(SERVER)));
    (near, far, remote)
}

#[test]
fn a_connection_takes_a_round_trip_and_is_seen_as_from_the_nat() {
    let (mut network, client, server) = world(Weather::calm(WAY));
    let (near, far, remote) = connect(&mut network, client);
    assert_eq!(remote.ip(), addr("203.0.113.1:0").ip());
    network.write(near, b"to");
    network.write(far, b"fro");
    network.shut(near);
    let heard = hear(&mut network, 2 * WAY);
    let expected = [
        (WAY, server, StreamEvent::Data(far, b"to".to_vec())),
        (WAY, server, StreamEvent::Closed(far)),
    ];
    assert_eq!(heard, expected, "who has ended it hears nothing more");
    network.write(far, b"late");
    assert_eq!(hear(&mut network, 2 * WAY), []);
}

#[test]
fn attempts_end_as_the_other_side_answers() {
    let (mut network, client, _) = world(Weather::calm(WAY));
    for (to, time) in [
        ("192.0.2.1:444", 2 * WAY),
        ("192.0.2.2:443", CONNECT_TIMEOUT),
        // Nobody gets in through a NAT, and nobody hairpins.
        ("203.0.113.1:40000", CONNECT_TIMEOUT),
    ] {
        let id = network.connect(client, addr(CLIENT), addr(to));
        let heard = hear(&mut network, CONNECT_TIMEOUT);
        let end = match time == CONNECT_TIMEOUT {
            true => StreamEvent::TimedOut(id),
            false => StreamEvent::Refused(id),
        };
        assert_eq!(heard, [(time, client, end)], "{to}");
    }
}

#[test]
fn loss_and_jitter_change_the_time_and_not_the_order() {
    let weather = Weather {
        loss: 20.0,
        jitter: Duration::from_millis(50),
        ..Weather::calm(WAY)
    };
    let (mut network, client, _) = world(weather);
    let near = network.connect(client, addr(CLIENT), addr(SERVER));
    hear(&mut network, Duration::from_secs(5));
    for number in 0..200_u8 {
        network.write(near, &[number]);
    }
    let heard = hear(&mut network, Duration::from_secs(5));
    let arrived = heard.iter().map(|(_, _, event)| match event {
        StreamEvent::Data(_, data) => data[0],
        other => panic!("{other:?}"),
    });
    assert!(arrived.eq(0..200));
}

#[test]
fn a_move_and_a_nat_that_forgets_end_connections() {
    for moves in [true, false] {
        let mut network = Network::new(origin(), 1, Weather::calm(WAY));
        let nat = network.add_nat("203.0.113.1".parse().unwrap(), NatKind::FULL_CONE);
        let client = network.add_host_behind(nat, &[addr(CLIENT)]);
        let server = network.add_host(&[addr(SERVER)]);
        network.listen(server, addr(SERVER));
        let (near, far, _) = connect(&mut network, client);
        match moves {
            true => network.move_address(client, addr(CLIENT), addr("10.0.0.2:5000")),
            false => network.rebind(nat),
        }
        let heard = hear(&mut network, WAY);
        let ended: Vec<_> = heard.into_iter().map(|(_, _, event)| event).collect();
        let ends = [StreamEvent::Closed(near), StreamEvent::Closed(far)];
        assert_eq!(ended, ends);
    }
}

#[test]
fn firewalls_let_through_what_they_say() {
    for (firewall, udp, https, other) in [
        (Firewall::OPEN, true, true, true),
        (Firewall::NO_UDP, false, true, true),
        (Firewall::HTTPS_ONLY, false, true, false),
        (Firewall::CLOSED, false, false, false),
    ] {
        let (mut network, client, server) = world(Weather::calm(WAY));
        network.listen(server, addr("192.0.2.1:3478"));
        network.set_firewall(client, firewall);
        network.send(client, addr(CLIENT), addr(SERVER), b"out");
        network.advance(network.now() + WAY);
        assert_eq!(network.receive().is_some(), udp, "{firewall:?}");
        for (port, expected) in [(443, https), (3478, other)] {
            let to = SocketAddr::new(addr(SERVER).ip(), port);
            let id = network.connect(client, addr(CLIENT), to);
            let heard = hear(&mut network, CONNECT_TIMEOUT);
            let connected = heard
                .iter()
                .any(|(_, _, event)| *event == StreamEvent::Connected(id));
            assert_eq!(connected, expected, "{firewall:?} {port}");
        }
        assert_eq!(network.counts().filtered, u64::from(!udp));
    }
}

#[test]
fn a_firewall_lets_no_datagram_in_either() {
    let mut network = Network::new(origin(), 1, Weather::calm(WAY));
    let [one, other] = ["192.0.2.1:1", "192.0.2.2:2"].map(addr);
    let sender = network.add_host(&[one]);
    let behind = network.add_host(&[other]);
    network.set_firewall(behind, Firewall::NO_UDP);
    network.send(sender, one, other, b"in");
    network.advance(network.now() + WAY);
    assert_eq!(network.receive(), None);
    assert_eq!(network.counts().filtered, 1);
    network.set_firewall(behind, Firewall::OPEN);
    network.send(sender, one, other, b"in");
    network.advance(network.now() + WAY);
    assert!(network.receive().is_some());
}

/// RFC 4787 §6: what comes back in has the outer address of its sender.
#[test]
fn hosts_behind_one_nat_meet_at_their_outer_addresses_only_with_hairpinning() {
    let plain = NatKind::FULL_CONE;
    for (kind, meets) in [(plain, false), (plain.with_hairpinning(), true)] {
        let mut network = Network::new(origin(), 1, Weather::calm(WAY));
        let nat = network.add_nat("203.0.113.1".parse().unwrap(), kind);
        let [one, other] = [CLIENT, "10.0.0.2:5000"].map(addr);
        let hosts = [one, other].map(|address| network.add_host_behind(nat, &[address]));
        let server = network.add_host(&[addr(SERVER)]);
        // Both make a mapping, of which the other is told.
        let outer = [0, 1].map(|at| {
            network.send(hosts[at], [one, other][at], addr(SERVER), b"hello");
            network.advance(network.now() + WAY);
            let (host, datagram) = network.receive().unwrap();
            assert_eq!(host, server);
            datagram.from
        });
        network.send(hosts[0], one, outer[1], b"through the NAT");
        network.advance(network.now() + WAY);
        let met = network
            .receive()
            .map(|(host, datagram)| (host, datagram.from));
        assert_eq!(met, meets.then_some((hosts[1], outer[0])));
        // Inside they reach one another anyway.
        network.send(hosts[0], one, other, b"inside");
        network.advance(network.now() + WAY);
        let (host, datagram) = network.receive().unwrap();
        assert_eq!((host, datagram.from), (hosts[1], one));
    }
}
