//! A server over UDP, from the first request to data both ways.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod site;

use bytes::BytesMut;
use site::{CLIENT, PEER, SERVER, Site, User, addr, config, secs};
use stun_codec::attribute::{
    ChannelNumber, Data, Lifetime, XorMappedAddress, XorPeerAddress, XorRelayedAddress,
};
use stun_codec::{Builder, Message, Method, TransactionId};
use turn_relay::server::{EndCause, Event, Relayed};

fn send(peer: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    Builder::indication(&mut out, Method::SEND, TransactionId([3; 12]))
        .attribute(&XorPeerAddress(addr(peer)))
        .attribute(&Data(payload))
        .finish()
        .unwrap();
    out.to_vec()
}

#[test]
fn data_goes_both_ways_by_indication_and_by_channel() {
    let mut site = Site::new(config());
    let mut alice = User::alice();
    let answer = alice.try_allocate(&mut site, &[]).granted();
    let relayed = answer.get::<XorRelayedAddress>().unwrap().0;
    assert_eq!(relayed.ip(), addr(SERVER).ip());
    assert_eq!(answer.get(), Some(XorMappedAddress(addr(CLIENT))));
    assert_eq!(answer.get(), Some(Lifetime(600)));

    // Nobody is let in yet, and nobody is sent to.
    assert_eq!(site.peer_says(addr(PEER), relayed, b"early"), []);
    assert_eq!(site.client_says(alice.at, &send(PEER, b"early")), []);
    assert_eq!(site.relay.stats().unpermitted_peer, 2);

    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    let out = site.client_says(alice.at, &send(PEER, b"hello"));
    assert_eq!(out.len(), 1);
    assert_eq!(
        (out[0].path.local, out[0].path.remote),
        (relayed, addr(PEER))
    );
    assert_eq!(out[0].data, b"hello");
    // Permissions are for an address, whatever the port (RFC 8656 §9).
    let other = addr("203.0.113.7:9");
    let out = site.peer_says(other, relayed, b"hello");
    let data = Message::parse(&out[0].data).unwrap();
    assert_eq!(data.method(), Method::DATA);
    assert_eq!(data.attribute().unwrap(), Some(XorPeerAddress(other)));
    assert_eq!(data.attribute().unwrap(), Some(Data(b"hello")));
    assert_eq!(out[0].path.remote, alice.at);

    alice
        .ask(
            &mut site,
            Method::CHANNEL_BIND,
            &[&ChannelNumber(0x4000), &peer],
        )
        .granted();
    let out = site.peer_says(addr(PEER), relayed, b"hello");
    assert_eq!(out[0].data, b"\x40\0\0\x05hello");
    // Padding behind it is no data.
    let out = site.client_says(alice.at, b"\x40\0\0\x05hello\0\0\0");
    assert_eq!(
        (out[0].path.remote, &out[0].data[..]),
        (addr(PEER), &b"hello"[..])
    );
    let traffic = site.relay.stats().traffic;
    assert_eq!((traffic.sent_packets, traffic.sent_bytes), (2, 10));
    assert_eq!((traffic.received_packets, traffic.received_bytes), (2, 10));

    let session = site.relay.sessions().next().unwrap();
    assert_eq!((session.user, session.client.remote), ("alice", alice.at));
    assert_eq!((session.relayed, session.traffic), (relayed, traffic));

    alice.refresh(&mut site, 0).granted();
    assert!(site.bound.is_empty());
    let Some(Event::Ended(ended)) = site.events.last() else {
        panic!("{:?}", site.events);
    };
    assert_eq!(
        (ended.cause, ended.traffic, &*ended.user),
        (EndCause::Released, traffic, "alice")
    );
    assert_eq!(site.client_says(alice.at, b"\x40\0\0\x05hello"), []);
    assert_eq!(site.last, Relayed::Dropped);
    assert_eq!(site.relay.allocations(), 0);
}

#[test]
fn what_is_not_refreshed_expires() {
    let mut site = Site::new(config());
    let mut alice = User::alice();
    let relayed = alice.allocate(&mut site);
    let peer = XorPeerAddress(addr(PEER));
    alice
        .ask(
            &mut site,
            Method::CHANNEL_BIND,
            &[&ChannelNumber(0x4000), &peer],
        )
        .granted();
    site.pass(secs(299));
    assert_eq!(site.peer_says(addr(PEER), relayed, b"in time").len(), 1);
    // The permission ends before its channel (RFC 8656 §9, §12).
    site.pass(secs(1));
    assert_eq!(site.peer_says(addr(PEER), relayed, b"late"), []);
    assert_eq!(site.client_says(alice.at, b"\x40\0\0\0"), []);
    alice
        .ask(&mut site, Method::CREATE_PERMISSION, &[&peer])
        .granted();
    assert_eq!(site.peer_says(addr(PEER), relayed, b"hello").len(), 1);
    site.pass(secs(299));
    let told = |site: &Site| site.told(|event| matches!(event, Event::Ended(_)));
    assert_eq!(told(&site), 0);
    site.pass(secs(2));
    assert_eq!(told(&site), 1);
    assert!(site.bound.is_empty());
    assert_eq!(site.relay.poll_timeout(), None);
    alice.refresh(&mut site, 600).refused(437);
}
