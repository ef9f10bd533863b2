//! Connection IDs (RFC 9146, RFC 9147 §9) in both versions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, configs_of};
use dtls_handshake::{Connection, DropReason, Handled, Version, connection_id};
use virtual_network::Weather;

const VERSIONS: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// Client and server that want to see connection IDs of these lengths, or do not speak of them.
fn connected(version: Version, lengths: [Option<u8>; 2], mtu: usize) -> Link {
    let mut lengths = lengths.into_iter();
    let configs = configs_of(&[version]).map(|config| {
        let config = config.with_mtu(mtu);
        match lengths.next().flatten() {
            Some(length) => config.with_connection_id_length(length),
            None => config,
        }
    });
    let weather = Weather::calm(Duration::from_millis(10));
    let mut link = Link::new(configs, 21, weather).introduced();
    link.settle();
    link.deliver();
    for end in &link.ends {
        assert!(end.connected.is_some(), "{lengths:?}: {:?}", link.causes());
        assert_eq!(end.connection.stats().timeouts, 0);
    }
    assert_eq!(link.ends[0].exported(), link.ends[1].exported());
    link
}

fn send(connection: &mut Connection, link_now: std::time::Instant, data: &[u8]) -> Vec<u8> {
    connection.send(link_now, data).unwrap();
    let mut out = bytes::BytesMut::new();
    let range = connection.poll_transmit(&mut out).unwrap();
    out[range].to_vec()
}

#[test]
fn every_length_in_either_direction() {
    let lengths = [None, Some(0), Some(1), Some(8), Some(255)];
    for version in VERSIONS {
        for of_client in lengths {
            for of_server in lengths {
                let mut link = connected(version, [of_client, of_server], 600);
                let spoken = of_client.is_some() && of_server.is_some();
                for (side, length) in [(0, of_client), (1, of_server)] {
                    let length = if spoken { length.unwrap().into() } else { 0 };
                    let now = link.now();
                    let id = link.ends[side]
                        .connection
                        .connection_id()
                        .map(<[u8]>::to_vec);
                    assert_eq!(id.as_ref().map_or(0, Vec::len), length);
                    // What the other side sends has it, where the owner can read it.
                    let mut datagram = send(&mut link.ends[1 - side].connection, now, b"hello");
                    assert_eq!(connection_id(&datagram, length).map(<[u8]>::to_vec), id);
                    let ours = &mut link.ends[side].connection;
                    assert_eq!(ours.handle_datagram(now, &mut datagram), Handled::Consumed);
                    assert_eq!(link.ends[side].data(), [b"hello"]);
                }
                assert!(link.largest <= 600);
            }
        }
    }
}

#[test]
fn datagrams_are_filled_and_not_more() {
    for version in VERSIONS {
        let mut link = connected(version, [Some(20), Some(3)], 300);
        let now = link.now();
        for side in 0..2 {
            let sender = &mut link.ends[side].connection;
            let room = (0..300).rev().find(|length| {
                let data = vec![7; *length];
                sender.send(now, &data).is_ok()
            });
            link.drain();
            let longest = link.take_under_way().iter().map(|(_, d)| d.len()).max();
            assert_eq!(longest, Some(300), "{version:?}: {room:?}");
        }
    }
}

/// RFC 9146 §4: what a record contains cannot be seen from outside.
#[test]
fn the_type_is_hidden() {
    let mut link = connected(Version::Dtls12, [Some(4), Some(4)], 1200);
    let now = link.now();
    let data = send(&mut link.ends[0].connection, now, b"12");
    link.ends[0].connection.close(now);
    let mut out = bytes::BytesMut::new();
    let alert = link.ends[0].connection.poll_transmit(&mut out).unwrap();
    assert_eq!((data[0], data.len()), (25, out[alert].len()));
    assert_eq!(out[0], 25);
}

#[test]
fn another_id_or_none_is_dropped() {
    for version in VERSIONS {
        let mut link = connected(version, [Some(4), Some(4)], 1200);
        let now = link.now();
        let good = send(&mut link.ends[0].connection, now, b"hello");
        let at = if version == Version::Dtls12 { 11 } else { 1 };
        let wrong = DropReason::WrongConnectionId;
        let server = &mut link.ends[1].connection;
        for byte in 0..4 {
            let mut other = good.clone();
            other[at + byte] ^= 1;
            let before = server.stats().dropped(wrong);
            assert_eq!(server.handle_datagram(now, &mut other), Handled::Dropped);
            assert_eq!(server.stats().dropped(wrong), before + 1);
        }
        assert_eq!(
            server.handle_datagram(now, &mut good.clone()),
            Handled::Consumed
        );
        // A connection that gave none away.
        let mut link = connected(version, [Some(4), Some(0)], 1200);
        let server = &mut link.ends[1].connection;
        assert_eq!(
            server.handle_datagram(now, &mut good.clone()),
            Handled::Dropped
        );
        assert_eq!(server.stats().dropped(wrong), 1);
    }
}

/// RFC 9146 §6: an address is followed for the newest authentic record alone.
#[test]
fn the_newest_datagram_may_be_followed() {
    for version in VERSIONS {
        let mut link = connected(version, [Some(4), Some(4)], 1200);
        let now = link.now();
        let mut datagrams =
            [b"0", b"1", b"2"].map(|data| send(&mut link.ends[0].connection, now, &data[..]));
        let server = &mut link.ends[1].connection;
        let mut forged = datagrams[2].clone();
        *forged.last_mut().unwrap() ^= 1;
        let _: Handled = server.handle_datagram(now, &mut forged);
        assert!(!server.was_newest(), "it is not authentic");
        for (index, newest) in [(1, true), (0, false), (2, true)] {
            let mut copy = datagrams[index].clone();
            let _: Handled = server.handle_datagram(now, &mut datagrams[index]);
            assert_eq!(server.was_newest(), newest);
            let _: Handled = server.handle_datagram(now, &mut copy);
            assert!(!server.was_newest(), "it was repeated");
        }
    }
}

#[test]
fn ids_are_at_random_for_each_connection() {
    let id = |seed: u8| {
        let [config, _] = configs_of(&VERSIONS);
        let config = config.with_connection_id_length(16);
        let mut client = Connection::client(config, [seed; 32], common::origin());
        assert_eq!(client.connection_id(), None, "nothing is settled");
        let mut out = bytes::BytesMut::new();
        let range = client.poll_transmit(&mut out).unwrap();
        let hello = &out[range];
        let at = hello
            .windows(5)
            .position(|w| w == [0, 54, 0, 17, 16])
            .unwrap()
            + 5;
        hello[at..at + 16].to_vec()
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn datagrams_without_an_id_have_none() {
    assert_eq!(connection_id(&[], 1), None);
    assert_eq!(connection_id(&[25; 11], 1), None);
    assert_eq!(connection_id(&[25; 12], 1), Some(&[25][..]));
    assert_eq!(connection_id(&[25; 12], 0), None);
    assert_eq!(connection_id(&[22; 40], 4), None);
    assert_eq!(connection_id(&[0x2F, 1, 2, 3], 2), None);
    assert_eq!(connection_id(&[0x3F, 1, 2, 3], 2), Some(&[1, 2][..]));
    assert_eq!(connection_id(&[0x3F, 1], 2), None);
}
