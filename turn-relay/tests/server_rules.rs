//! What RFC 8656 says of requests, one by one: what is granted, and with which code the rest is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use site::{CLIENT, PEER, PEER_V6, Raw, Site, User, addr, config, peer, secs};
use stun_codec::attribute::{
    ChannelNumber, Lifetime, Priority, RequestedTransport, UnknownAttributes, XorPeerAddress,
};
use stun_codec::{AttributeType, Encode, Method};
use turn_relay::server::{Event, Relayed};

fn start() -> (Site, User) {
    (Site::new(config()), User::alice())
}

fn allocated() -> (Site, User) {
    let (mut site, mut alice) = start();
    alice.allocate(&mut site);
    (site, alice)
}

#[test]
fn the_first_request_is_challenged_without_a_word_about_the_server() {
    let (mut site, mut alice) = start();
    let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    let answer = alice.hand(&mut site, &request).unwrap().refused(401);
    assert!(!answer.message().contains(AttributeType::SOFTWARE));
    assert!(answer.bytes.len() < 160, "{}", answer.bytes.len());
    assert_eq!(site.relay.allocations(), 0);
    assert_eq!(site.relay.stats().challenges, 1);
    // A first challenge is no failed login.
    assert_eq!(site.told(|event| matches!(event, Event::Refused(_))), 0);
}

#[test]
fn a_request_without_realm_or_nonce_is_bad() {
    let (mut site, mut alice) = start();
    let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    alice.hand(&mut site, &request).unwrap().refused(401);
    let mut out = bytes::BytesMut::new();
    let id = stun_codec::TransactionId([9; 12]);
    stun_codec::Builder::request(&mut out, Method::ALLOCATE, id)
        .attribute(&stun_codec::attribute::Username("alice"))
        .integrity(&alice.key())
        .finish()
        .unwrap();
    alice.hand(&mut site, &out).unwrap().refused(400);
}

#[test]
fn nonces_are_for_one_address() {
    let (mut site, alice) = allocated();
    let mut thief = User::new("198.51.100.9:5000", "alice", "secret");
    thief.nonce = alice.nonce;
    let request = thief.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    thief.hand(&mut site, &request).unwrap().refused(438);
    // Another port is another address.
    let mut thief = User::new("198.51.100.1:5001", "alice", "secret");
    thief.nonce = User::alice().nonce;
    let request = thief.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    thief.hand(&mut site, &request).unwrap().refused(401);
}

#[test]
fn a_nonce_grows_stale_and_the_next_one_serves() {
    let mut site = Site::new(config().with_nonce_lifetime(secs(60)));
    let mut alice = User::alice();
    alice.allocate(&mut site);
    site.pass(secs(61));
    let request = alice.request(Method::REFRESH, &[&Lifetime(600)]);
    alice.hand(&mut site, &request).unwrap().refused(438);
    let request = alice.request(Method::REFRESH, &[&Lifetime(600)]);
    alice.hand(&mut site, &request).unwrap().granted();
}

#[test]
fn a_wrong_password_is_told_to_the_log_under_a_valid_nonce_only() {
    let (mut site, _) = start();
    let mut eve = User::new(CLIENT, "alice", "guess");
    eve.nonce = b"no nonce of the server's".to_vec();
    let request = eve.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    eve.hand(&mut site, &request).unwrap().refused(438);
    assert_eq!(site.told(|event| matches!(event, Event::Refused(_))), 0);
    for (name, count) in [("alice", 1), ("nobody", 2)] {
        eve.name = name.into();
        let request = eve.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        eve.hand(&mut site, &request).unwrap().refused(401);
        assert_eq!(site.told(|event| matches!(event, Event::Refused(_))), count);
    }
    assert_eq!(site.relay.stats().failed_logins, 2);
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn the_transport_must_be_there_and_udp() {
    let (mut site, mut alice) = start();
    alice.ask(&mut site, Method::ALLOCATE, &[]).refused(400);
    let none = Raw(AttributeType::REQUESTED_TRANSPORT, b"\x11");
    alice
        .ask(&mut site, Method::ALLOCATE, &[&none])
        .refused(400);
    for protocol in [6, 0, 132] {
        let transport = RequestedTransport(protocol);
        alice
            .ask(&mut site, Method::ALLOCATE, &[&transport])
            .refused(442);
    }
}

#[test]
fn attributes_that_must_be_understood_and_are_not_are_named() {
    let (mut site, mut alice) = start();
    let strange = Raw(AttributeType(0x7fff), b"what");
    let more: [&dyn Encode; 3] = [&strange, &Priority(7), &Raw(AttributeType(0xffff), b"")];
    let answer = alice.try_allocate(&mut site, &more).refused(420);
    let unknown = answer.get::<UnknownAttributes<'_>>().unwrap();
    let unknown: Vec<_> = unknown.iter().collect();
    assert_eq!(unknown, [AttributeType(0x7fff), AttributeType::PRIORITY]);
    // Nobody keeps what is sent from being fragmented, unless the driver can.
    let whole = Raw(AttributeType::DONT_FRAGMENT, b"");
    let answer = alice.try_allocate(&mut site, &[&whole]).refused(420);
    let unknown = answer.get::<UnknownAttributes<'_>>().unwrap();
    assert_eq!(unknown.iter().next(), Some(AttributeType::DONT_FRAGMENT));
    let mut site = Site::new(config().with_dont_fragment());
    User::alice().try_allocate(&mut site, &[&whole]).granted();
}

#[test]
fn a_repeated_allocate_is_answered_alike_and_another_is_refused() {
    let (mut site, mut alice) = start();
    let first = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    alice.hand(&mut site, &first).unwrap().refused(401);
    let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    let answer = alice.hand(&mut site, &request).unwrap().granted();
    site.pass(secs(3));
    let again = alice.hand(&mut site, &request).unwrap().granted();
    assert_eq!(answer.bytes, again.bytes);
    assert_eq!((site.relay.allocations(), site.bound.len()), (1, 1));
    alice.try_allocate(&mut site, &[]).refused(437);
    // Nor does another user take the five-tuple over.
    let mut bob = User::new(CLIENT, "bob", "terces");
    bob.try_allocate(&mut site, &[]).refused(437);
    assert_eq!((site.relay.allocations(), site.bound.len()), (1, 1));
}

#[test]
fn a_request_that_is_repeated_while_its_socket_is_opened_opens_no_second_one() {
    let (mut site, mut alice) = start();
    site.waiting = Some(Vec::new());
    let first = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    alice.hand(&mut site, &first).unwrap().refused(401);
    let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
    assert!(alice.hand(&mut site, &request).is_none());
    assert!(alice.hand(&mut site, &request).is_none());
    assert_eq!(site.last, Relayed::Consumed);
    let waiting = site.waiting.take().unwrap();
    assert_eq!(waiting.len(), 1);
    // Nothing else is to be had meanwhile.
    alice.refresh(&mut site, 600).refused(437);
    alice.try_allocate(&mut site, &[]).refused(437);
    site.open(&waiting[0]);
    assert_eq!(site.drain().len(), 1);
    alice.refresh(&mut site, 600).granted();
}

#[test]
fn a_socket_that_cannot_be_opened_is_insufficient_capacity() {
    let (mut site, mut alice) = start();
    site.failing = 1;
    alice.try_allocate(&mut site, &[]).refused(508);
    assert_eq!((site.relay.allocations(), site.bound.len()), (0, 0));
    alice.allocate(&mut site);
}

#[test]
fn requests_of_another_user_are_refused() {
    let (mut site, _) = allocated();
    let mut bob = User::new(CLIENT, "bob", "terces");
    bob.refresh(&mut site, 600).refused(441);
    bob.refresh(&mut site, 0).refused(441);
    let attributes: [&dyn Encode; 2] = [&ChannelNumber(0x4000), &peer(PEER)];
    bob.ask(&mut site, Method::CHANNEL_BIND, &attributes)
        .refused(441);
    bob.ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .refused(441);
    assert_eq!(site.relay.allocations(), 1);
}

#[test]
fn without_an_allocation_everything_is_a_mismatch() {
    let (mut site, mut alice) = start();
    alice.refresh(&mut site, 600).refused(437);
    let attributes: [&dyn Encode; 2] = [&ChannelNumber(0x4000), &peer(PEER)];
    alice
        .ask(&mut site, Method::CHANNEL_BIND, &attributes)
        .refused(437);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .refused(437);
}

#[test]
fn permissions_are_all_granted_or_none() {
    let (mut site, mut alice) = allocated();
    let relayed = *site.bound.values().next().unwrap();
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[])
        .refused(400);
    let (good, forbidden) = (peer(PEER), peer("10.0.0.1:1"));
    let mixed: [&dyn Encode; 2] = [&good, &forbidden];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &mixed)
        .refused(403);
    let is_told = |event: &Event| match event {
        Event::Denied(denied) => denied.peer == addr("10.0.0.1:1").ip() && denied.port.is_none(),
        _ => false,
    };
    assert_eq!(site.told(is_told), 1);
    let mixed: [&dyn Encode; 2] = [&good, &peer(PEER_V6)];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &mixed)
        .refused(443);
    let broken = Raw(AttributeType::XOR_PEER_ADDRESS, b"\0\x01\0\0");
    let mixed: [&dyn Encode; 2] = [&good, &broken];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &mixed)
        .refused(400);
    let stats = site.relay.stats();
    let counted: Vec<_> = stats
        .refusals
        .iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(counted, [(400, 2), (403, 1), (443, 1)]);
    assert_eq!(stats.refused, 4);
    assert_eq!(site.peer_says(addr(PEER), relayed, b"early"), []);
    let several: [&dyn Encode; 2] = [&good, &peer("203.0.113.8:0")];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &several)
        .granted();
    assert_eq!(site.peer_says(addr(PEER), relayed, b"hello").len(), 1);
    assert_eq!(
        site.peer_says(addr("203.0.113.8:9"), relayed, b"hello")
            .len(),
        1
    );
}

#[test]
fn channels_and_peers_belong_together_for_ever() {
    let (mut site, mut alice) = start();
    alice.try_allocate(&mut site, &[&Lifetime(3600)]).granted();
    let mut bind = |site: &mut Site, number, to| {
        let attributes: [&dyn Encode; 2] = [&ChannelNumber(number), &peer(to)];
        alice.ask(site, Method::CHANNEL_BIND, &attributes)
    };
    for number in [0, 0x3fff, 0x8000, 0xffff] {
        bind(&mut site, number, PEER).refused(400);
    }
    bind(&mut site, 0x4000, PEER).granted();
    bind(&mut site, 0x4000, PEER).granted();
    bind(&mut site, 0x4000, "203.0.113.7:7001").refused(400);
    bind(&mut site, 0x4001, PEER).refused(400);
    bind(&mut site, 0x4fff, "203.0.113.7:7001").granted();
    bind(&mut site, 0x4002, "127.0.0.1:7").refused(403);
    bind(&mut site, 0x4002, "203.0.113.7:0").refused(403);
    bind(&mut site, 0x4002, PEER_V6).refused(443);
    let is_told = |event: &Event| match event {
        Event::Denied(denied) => denied.user.as_ref() == "alice" && denied.port == Some(7),
        _ => false,
    };
    assert_eq!(site.told(is_told), 1);
    site.pass(secs(300));
    bind(&mut site, 0x4000, PEER).granted();
    site.pass(secs(299));
    bind(&mut site, 0x4fff, "203.0.113.7:7002").refused(400);
    // It is over after ten minutes, and its number and peer are free again.
    site.pass(secs(1));
    bind(&mut site, 0x4fff, "203.0.113.7:7002").granted();
    bind(&mut site, 0x7fff, "203.0.113.7:7001").granted();
    bind(&mut site, 0x7fff, PEER).refused(400);
}

#[test]
fn channel_bind_needs_both_attributes() {
    let (mut site, mut alice) = allocated();
    alice
        .ask(&mut site, Method::CHANNEL_BIND, &[&ChannelNumber(0x4000)])
        .refused(400);
    alice
        .ask(&mut site, Method::CHANNEL_BIND, &[&peer(PEER)])
        .refused(400);
    alice.ask(&mut site, Method::CHANNEL_BIND, &[]).refused(400);
}

#[test]
fn peers_are_bounded() {
    let mut site = Site::new(config().with_max_peers(2));
    let mut alice = User::alice();
    alice.allocate(&mut site);
    let three: [&dyn Encode; 3] = [&peer(PEER), &peer("203.0.113.8:1"), &peer("203.0.113.9:1")];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &three)
        .refused(508);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &three[..2])
        .granted();
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &three[..2])
        .granted();
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &three[2..])
        .refused(508);
    for (number, port, code) in [(0x4000, 1, None), (0x4001, 2, None), (0x4002, 3, Some(508))] {
        let to = XorPeerAddress((addr(PEER).ip(), port).into());
        let attributes: [&dyn Encode; 2] = [&ChannelNumber(number), &to];
        let answer = alice.ask(&mut site, Method::CHANNEL_BIND, &attributes);
        assert_eq!(answer.code, code);
    }
    // What has expired makes room.
    site.pass(secs(300));
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &three[2..])
        .granted();
}
