//! A client and a server, and between them somebody who delivers, loses, changes, repeats and
//! invents datagrams while time passes: no panic, no timeout in the past, one end for each, equal
//! keys where both are connected.
//!
//! Input: operations, one byte each, with their arguments behind them.
#![no_main]

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::{Config, Connected, Connection, Event, Identity};
use libfuzzer_sys::fuzz_target;

struct End {
    connection: Connection,
    connected: Option<Connected>,
    closed: bool,
    /// Datagrams on their way to this end.
    inbox: VecDeque<Vec<u8>>,
}

fn identities() -> &'static [Identity; 2] {
    static IDENTITIES: OnceLock<[Identity; 2]> = OnceLock::new();
    IDENTITIES.get_or_init(|| {
        [(); 2].map(|()| {
            let not_before = UNIX_EPOCH + Duration::from_secs(1_780_000_000);
            Identity::generate(not_before).expect("a key")
        })
    })
}

fn drain(ends: &mut [End; 2], now: Instant) {
    let mut out = BytesMut::new();
    for side in 0..2 {
        while let Some(range) = ends[side].connection.poll_transmit(&mut out) {
            let datagram = out[range].to_vec();
            if ends[1 - side].inbox.len() < 64 {
                ends[1 - side].inbox.push_back(datagram);
            }
        }
        let end = &mut ends[side];
        while let Some(event) = end.connection.poll_event() {
            assert!(!end.closed);
            match event {
                Event::Connected(connected) => {
                    assert!(end.connected.replace(connected).is_none());
                }
                Event::Closed(_) => end.closed = true,
                _ => {}
            }
        }
        while end.connection.poll_data(&mut out).is_some() {
            assert!(end.connected.is_some());
        }
        if end.closed {
            assert_eq!(end.connection.poll_timeout(), None);
        }
        let due = end.connection.poll_timeout().is_some_and(|at| at <= now);
        if due {
            end.connection.handle_timeout(now);
            assert!(end.connection.poll_timeout().is_none_or(|at| at > now));
        }
    }
}

fn exported(end: &End) -> Option<[u8; 60]> {
    let peer = &end.connected.as_ref()?.peer;
    let mut out = [0; 60];
    let label = "EXTRACTOR-dtls_srtp";
    let exported = end
        .connection
        .export_keying_material(peer, label, None, &mut out);
    exported.is_ok().then_some(out)
}

fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let mut now = Instant::now();
    let [client, server] = identities().clone().map(|identity| {
        Config::new(identity)
            .with_srtp_profiles(&[7, 1])
            .with_mtu(400)
    });
    let end = |connection| End {
        connection,
        connected: None,
        closed: false,
        inbox: VecDeque::new(),
    };
    let mut ends = [
        end(Connection::client(client, [1; 32], now)),
        end(Connection::server(server, [2; 32], now)),
    ];
    let mut input = data.iter().copied();
    drain(&mut ends, now);
    while let Some(operation) = input.next() {
        let side = usize::from(operation & 1);
        let mut argument = || input.next().unwrap_or_default();
        match operation >> 1 & 15 {
            0..=4 => {
                if let Some(mut datagram) = ends[side].inbox.pop_front() {
                    let _ = ends[side].connection.handle_datagram(now, &mut datagram);
                }
            }
            5 => drop(ends[side].inbox.pop_front()),
            6 => {
                if let Some(datagram) = ends[side].inbox.front().cloned() {
                    ends[side].inbox.push_back(datagram);
                }
            }
            7 => {
                if let Some(datagram) = ends[side].inbox.front_mut() {
                    let at = usize::from(u16::from_be_bytes([argument(), argument()]));
                    let length = datagram.len();
                    datagram[at % length] ^= argument();
                }
            }
            8 => ends[side].inbox.rotate_left(ends[side].inbox.len().min(1)),
            9 => {
                let length = usize::from(argument());
                let mut datagram: Vec<u8> = (0..length).map(|_| argument()).collect();
                let _ = ends[side].connection.handle_datagram(now, &mut datagram);
            }
            10 => now += Duration::from_millis(u64::from(argument()) * 8),
            11 => ends[side].connection.handle_timeout(now),
            12 => {
                let peer = vec![identities()[1 - side].fingerprint()];
                ends[side].connection.set_peer_fingerprints(now, peer);
            }
            13 => drop(ends[side].connection.send(now, &[argument(); 20])),
            14 => ends[side].connection.close(now),
            _ => {
                let timeout = Duration::from_millis(argument().into());
                ends[side].connection.set_initial_timeout(timeout);
            }
        }
        drain(&mut ends, now);
    }
    if let [Some(client), Some(server)] = ends.each_ref().map(exported) {
        assert_eq!(client, server);
    }
});
