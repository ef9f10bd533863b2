//! Connection IDs (RFC 9146, RFC 9147 §9) in both versions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Link, configs_of};
use dtls_handshake::testing::TrafficSecret;
use dtls_handshake::{CloseCause, Connection, DropReason, Handled, Version, connection_id};
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

/// A client that is connected, and what its server, which has its keys and does not keep the rules,
/// sends to it.
struct Client {
    link: Link,
    server: TrafficSecret,
    sequence: u64,
    message_seq: u8,
}

impl Client {
    fn new(lengths: [u8; 2]) -> Self {
        let secret = Arc::new(Mutex::new(Vec::new()));
        let mut lengths = lengths.into_iter();
        let configs = configs_of(&[Version::Dtls13]).map(|config| {
            let secret = secret.clone();
            config
                .with_connection_id_length(lengths.next().unwrap())
                .with_key_log(move |line| {
                    if let Some(rest) = line.strip_prefix("SERVER_TRAFFIC_SECRET_0 ") {
                        *secret.lock().unwrap() = hex::decode(&rest[65..]).unwrap();
                    }
                })
        });
        let weather = Weather::calm(Duration::from_millis(10));
        let mut link = Link::new(configs, 22, weather).introduced();
        link.settle();
        link.deliver();
        let server = TrafficSecret::new(0x1301, &secret.lock().unwrap()).unwrap();
        Self {
            link,
            server,
            // Behind what the server has sent; ServerHello to Finished are six messages.
            sequence: 40,
            message_seq: 6,
        }
    }

    fn receives(&mut self, kind: u8, body: &[u8]) {
        let length = body.len() as u8;
        let seq = self.message_seq;
        let header = [kind, 0, 0, length, 0, seq, 0, 0, 0, 0, 0, length];
        let message = [&header, body].concat();
        let mut record = self.server.seal(3, self.sequence, 22, &message).unwrap();
        (self.sequence, self.message_seq) = (self.sequence + 1, seq + 1);
        let now = self.link.now();
        let client = &mut self.link.ends[0].connection;
        let _: Handled = client.handle_datagram(now, &mut record);
        self.link.ends[0].take_events(now);
    }

    /// What the client puts into its records.
    fn writes(&mut self, length: usize) -> Vec<u8> {
        // The acknowledgement of what was received, and an answer.
        self.link.ends[0].transmits();
        let now = self.link.now();
        let datagram = send(&mut self.link.ends[0].connection, now, b"x");
        connection_id(&datagram, length)
            .unwrap_or_default()
            .to_vec()
    }
}

const REQUEST: u8 = 9;
const NEW: u8 = 10;

/// RFC 9147 §9.
#[test]
fn a_new_id_is_used_at_once_and_spare_ones_are_not_kept() {
    let mut client = Client::new([4, 4]);
    let first = client.writes(4);
    assert_eq!(first.len(), 4);
    client.receives(NEW, &[0, 6, 2, 7, 8, 2, 1, 1, 1]);
    assert_eq!(client.writes(4), first, "it is spare");
    client.receives(NEW, &[0, 6, 2, 7, 8, 2, 1, 1, 0]);
    assert_eq!(client.writes(2), [7, 8]);
    assert_eq!(client.link.ends[0].closed, None);
}

#[test]
fn a_request_for_ids_is_answered_with_none() {
    let mut client = Client::new([4, 4]);
    client.receives(REQUEST, &[3]);
    assert_eq!(client.link.ends[0].closed, None);
    // The server acknowledges the answer, and what is sent afterwards still arrives.
    client.link.drain();
    client.link.deliver();
    let now = client.link.now();
    client.link.ends[0].connection.send(now, b"data").unwrap();
    client.link.deliver();
    assert_eq!(client.link.ends[1].data(), [b"data"]);
    assert_eq!(client.link.causes(), [None, None]);
    assert_eq!(client.link.ends[0].connection.stats().timeouts, 0);
    assert_eq!(client.link.ends[0].connection.poll_timeout(), None);
}

#[test]
fn messages_about_ids_that_nobody_has_are_unexpected() {
    for (lengths, kind, body, name) in [
        ([4, 0], NEW, &[0, 2, 1, 7, 0][..], "NewConnectionId"),
        ([0, 4], REQUEST, &[1], "RequestConnectionId"),
    ] {
        let mut client = Client::new(lengths);
        client.receives(kind, body);
        let cause = CloseCause::Unexpected(name);
        assert_eq!(client.link.ends[0].closed, Some(cause));
    }
    for body in [&[0, 2, 1, 7, 2][..], &[0, 0, 0]] {
        let mut client = Client::new([4, 4]);
        client.receives(NEW, body);
        let cause = CloseCause::Illegal("NewConnectionId");
        assert_eq!(client.link.ends[0].closed, Some(cause));
    }
}
