//! Connections to peers and from them (RFC 6062), off by default.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use std::net::SocketAddr;

use site::{Answer, LISTENER, PEER, Site, User, addr, config, secs};
use stun_codec::attribute::{
    ConnectionId, EvenPort, MobilityTicket, RequestedTransport, XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{Encode, Message, Method};
use turn_relay::server::{EndCause, Event, Relayed};
use turn_relay::{Close, Path, SocketId, Transport};

const CONTROL: SocketId = SocketId(20);

/// A client with an allocation for connections, and where peers connect to.
fn start() -> (Site, User, SocketAddr) {
    let mut site = Site::new(config().with_tcp_relay());
    let mut alice = over(CONTROL, "198.51.100.1:6000");
    let answer = alice.ask(&mut site, Method::ALLOCATE, &[&RequestedTransport::TCP]);
    let relayed = answer.granted().get::<XorRelayedAddress>().unwrap().0;
    (site, alice, relayed)
}

fn over(id: SocketId, at: &str) -> User {
    let mut user = User::new(at, "alice", "secret");
    user.stream = Some(id);
    user
}

fn connect(site: &mut Site, alice: &mut User, peer: &str) -> Answer {
    let peer = XorPeerAddress(addr(peer));
    alice.ask(site, Method::CONNECT, &[&peer])
}

/// A new connection of the client, that wants to be joined.
fn bind(site: &mut Site, id: u64, name: u32) -> Answer {
    let mut data = over(SocketId(id), &format!("198.51.100.1:{}", 6000 + id));
    let name = ConnectionId(name);
    data.ask(site, Method::CONNECTION_BIND, &[&name])
}

fn closed(site: &Site, id: SocketId) -> usize {
    site.told(|event| *event == Event::Close(Close { id }))
}

fn peer_connects(site: &mut Site, relayed: SocketAddr, id: u64, from: &str) -> Option<u32> {
    let listener = site.bound.iter().find(|(_, local)| **local == relayed);
    let path = Path {
        id: SocketId(id),
        local: relayed,
        remote: addr(from),
        transport: Transport::Tcp,
    };
    let listener = *listener.unwrap().0;
    site.relay.handle_peer_accepted(site.now, listener, path);
    let out = site.drain();
    let attempt = Message::parse(&out.first()?.data).unwrap();
    assert_eq!(
        (out[0].path.id, attempt.method()),
        (CONTROL, Method::CONNECTION_ATTEMPT)
    );
    assert_eq!(
        attempt.attribute().unwrap(),
        Some(XorPeerAddress(addr(from)))
    );
    attempt
        .attribute::<ConnectionId>()
        .unwrap()
        .map(|name| name.0)
}

#[test]
fn a_server_that_was_not_told_to_makes_no_connections() {
    let mut site = Site::new(config());
    let mut alice = over(CONTROL, "198.51.100.1:6000");
    let transport = RequestedTransport::TCP;
    alice
        .ask(&mut site, Method::ALLOCATE, &[&transport])
        .refused(442);
    alice.allocate(&mut site);
    connect(&mut site, &mut alice, PEER).refused(400);
}

#[test]
fn over_udp_or_with_wishes_for_datagrams_it_is_a_bad_request() {
    let mut site = Site::new(config().with_tcp_relay());
    let transport = RequestedTransport::TCP;
    User::alice()
        .ask(&mut site, Method::ALLOCATE, &[&transport])
        .refused(400);
    let wishes: [&dyn Encode; 2] = [
        &EvenPort {
            reserve_next: false,
        },
        &MobilityTicket(b""),
    ];
    for wish in wishes {
        let mut alice = over(CONTROL, "198.51.100.1:6000");
        alice
            .ask(&mut site, Method::ALLOCATE, &[&transport, wish])
            .refused(400);
    }
}

#[test]
fn a_connection_is_made_and_joined() {
    let (mut site, mut alice, relayed) = start();
    let answer = connect(&mut site, &mut alice, PEER).granted();
    let name = answer.get::<ConnectionId>().unwrap().0;
    let peer = *site.bound.iter().last().unwrap().0;
    assert_eq!(site.bound[&peer], relayed);
    connect(&mut site, &mut alice, PEER).refused(446);
    connect(&mut site, &mut alice, "10.0.0.1:22").refused(403);
    connect(&mut site, &mut alice, site::PEER_V6).refused(443);
    alice.ask(&mut site, Method::CONNECT, &[]).refused(400);
    bind(&mut site, 31, name + 1).refused(400);
    bind(&mut site, 32, name).granted();
    let client = SocketId(32);
    assert_eq!(site.told(|event| *event == Event::Join { client, peer }), 1);
    // It is joined to one.
    bind(&mut site, 33, name).refused(400);
    site.pass(secs(60));
    assert_eq!(closed(&site, peer), 0);

    // Either half ends the other.
    site.relay.handle_closed(site.now, client);
    site.drain();
    assert_eq!(closed(&site, peer), 1);
    let answer = connect(&mut site, &mut alice, PEER).granted();
    bind(&mut site, 34, answer.get::<ConnectionId>().unwrap().0).granted();
    let peer = *site.bound.iter().last().unwrap().0;
    site.bound.remove(&peer);
    site.relay.handle_closed(site.now, peer);
    site.drain();
    assert_eq!((closed(&site, SocketId(34)), closed(&site, peer)), (1, 0));
}

#[test]
fn a_peer_that_cannot_be_reached_is_447() {
    let (mut site, mut alice, _) = start();
    site.failing = 1;
    connect(&mut site, &mut alice, PEER).refused(447);
    connect(&mut site, &mut alice, PEER).granted();
}

#[test]
fn peers_that_are_permitted_connect() {
    let (mut site, mut alice, relayed) = start();
    assert_eq!(peer_connects(&mut site, relayed, 41, PEER), None);
    assert_eq!(closed(&site, SocketId(41)), 1);
    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    let name = peer_connects(&mut site, relayed, 42, PEER).unwrap();
    // The same once more.
    assert_eq!(peer_connects(&mut site, relayed, 43, PEER), None);
    bind(&mut site, 44, name).granted();
    let (client, peer) = (SocketId(44), SocketId(42));
    assert_eq!(site.told(|event| *event == Event::Join { client, peer }), 1);
    // The peer's half ends.
    site.relay.handle_closed(site.now, peer);
    site.drain();
    assert_eq!(closed(&site, client), 1);
}

#[test]
fn nobody_joins_the_connections_of_others() {
    let (mut site, mut alice, _) = start();
    let answer = connect(&mut site, &mut alice, PEER).granted();
    let name = ConnectionId(answer.get::<ConnectionId>().unwrap().0);
    let mut bob = over(SocketId(50), "198.51.100.9:1");
    (bob.name, bob.password) = ("bob".into(), "terces".into());
    bob.ask(&mut site, Method::CONNECTION_BIND, &[&name])
        .refused(441);
    User::alice()
        .ask(&mut site, Method::CONNECTION_BIND, &[&name])
        .refused(400);
    // Nor is the control connection one for data.
    alice
        .ask(&mut site, Method::CONNECTION_BIND, &[&name])
        .refused(400);
}

#[test]
fn a_connection_that_its_client_does_not_come_for_is_closed() {
    let (mut site, mut alice, _) = start();
    let answer = connect(&mut site, &mut alice, PEER).granted();
    let peer = *site.bound.iter().last().unwrap().0;
    site.pass(secs(29));
    assert_eq!(closed(&site, peer), 0);
    site.pass(secs(1));
    assert_eq!(closed(&site, peer), 1);
    bind(&mut site, 31, answer.get::<ConnectionId>().unwrap().0).refused(400);
}

#[test]
fn everything_ends_with_the_allocation() {
    let (mut site, mut alice, relayed) = start();
    let answer = connect(&mut site, &mut alice, PEER).granted();
    bind(&mut site, 31, answer.get::<ConnectionId>().unwrap().0).granted();
    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    peer_connects(&mut site, relayed, 41, "203.0.113.7:9").unwrap();
    site.relay.handle_closed(site.now, CONTROL);
    site.drain();
    assert!(site.bound.is_empty());
    assert_eq!(
        (closed(&site, SocketId(31)), closed(&site, SocketId(41))),
        (1, 1)
    );
    let lost = |event: &Event| matches!(event, Event::Ended(ended) if ended.cause == EndCause::ConnectionLost);
    assert_eq!(site.told(lost), 1);
    site.pass(secs(4000));
    assert_eq!(site.relay.poll_timeout(), None);
}

#[test]
fn there_are_no_datagrams_and_no_channels() {
    let (mut site, mut alice, _) = start();
    let peer = XorPeerAddress(addr(PEER));
    let attributes: [&dyn Encode; 2] = [&stun_codec::attribute::ChannelNumber(0x4000), &peer];
    alice
        .ask(&mut site, Method::CHANNEL_BIND, &attributes)
        .refused(400);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    let mut out = bytes::BytesMut::new();
    stun_codec::Builder::indication(&mut out, Method::SEND, stun_codec::TransactionId([3; 12]))
        .attribute(&peer)
        .attribute(&stun_codec::attribute::Data(b"hello"))
        .finish()
        .unwrap();
    let path = Path {
        id: CONTROL,
        local: addr(site::SERVER),
        remote: alice.at,
        transport: Transport::Tcp,
    };
    assert_eq!(site.hand(path, &out), []);
    assert_eq!(site.last, Relayed::Dropped);
    assert_ne!(CONTROL, LISTENER);
}

#[test]
fn a_connection_that_comes_to_another_worker_is_sent_on() {
    let now = site::origin();
    let [mut first, mut second] =
        [0, 1].map(|index| Site::at(now, config().with_tcp_relay().with_worker(index, 2)));
    let mut alice = over(CONTROL, "198.51.100.1:6000");
    alice
        .ask(&mut second, Method::ALLOCATE, &[&RequestedTransport::TCP])
        .granted();
    let answer = connect(&mut second, &mut alice, PEER).granted();
    let name = answer.get::<ConnectionId>().unwrap();
    let mut data = over(SocketId(30), "198.51.100.1:6001");
    let request = data.request(Method::CONNECTION_BIND, &[&name]);
    data.hand(&mut first, &request).unwrap().refused(401);
    let request = data.request(Method::CONNECTION_BIND, &[&name]);
    assert!(data.hand(&mut first, &request).is_none());
    assert_eq!(first.last, Relayed::Elsewhere(1));
    // The connection has gone there; another one may have its number.
    let mut other = over(SocketId(30), "198.51.100.7:1");
    other.allocate(&mut first);
    data.hand(&mut second, &request).unwrap().granted();
}
