//! Losses in handshakes of DTLS 1.3: whatever is lost, the rest is asked for or comes again, and
//! no more than the rest (RFC 9147 §5.8 and §7).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{End, Link, configs_of, origin};
use dtls_handshake::{Config, Connection, Group, Handled, Version};
use virtual_network::Weather;

const MS: Duration = Duration::from_millis(1);
const CLIENT: usize = 0;
const SERVER: usize = 1;

fn configs(mtu: usize, groups: [&[Group]; 2]) -> [Config; 2] {
    let mut groups = groups.into_iter();
    configs_of(&[Version::Dtls13]).map(|config| {
        let groups = groups.next().unwrap();
        config.with_mtu(mtu).with_groups(groups)
    })
}

/// One share is enough.
const SAME: [&[Group]; 2] = [&[Group::X25519], &[Group::X25519]];
/// The server asks for another share.
const OTHER: [&[Group]; 2] = [&[Group::X25519, Group::Secp256r1], &[Group::Secp256r1]];

/// Runs a handshake over a link without delay on which the datagrams of these numbers, counted over
/// both sides, are lost, until both sides are connected and neither has anything under way. Returns
/// the link and how many datagrams there were.
fn run(configs: [Config; 2], lost: &[usize]) -> (Link, usize) {
    let mut link = Link::new(configs, 7, Weather::default()).introduced();
    let mut sent = 0;
    for _ in 0..200 {
        link.drain();
        let now = link.now();
        let under_way = link.take_under_way();
        let nothing = under_way.is_empty();
        for (to, mut datagram) in under_way {
            if !lost.contains(&sent) {
                let _: Handled = link.ends[to].connection.handle_datagram(now, &mut datagram);
            }
            sent += 1;
        }
        if nothing && !link.step() {
            break;
        }
    }
    link.drain();
    (link, sent)
}

fn assert_complete(link: &mut Link, context: &str) {
    assert_eq!(link.causes(), [None, None], "{context}");
    assert_eq!(
        link.ends[CLIENT].exported(),
        link.ends[SERVER].exported(),
        "{context}"
    );
    for end in &link.ends {
        assert_eq!(end.connection.poll_timeout(), None, "{context}");
    }
    let now = link.now();
    for side in 0..2 {
        link.ends[side].connection.send(now, b"data").unwrap();
    }
    link.deliver();
    for end in &mut link.ends {
        assert_eq!(end.data(), [b"data"], "{context}");
    }
}

fn took(end: &End) -> Duration {
    end.connected_at.unwrap() - origin()
}

/// Each datagram alone, and each two, at two sizes, with one hello and with two.
#[test]
fn whatever_is_lost_the_handshake_completes() {
    for groups in [SAME, OTHER] {
        for mtu in [256, 1200] {
            let (mut link, datagrams) = run(configs(mtu, groups), &[]);
            assert_complete(&mut link, "nothing lost");
            assert!(took(&link.ends[SERVER]) < MS);
            for first in 0..datagrams {
                for second in first..datagrams {
                    let (mut link, _) = run(configs(mtu, groups), &[first, second]);
                    let context = format!("mtu {mtu}: {first} and {second} of {datagrams} lost");
                    assert_complete(&mut link, &context);
                    let longest = link.ends.iter().map(took).max().unwrap();
                    // One timer after the other: 400 ms and 800 ms.
                    assert!(longest <= 1200 * MS, "{context}: {longest:?}");
                }
            }
        }
    }
}

/// Of a flight in parts the missing part alone comes again, a quarter of the timeout after the
/// others.
#[test]
fn what_is_missing_comes_again_and_nothing_else() {
    let configs = || configs(256, SAME);
    let (link, datagrams) = run(configs(), &[]);
    let sent = |link: &Link| [CLIENT, SERVER].map(|side| link.ends[side].sent);
    let [hellos, flight, answer] = [1, sent(&link)[SERVER] - 1, sent(&link)[CLIENT] - 1];
    assert_eq!(hellos + flight + answer + 1, datagrams);
    assert!(flight > 2 && answer > 1);
    for lost in 0..datagrams - 1 {
        let (link, _) = run(configs(), &[lost]);
        let timeouts = [CLIENT, SERVER].map(|side| link.ends[side].connection.stats().timeouts);
        let again = sent(&link).into_iter().sum::<usize>() - datagrams;
        if lost == 0 {
            // Nobody knows that there is anything to be acknowledged.
            assert_eq!((timeouts, again), ([1, 0], 1));
        } else if lost == 1 {
            // Without the ServerHello nothing can be read: an empty ACK, and all again.
            assert_eq!((timeouts, again), ([0, 0], 1 + flight));
        } else {
            // An ACK, and what it leaves out.
            assert_eq!((timeouts, again), ([0, 0], 1 + 1), "{lost}");
            assert_eq!(took(&link.ends[SERVER]), 100 * MS, "{lost}");
        }
    }
}

/// RFC 9147 §5.8.1: a server acknowledges the client's last flight as often as it comes.
#[test]
fn a_lost_acknowledgement_is_asked_for_by_repeating_the_flight() {
    let (_, datagrams) = run(configs(1200, SAME), &[]);
    let last = datagrams - 1;
    let (mut link, _) = run(configs(1200, SAME), &[last]);
    assert_eq!(link.ends[CLIENT].connection.stats().timeouts, 1);
    assert!(took(&link.ends[CLIENT]) < MS && took(&link.ends[SERVER]) < MS);
    assert_eq!(link.now() - origin(), 400 * MS);
    assert_complete(&mut link, "ACK lost");
}

/// A client whose last flight never arrives is connected by its own account, and learns in bounded
/// time that it is not.
#[test]
fn a_client_that_is_never_acknowledged_ends() {
    let mut link = Link::new(configs(1200, SAME), 7, Weather::default()).introduced();
    while link.ends[CLIENT].connected.is_none() {
        link.step();
        link.drain();
    }
    link.mute(CLIENT);
    link.take_under_way();
    while link.step() {
        link.drain();
    }
    link.drain();
    for end in &link.ends {
        assert_eq!(end.closed, Some(dtls_handshake::CloseCause::TimedOut));
        assert_eq!(end.closed_at.unwrap() - origin(), Duration::from_secs(30));
    }
}

/// Of its ClientHello as well, but only by a client that offers DTLS 1.3.
#[test]
fn a_hello_is_acknowledged_to_those_alone_who_offer_dtls_1_3() {
    for (version, handled, again) in [
        (Version::Dtls12, Handled::Dropped, 1),
        (Version::Dtls13, Handled::Consumed, 0),
    ] {
        let [config, _] = configs_of(&[version]);
        let config = config.with_groups(&[Group::X25519]);
        let mut client = End::new(Connection::client(config, [1; 32], origin()));
        assert_eq!(client.transmits().len(), 1);
        // Epoch 0, sequence number 0.
        let mut ack = [
            &[26, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 18, 0, 16][..],
            &[0; 16],
        ]
        .concat();
        let connection = &mut client.connection;
        assert_eq!(connection.handle_datagram(origin(), &mut ack), handled);
        connection.handle_timeout(origin() + 400 * MS);
        assert_eq!(client.transmits().len(), again, "{version:?}");
    }
}
