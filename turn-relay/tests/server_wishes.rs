//! What an Allocate may wish for, and what of it can be had: lifetimes, families, ports.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use site::{PEER, PEER_V6, Raw, Site, User, addr, config, peer, secs};
use stun_codec::attribute::{
    AdditionalAddressFamily, AddressErrorCode, EvenPort, Lifetime, RequestedAddressFamily,
    ReservationToken, XorRelayedAddress,
};
use stun_codec::{AttributeType, Decode, Encode, Family, Method};
use turn_relay::server::Config;
use turn_relay::server::Quota;

fn start() -> (Site, User) {
    (Site::new(config()), User::alice())
}

#[test]
fn lifetimes_are_at_least_the_usual_and_at_most_the_longest() {
    let (mut site, mut alice) = start();
    for (asked, given) in [
        (1, 600),
        (600, 600),
        (1234, 1234),
        (3600, 3600),
        (u32::MAX, 3600),
    ] {
        let answer = alice.try_allocate(&mut site, &[&Lifetime(asked)]).granted();
        assert_eq!(answer.get(), Some(Lifetime(given)));
        let answer = alice.refresh(&mut site, asked).granted();
        assert_eq!(answer.get(), Some(Lifetime(given)));
        let answer = alice.refresh(&mut site, 0).granted();
        assert_eq!(answer.get(), Some(Lifetime(0)));
        alice.refresh(&mut site, 0).refused(437);
    }
    let wrong = Raw(AttributeType::LIFETIME, b"\0\0");
    alice.try_allocate(&mut site, &[&wrong]).refused(400);
}

#[test]
fn a_shorter_refresh_brings_the_end_nearer() {
    let (mut site, mut alice) = start();
    alice.try_allocate(&mut site, &[&Lifetime(3600)]).granted();
    alice.refresh(&mut site, 600).granted();
    site.pass(secs(599));
    assert_eq!(site.relay.allocations(), 1);
    site.pass(secs(1));
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn both_families_together_and_each_by_itself() {
    let (mut site, mut alice) = start();
    let both = AdditionalAddressFamily(Family::V6);
    let answer = alice.try_allocate(&mut site, &[&both]).granted();
    let relayed: Vec<_> = answer
        .message()
        .attributes()
        .filter(|raw| raw.attribute_type == AttributeType::XOR_RELAYED_ADDRESS)
        .map(|raw| XorRelayedAddress::decode(raw.value, answer.message().transaction_id()))
        .map(|relayed| relayed.unwrap().0)
        .collect();
    assert!(relayed[0].is_ipv4() && relayed[1].is_ipv6() && relayed.len() == 2);
    let peers: [&dyn Encode; 2] = [&peer(PEER), &peer(PEER_V6)];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &peers)
        .granted();
    assert_eq!(site.peer_says(addr(PEER), relayed[0], b"4").len(), 1);
    assert_eq!(site.peer_says(addr(PEER_V6), relayed[1], b"6").len(), 1);

    // One of them may be given back (RFC 8656 §8.2).
    let v4 = RequestedAddressFamily(Family::V4);
    let attributes: [&dyn Encode; 2] = [&Lifetime(0), &v4];
    alice.ask(&mut site, Method::REFRESH, &attributes).granted();
    assert_eq!(site.bound.values().collect::<Vec<_>>(), [&relayed[1]]);
    assert_eq!(site.peer_says(addr(PEER_V6), relayed[1], b"6").len(), 1);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .refused(443);
    alice.ask(&mut site, Method::REFRESH, &[&v4]).refused(443);
    let attributes: [&dyn Encode; 2] = [&Lifetime(0), &RequestedAddressFamily(Family::V6)];
    alice.ask(&mut site, Method::REFRESH, &attributes).granted();
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn one_of_two_families_may_expire() {
    let (mut site, mut alice) = start();
    let both = AdditionalAddressFamily(Family::V6);
    alice.try_allocate(&mut site, &[&both]).granted();
    let attributes: [&dyn Encode; 2] = [&Lifetime(1200), &RequestedAddressFamily(Family::V6)];
    alice.ask(&mut site, Method::REFRESH, &attributes).granted();
    site.pass(secs(600));
    assert_eq!((site.relay.allocations(), site.bound.len()), (1, 1));
    assert!(site.bound.values().all(std::net::SocketAddr::is_ipv6));
    site.pass(secs(600));
    assert_eq!((site.relay.allocations(), site.bound.len()), (0, 0));
}

#[test]
fn a_family_that_is_not_there_is_refused_or_named() {
    let only_v4 =
        Config::new("example.org", site::users()).with_relay_address(site::ip("192.0.2.1"));
    let mut site = Site::new(only_v4);
    let mut alice = User::alice();
    let v6 = RequestedAddressFamily(Family::V6);
    alice.try_allocate(&mut site, &[&v6]).refused(440);
    let unknown = Raw(AttributeType::REQUESTED_ADDRESS_FAMILY, b"\x03\0\0\0");
    alice.try_allocate(&mut site, &[&unknown]).refused(440);
    let both = AdditionalAddressFamily(Family::V6);
    let answer = alice.try_allocate(&mut site, &[&both]).granted();
    let missing = answer.get::<AddressErrorCode<'_>>().unwrap();
    assert_eq!((missing.family, missing.error.code), (Family::V6, 440));

    // The socket of one of two cannot be opened.
    let (mut site, mut alice) = start();
    site.failing = 1;
    let answer = alice.try_allocate(&mut site, &[&both]).granted();
    let missing = answer.get::<AddressErrorCode<'_>>().unwrap();
    assert_eq!((missing.family, missing.error.code), (Family::V4, 508));
    assert!(answer.get::<XorRelayedAddress>().unwrap().0.is_ipv6());
    alice.refresh(&mut site, 0).granted();
    assert!(site.bound.is_empty());
}

#[test]
fn wishes_that_contradict_each_other_are_bad_requests() {
    let (mut site, mut alice) = start();
    let (v4, v6) = (
        RequestedAddressFamily(Family::V4),
        RequestedAddressFamily(Family::V6),
    );
    let both = AdditionalAddressFamily(Family::V6);
    let pair = EvenPort { reserve_next: true };
    let token = ReservationToken(*b"whatever");
    let odd = AdditionalAddressFamily(Family::V4);
    let contradictions: [&[&dyn Encode]; 8] = [
        &[&v4, &both],
        &[&v6, &both],
        &[&odd],
        &[&pair, &both],
        &[&token, &pair],
        &[&token, &v4],
        &[&token, &both],
        &[&Raw(AttributeType::REQUESTED_ADDRESS_FAMILY, b"\x01")],
    ];
    for wishes in contradictions {
        alice.try_allocate(&mut site, wishes).refused(400);
    }
    // A token of nobody.
    alice.try_allocate(&mut site, &[&token]).refused(508);
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn even_ports_and_the_next_one_for_later() {
    let (mut site, mut alice) = start();
    let even = EvenPort {
        reserve_next: false,
    };
    let answer = alice.try_allocate(&mut site, &[&even]).granted();
    assert_eq!(answer.get::<XorRelayedAddress>().unwrap().0.port() % 2, 0);
    assert_eq!(answer.get::<ReservationToken>(), None);
    alice.refresh(&mut site, 0).granted();

    let pair = EvenPort { reserve_next: true };
    let answer = alice.try_allocate(&mut site, &[&pair]).granted();
    let first = answer.get::<XorRelayedAddress>().unwrap().0;
    let token = answer.get::<ReservationToken>().unwrap();
    assert_eq!((first.port() % 2, site.bound.len()), (0, 2));
    // What is kept is nobody's yet.
    let next = (first.ip(), first.port() + 1).into();
    assert_eq!(site.peer_says(addr(PEER), next, b"early"), []);
    let mut other = User::new("198.51.100.1:5001", "alice", "secret");
    let answer = other.try_allocate(&mut site, &[&token]).granted();
    assert_eq!(answer.get::<XorRelayedAddress>().unwrap().0, next);
    // It is used up.
    let mut third = User::new("198.51.100.1:5002", "alice", "secret");
    third.try_allocate(&mut site, &[&token]).refused(508);
    other.refresh(&mut site, 0).granted();
    alice.refresh(&mut site, 0).granted();
    assert!(site.bound.is_empty());
}

#[test]
fn a_port_that_nobody_comes_for_is_given_up_after_half_a_minute() {
    let (mut site, mut alice) = start();
    let pair = EvenPort { reserve_next: true };
    let answer = alice.try_allocate(&mut site, &[&pair]).granted();
    let token = answer.get::<ReservationToken>().unwrap();
    site.pass(secs(29));
    assert_eq!(site.bound.len(), 2);
    site.pass(secs(1));
    assert_eq!(site.bound.len(), 1);
    let mut other = User::new("198.51.100.1:5001", "alice", "secret");
    other.try_allocate(&mut site, &[&token]).refused(508);
}

#[test]
fn a_kept_port_counts_for_the_allocation_it_was_made_with() {
    let quota = Quota::new(100).with_per_user(3);
    let mut site = Site::new(config().with_quota(quota.clone()));
    let mut alice = User::alice();
    let pair = EvenPort { reserve_next: true };
    for _ in 0..3 {
        alice.try_allocate(&mut site, &[&pair]).granted();
        alice.refresh(&mut site, 0).granted();
    }
    assert_eq!((site.bound.len(), site.relay.allocations()), (3, 0));
    alice.try_allocate(&mut site, &[&pair]).refused(486);
    site.pass(secs(30));
    assert_eq!((site.bound.len(), quota.count()), (0, 0));
    alice.try_allocate(&mut site, &[&pair]).granted();
}

#[test]
fn a_pair_is_looked_for_until_there_is_one() {
    let (mut site, mut alice) = start();
    let taken = turn_relay::SocketId(99);
    // The next port of the first even one is taken.
    site.bound.insert(taken, addr("192.0.2.1:50003"));
    let pair = EvenPort { reserve_next: true };
    let answer = alice.try_allocate(&mut site, &[&pair]).granted();
    assert_eq!(answer.get::<XorRelayedAddress>().unwrap().0.port(), 50_004);
    assert_eq!(site.bound.len(), 3);
    alice.refresh(&mut site, 0).granted();
    // There is none at all.
    for port in (50_001..50_200).step_by(2) {
        let id = turn_relay::SocketId(port.into());
        site.bound.insert(id, (site::ip("192.0.2.1"), port).into());
    }
    alice.try_allocate(&mut site, &[&pair]).refused(508);
    assert_eq!(site.relay.allocations(), 0);
    site.pass(secs(30));
    assert!(site.bound.keys().all(|id| !id.is_asked()));
}
