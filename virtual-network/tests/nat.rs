//! Who reaches whom through which NAT (RFC 4787), and what is left of it after a move.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // helpers of tests

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use virtual_network::{Datagram, Dependence, HostId, NatId, NatKind, Network, Weather};

const KINDS: [NatKind; 4] = [
    NatKind::FULL_CONE,
    NatKind::RESTRICTED,
    NatKind::PORT_RESTRICTED,
    NatKind::SYMMETRIC,
];

#[allow(clippy::disallowed_methods)] // an origin of virtual time
fn origin() -> Instant {
    Instant::now()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A host behind a NAT, and one outside with three addresses, two of one IP.
struct World {
    network: Network,
    nat: NatId,
    inner: HostId,
    outer: HostId,
}

const INNER: &str = "10.0.0.1:5000";
const NEAR: &str = "192.0.2.1:6000";
const SAME_IP: &str = "192.0.2.1:6001";
const OTHER_IP: &str = "192.0.2.2:6000";

impl World {
    fn new(kind: NatKind) -> Self {
        let mut network = Network::new(origin(), 1, Weather::default());
        let nat = network.add_nat(ip("203.0.113.1"), kind);
        let inner = network.add_host_behind(nat, &[addr(INNER)]);
        let outer = network.add_host(&[NEAR, SAME_IP, OTHER_IP].map(addr));
        Self {
            network,
            nat,
            inner,
            outer,
        }
    }

    /// What the host behind the NAT is seen as by `to`.
    fn seen_by(&mut self, to: &str) -> SocketAddr {
        self.network.send(self.inner, addr(INNER), addr(to), b"out");
        let (host, datagram) = self.network.receive().unwrap();
        assert_eq!((host, datagram.to), (self.outer, addr(to)));
        datagram.from
    }

    /// Whether a datagram of `from` to the outside of the NAT comes in.
    fn comes_in(&mut self, from: &str, to: SocketAddr) -> bool {
        self.network.send(self.outer, addr(from), to, b"in");
        let arrival = self.network.receive();
        let data = b"in".to_vec();
        let (from, to) = (addr(from), addr(INNER));
        let whole = Datagram { from, to, data };
        assert!(
            arrival
                .as_ref()
                .is_none_or(|arrival| *arrival == (self.inner, whole))
        );
        arrival.is_some()
    }
}

#[test]
fn each_kind_maps_and_filters_as_its_name_says() {
    let per_host = NatKind::new(Dependence::AddressDependent, Dependence::AddressDependent);
    // Who of the three comes in when only the first was written to, and who sees the same port.
    for (kind, comes_in, one_port) in [
        (NatKind::FULL_CONE, [true, true, true], [true; 3]),
        (NatKind::RESTRICTED, [true, true, false], [true; 3]),
        (NatKind::PORT_RESTRICTED, [true, false, false], [true; 3]),
        (
            NatKind::SYMMETRIC,
            [true, false, false],
            [true, false, false],
        ),
        (per_host, [true, true, false], [true, true, false]),
    ] {
        let mut world = World::new(kind);
        let seen = world.seen_by(NEAR);
        assert_eq!(seen.ip(), ip("203.0.113.1"));
        let remotes = [NEAR, SAME_IP, OTHER_IP];
        assert_eq!(remotes.map(|from| world.comes_in(from, seen)), comes_in);
        let same_port = remotes.map(|to| world.seen_by(to) == seen);
        assert_eq!(same_port, one_port, "{kind:?}");
        assert!(!world.comes_in(NEAR, SocketAddr::new(seen.ip(), 1)));
        let dropped = comes_in.iter().filter(|open| !**open).count() as u64;
        assert_eq!(world.network.counts().filtered, dropped + 1);
    }
}

#[test]
fn a_nat_that_forgets_maps_anew_and_drops_what_comes_to_the_old_port() {
    for kind in KINDS {
        let mut world = World::new(kind);
        let before = world.seen_by(NEAR);
        world.network.rebind(world.nat);
        assert!(!world.comes_in(NEAR, before), "{kind:?}");
        let after = world.seen_by(NEAR);
        assert_ne!(before, after);
        assert!(world.comes_in(NEAR, after));
        assert!(!world.comes_in(NEAR, before));

        world.network.move_nat(world.nat, ip("203.0.113.9"));
        assert!(!world.comes_in(NEAR, after));
        assert_eq!(world.network.counts().unreachable, 1);
        let moved = world.seen_by(NEAR);
        assert_eq!(moved.ip(), ip("203.0.113.9"));
        assert!(world.comes_in(NEAR, moved));
    }
}

#[test]
fn what_is_under_way_when_an_address_goes_is_lost() {
    let mut world = World::new(NatKind::FULL_CONE);
    let seen = world.seen_by(NEAR);
    let delay = Duration::from_millis(20);
    world.network.set_weather(Weather::calm(delay));
    world
        .network
        .send(world.outer, addr(NEAR), seen, b"too late");
    world.network.rebind(world.nat);
    world
        .network
        .send(world.inner, addr(INNER), addr(NEAR), b"too late");
    world
        .network
        .move_address(world.outer, addr(NEAR), addr("192.0.2.3:6000"));
    world.network.advance(world.network.now() + delay);
    assert_eq!(world.network.receive(), None);
    let counts = world.network.counts();
    assert_eq!((counts.filtered, counts.unreachable), (1, 1));
    // Nor does the address that it gave up send any more.
    world
        .network
        .send(world.outer, addr(NEAR), addr(OTHER_IP), b"from nowhere");
    assert_eq!(world.network.counts().unreachable, 2);
}

#[test]
fn one_network_behind_a_nat_needs_no_nat_and_another_is_out_of_reach() {
    let mut network = Network::new(origin(), 1, Weather::default());
    let nats = ["203.0.113.1", "203.0.113.2"]
        .map(|public| network.add_nat(ip(public), NatKind::FULL_CONE));
    let [one, two] = ["10.0.0.1:1", "10.0.0.2:1"].map(addr);
    let first = network.add_host_behind(nats[0], &[one]);
    let second = network.add_host_behind(nats[0], &[two]);
    // The same private address in another network.
    let twin = network.add_host_behind(nats[1], &[one]);
    network.send(first, one, two, b"near");
    let (host, datagram) = network.receive().unwrap();
    assert_eq!((host, datagram.from), (second, one));
    network.send(twin, one, two, b"nobody");
    assert_eq!(network.receive(), None);
    assert_eq!(network.counts().unreachable, 1);
}

/// RFC 4787 §6.
#[test]
fn two_behind_one_nat_meet_at_its_outside() {
    let mut world = World::new(NatKind::FULL_CONE.with_hairpinning());
    let other = addr("10.0.0.2:5000");
    let second = world.network.add_host_behind(world.nat, &[other]);
    let seen = world.seen_by(NEAR);
    world
        .network
        .send(second, other, seen, b"around the corner");
    let (host, datagram) = world.network.receive().unwrap();
    assert_eq!((host, datagram.to), (world.inner, addr(INNER)));
    assert_eq!(datagram.from.ip(), ip("203.0.113.1"));
}

#[test]
fn a_nat_without_a_port_left_lets_nothing_new_out() {
    let mut world = World::new(NatKind::SYMMETRIC);
    let ports = 65_536 - 40_000;
    for port in 1..=ports + 10 {
        let to = SocketAddr::new(ip("192.0.2.1"), port as u16);
        world.network.send(world.inner, addr(INNER), to, b"out");
    }
    assert_eq!(world.network.counts().filtered, 10);
    world.network.rebind(world.nat);
    assert_ne!(world.seen_by(NEAR).port(), 0);
}
