//! What is no request: indications, connections that come and go, what is not for a relay at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use site::{PEER, PEER_V6, Raw, Site, User, addr, config, peer, secs};
use stun_codec::attribute::RequestedTransport;
use stun_codec::{AttributeType, Encode, Method};
use turn_relay::Transport;
use turn_relay::server::{EndCause, Event, Relayed};

fn start() -> (Site, User) {
    (Site::new(config()), User::alice())
}

fn allocated() -> (Site, User) {
    let (mut site, mut alice) = start();
    alice.allocate(&mut site);
    (site, alice)
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
    // Not where IPv6 is involved (RFC 8656 §13).
    alice.refresh(&mut site, 0).granted();
    let mut alice = User::new("[2001:db8:9::1]:5000", "alice", "secret");
    alice.allocate(&mut site);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .granted();
    let sent = site.client_says(alice.at, &out);
    assert!(!sent[0].is_whole && sent[0].data == b"hello");
}

#[test]
fn port_zero_is_nobodys_in_either_direction() {
    let (mut site, mut alice) = allocated();
    let relayed = *site.bound.values().next().unwrap();
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer(PEER)])
        .granted();
    assert_eq!(
        site.peer_says(addr("203.0.113.7:1"), relayed, b"hello")
            .len(),
        1
    );
    assert_eq!(site.peer_says(addr("203.0.113.7:0"), relayed, b"hello"), []);
    assert_eq!(site.relay.stats().denied_peer, 1);
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
        b"\x04\0\0\0",
        b"\xff\xff",
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
