//! Clients that move (RFC 8016), and frames that come to another worker than theirs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use site::{PEER, Site, User, addr, config, origin, secs};
use stun_codec::attribute::{
    EvenPort, Lifetime, MobilityTicket, RequestedTransport, ReservationToken, XorPeerAddress,
    XorRelayedAddress,
};
use stun_codec::{Encode, Method};
use turn_relay::server::{Event, Relayed};

/// A client that may move, its ticket, and the address it relays at.
fn mobile(site: &mut Site) -> (User, Vec<u8>, std::net::SocketAddr) {
    let mut alice = User::alice();
    let answer = alice.try_allocate(site, &[&MobilityTicket(b"")]).granted();
    let ticket = answer.get::<MobilityTicket<'_>>().unwrap().0.to_vec();
    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    let relayed = answer.get::<XorRelayedAddress>().unwrap().0;
    (alice, ticket, relayed)
}

#[test]
fn an_allocation_moves_with_its_client() {
    let mut site = Site::new(config());
    let (mut alice, ticket, relayed) = mobile(&mut site);
    let mut moved = User::new("198.51.100.77:9", "alice", "secret");
    let wish: [&dyn Encode; 2] = [&Lifetime(600), &MobilityTicket(&ticket)];
    let answer = moved.ask(&mut site, Method::REFRESH, &wish).granted();
    let newest = answer.get::<MobilityTicket<'_>>().unwrap().0.to_vec();
    assert_ne!(newest, ticket);
    let out = site.peer_says(addr(PEER), relayed, b"hello");
    assert_eq!(out[0].path.remote, moved.at);
    assert_eq!(site.told(|event| matches!(event, Event::Moved { .. })), 1);
    alice.refresh(&mut site, 600).refused(437);
    // Its client has not heard of it, and goes on from a third place with the ticket it has.
    let mut third = User::new("198.51.100.78:9", "alice", "secret");
    third.ask(&mut site, Method::REFRESH, &wish).granted();
    assert_eq!(
        site.peer_says(addr(PEER), relayed, b"hello")[0].path.remote,
        third.at
    );
    // The one in between is worthless now, and so is the first.
    let mut fourth = User::new("198.51.100.79:9", "alice", "secret");
    let stolen: [&dyn Encode; 1] = [&MobilityTicket(&[7; 32])];
    fourth.ask(&mut site, Method::REFRESH, &stolen).refused(437);
    third.refresh(&mut site, 0).granted();
    fourth.ask(&mut site, Method::REFRESH, &wish).refused(437);
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn a_ticket_is_of_no_use_to_another_user_or_where_moving_is_forbidden() {
    let mut site = Site::new(config());
    let (_, ticket, _) = mobile(&mut site);
    let mut bob = User::new("198.51.100.77:9", "bob", "terces");
    let wish: [&dyn Encode; 1] = [&MobilityTicket(&ticket)];
    bob.ask(&mut site, Method::REFRESH, &wish).refused(441);
    let mut site = Site::new(config().with_mobility(false));
    User::alice()
        .try_allocate(&mut site, &[&MobilityTicket(b"")])
        .refused(405);
    let mut alice = User::alice();
    let answer = alice.try_allocate(&mut site, &[]).granted();
    assert_eq!(answer.get::<MobilityTicket<'_>>(), None);
}

#[test]
fn a_repeated_move_is_answered_alike() {
    let mut site = Site::new(config());
    let (_, ticket, _) = mobile(&mut site);
    let mut moved = User::new("198.51.100.77:9", "alice", "secret");
    let wish: [&dyn Encode; 1] = [&MobilityTicket(&ticket)];
    let request = moved.request(Method::REFRESH, &wish);
    moved.hand(&mut site, &request).unwrap().refused(401);
    let request = moved.request(Method::REFRESH, &wish);
    let answer = moved.hand(&mut site, &request).unwrap().granted();
    let again = moved.hand(&mut site, &request).unwrap().granted();
    assert_eq!(answer.bytes, again.bytes);
}

#[test]
fn another_workers_clients_are_sent_on() {
    let now = origin();
    let mut sites = [0, 1].map(|index| Site::at(now, config().with_worker(index, 2)));
    let [first, second] = &mut sites;
    let (_, ticket, _) = mobile(first);
    let mut moved = User::new("198.51.100.77:9", "alice", "secret");
    let wish: [&dyn Encode; 1] = [&MobilityTicket(&ticket)];
    let request = moved.request(Method::REFRESH, &wish);
    moved.hand(second, &request).unwrap().refused(401);
    // Under a nonce of the other worker.
    let request = moved.request(Method::REFRESH, &wish);
    assert!(moved.hand(second, &request).is_none());
    assert_eq!(second.last, Relayed::Elsewhere(0));
    moved.hand(first, &request).unwrap().granted();
    // All that comes from there is sent on from now on.
    assert_eq!(second.client_says(moved.at, b"\x40\0\0\0"), []);
    assert_eq!(second.last, Relayed::Elsewhere(0));
    let request = moved.request(Method::REFRESH, &[&Lifetime(600)]);
    assert!(moved.hand(second, &request).is_none());
    moved.hand(first, &request).unwrap().granted();
    first.pass(secs(4000));
    second.pass(secs(4000));
    assert_eq!(second.client_says(moved.at, b"\x40\0\0\0"), []);
    assert_eq!(second.last, Relayed::Dropped);

    // A reserved port.
    let mut bob = User::new("198.51.100.2:1", "bob", "terces");
    let pair = EvenPort { reserve_next: true };
    let token = bob
        .try_allocate(second, &[&pair])
        .granted()
        .get::<ReservationToken>()
        .unwrap();
    let mut other = User::new("198.51.100.2:2", "bob", "terces");
    let attributes: [&dyn Encode; 2] = [&RequestedTransport::UDP, &token];
    let request = other.request(Method::ALLOCATE, &attributes);
    other.hand(first, &request).unwrap().refused(401);
    let request = other.request(Method::ALLOCATE, &attributes);
    assert!(other.hand(first, &request).is_none());
    assert_eq!(first.last, Relayed::Elsewhere(1));
    other.hand(second, &request).unwrap().granted();
}
