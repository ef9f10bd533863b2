//! What RFC 8656 says of requests, one by one: what is granted, and with which code the rest is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use site::{CLIENT, PEER, PEER_V6, Site, User, addr, config, secs};
use stun_codec::attribute::{
    AdditionalAddressFamily, AddressErrorCode, ChannelNumber, EvenPort, Lifetime, Priority,
    RequestedAddressFamily, RequestedTransport, ReservationToken, UnknownAttributes,
    XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{AttributeType, Decode, Encode, EncodeError, Family, Method, ValueWriter};
use turn_relay::Transport;
use turn_relay::server::{Config, EndCause, Event, Relayed};

/// An attribute as it should not be.
struct Raw(AttributeType, &'static [u8]);

impl Encode for Raw {
    fn attribute_type(&self) -> AttributeType {
        self.0
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(self.1);
        Ok(())
    }
}

fn peer(text: &str) -> XorPeerAddress {
    XorPeerAddress(addr(text))
}

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
    let mixed: [&dyn Encode; 2] = [&good, &peer(PEER_V6)];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &mixed)
        .refused(443);
    let broken = Raw(AttributeType::XOR_PEER_ADDRESS, b"\0\x01\0\0");
    let mixed: [&dyn Encode; 2] = [&good, &broken];
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &mixed)
        .refused(400);
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
    for number in [0, 0x3fff, 0x5000, 0x7fff, 0xffff] {
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
    site.pass(secs(300));
    bind(&mut site, 0x4000, PEER).granted();
    site.pass(secs(299));
    bind(&mut site, 0x4fff, "203.0.113.7:7002").refused(400);
    // It is over after ten minutes, and its number and peer are free again.
    site.pass(secs(1));
    bind(&mut site, 0x4fff, "203.0.113.7:7002").granted();
    bind(&mut site, 0x4abc, "203.0.113.7:7001").granted();
    bind(&mut site, 0x4abc, PEER).refused(400);
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
        &[&Raw(AttributeType::REQUESTED_ADDRESS_FAMILY, b"\x03\0\0\0")],
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

#[test]
fn indications_are_never_answered_whatever_is_wrong() {
    let (mut site, mut alice) = allocated();
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .granted();
    let indicate = |site: &mut Site, attributes: &[&dyn Encode]| {
        let mut out = bytes::BytesMut::new();
        let id = stun_codec::TransactionId([3; 12]);
        let mut builder = stun_codec::Builder::indication(&mut out, Method::SEND, id);
        for attribute in attributes {
            builder = builder.attribute(*attribute);
        }
        builder.finish().unwrap();
        site.client_says(alice.at, &out).len()
    };
    let data = stun_codec::attribute::Data(b"hello");
    assert_eq!(indicate(&mut site, &[&peer(PEER), &data]), 1);
    assert_eq!(indicate(&mut site, &[&peer(PEER)]), 0);
    assert_eq!(indicate(&mut site, &[&data]), 0);
    assert_eq!(indicate(&mut site, &[&peer("203.0.113.9:1"), &data]), 0);
    assert_eq!(indicate(&mut site, &[&peer("203.0.113.7:0"), &data]), 0);
    assert_eq!(indicate(&mut site, &[&peer(PEER_V6), &data]), 0);
    assert_eq!(
        indicate(
            &mut site,
            &[&Raw(AttributeType(0x7fff), b""), &peer(PEER), &data]
        ),
        0
    );
    assert_eq!(
        indicate(
            &mut site,
            &[&Raw(AttributeType::DONT_FRAGMENT, b""), &peer(PEER), &data]
        ),
        0
    );
    // An empty datagram is one.
    let empty = stun_codec::attribute::Data(b"");
    assert_eq!(indicate(&mut site, &[&peer(PEER), &empty]), 1);
    assert!(site.relay.poll_event().is_none());
}

#[test]
fn what_is_not_to_be_fragmented_is_told_to_the_driver() {
    let mut site = Site::new(config().with_dont_fragment());
    let mut alice = User::alice();
    alice.allocate(&mut site);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .granted();
    let mut out = bytes::BytesMut::new();
    let id = stun_codec::TransactionId([3; 12]);
    stun_codec::Builder::indication(&mut out, Method::SEND, id)
        .attribute(&peer(PEER))
        .attribute(&Raw(AttributeType::DONT_FRAGMENT, b""))
        .attribute(&stun_codec::attribute::Data(b"hello"))
        .finish()
        .unwrap();
    let sent = site.client_says(alice.at, &out);
    assert!(sent[0].is_whole && sent[0].data == b"hello");
}

#[test]
fn a_peer_that_cannot_be_reached_is_told_if_it_is_permitted() {
    let (mut site, mut alice) = allocated();
    let id = *site.bound.keys().next().unwrap();
    let tell = |site: &mut Site, kind| {
        let icmp = turn_relay::server::Icmp {
            kind,
            code: 4,
            data: 1280,
        };
        site.relay.handle_icmp(site.now, id, addr(PEER), icmp);
        site.drain()
    };
    assert_eq!(tell(&mut site, 3), []);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .granted();
    assert_eq!(tell(&mut site, 8), [], "an echo request");
    let out = tell(&mut site, 3);
    let data = stun_codec::Message::parse(&out[0].data).unwrap();
    assert_eq!(
        (out[0].path.remote, data.method()),
        (alice.at, Method::DATA)
    );
    assert_eq!(data.attribute().unwrap(), Some(peer(PEER)));
    let icmp = stun_codec::attribute::Icmp {
        kind: 3,
        code: 4,
        data: 1280,
    };
    assert_eq!(data.attribute().unwrap(), Some(icmp));
}

#[test]
fn an_allocation_ends_with_its_connection() {
    let (mut site, mut alice) = start();
    let path = turn_relay::Path {
        id: turn_relay::SocketId(77),
        local: addr(site::SERVER),
        remote: alice.at,
        transport: Transport::Tcp,
    };
    site.relay.handle_accepted(site.now, path);
    for _ in 0..2 {
        let request = alice.request(Method::ALLOCATE, &[&RequestedTransport::UDP]);
        let out = site.hand(path, &request);
        let answer = stun_codec::Message::parse(&out[0].data).unwrap();
        assert_eq!(out[0].path, path);
        if let Some(stun_codec::attribute::Nonce(nonce)) = answer.attribute().unwrap() {
            alice.nonce = nonce.to_vec();
        }
    }
    assert_eq!(site.relay.allocations(), 1);
    site.pass(secs(60));
    assert_eq!(site.told(|event| matches!(event, Event::Close(_))), 0);
    site.relay.handle_closed(site.now, path.id);
    site.drain();
    assert!(site.bound.is_empty());
    assert_eq!(
        site.told(
            |event| matches!(event, Event::Ended(ended) if ended.cause == EndCause::ConnectionLost)
        ),
        1
    );
}

#[test]
fn a_connection_that_nothing_comes_of_is_closed() {
    let (mut site, alice) = start();
    let path = turn_relay::Path {
        id: turn_relay::SocketId(77),
        local: addr(site::SERVER),
        remote: alice.at,
        transport: Transport::Tls,
    };
    site.relay.handle_accepted(site.now, path);
    site.pass(secs(29));
    assert!(site.events.is_empty());
    site.pass(secs(1));
    assert_eq!(
        site.told(|event| matches!(event, Event::Close(close) if close.id == path.id)),
        1
    );
    assert_eq!(site.relay.poll_timeout(), None);
}

#[test]
fn what_is_no_stun_is_somebody_elses() {
    let (mut site, alice) = start();
    for other in [
        &b"\x16\xfe\xfd"[..],
        b"\x80\0",
        b"\x50\0\0\0",
        b"PUT /",
        b"",
    ] {
        assert_eq!(site.client_says(alice.at, other), []);
        assert_eq!(site.last, Relayed::NotMine);
    }
    for broken in [&b"\0\x03\0\0"[..], b"\x40\0", b"\x40\0\0\x05hell"] {
        assert_eq!(site.client_says(alice.at, broken), []);
        assert_eq!(site.last, Relayed::Dropped);
    }
    assert_eq!(site.relay.stats().malformed, 3);
}
