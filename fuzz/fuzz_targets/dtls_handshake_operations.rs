//! A client and a server, and between them somebody who delivers, loses, changes, repeats and
//! invents datagrams while time passes; and either may say under its keys what it should not. No
//! panic, no timeout in the past, one end for each, equal keys where both are connected and kept
//! the rules.
//!
//! Input: a byte for the settings of both sides, then operations, one byte each, with their
//! arguments behind them.
#![no_main]

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::{
    Config, Connected, Connection, Event, Group, Identity, KeyUpdateRequest, Version, testing,
};
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

const BOTH: &[Version] = &[Version::Dtls12, Version::Dtls13];
/// Of the client and of the server.
const VERSIONS: [[&[Version]; 2]; 4] = [
    [BOTH, BOTH],
    [&[Version::Dtls12], BOTH],
    [BOTH, &[Version::Dtls12]],
    [&[Version::Dtls13], &[Version::Dtls13]],
];
const GROUPS: [&[Group]; 4] = [
    &[Group::X25519],
    &[Group::X25519MlKem768, Group::X25519],
    &[Group::X25519, Group::Secp256r1],
    &[Group::Secp256r1, Group::X25519],
];

/// Two bits for the versions, two for the groups of each side, two for connection IDs.
fn configs(settings: u8) -> [Config; 2] {
    let at = |shift: u8| usize::from(settings >> shift & 3);
    let groups = [GROUPS[at(2)], GROUPS[at(4)]];
    let mut side = 0;
    identities().clone().map(|identity| {
        let config = Config::new(identity)
            .with_versions(VERSIONS[at(0)][side])
            .with_groups(groups[side])
            .with_srtp_profiles(&[7, 1])
            .with_mtu(400);
        side += 1;
        match at(6) {
            0 | 1 => config,
            length => config.with_connection_id_length((length as u8 - 2) * 4 * side as u8),
        }
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

/// One side sends what its own code would not.
fn speak(ends: &mut [End; 2], side: usize, before: u8, content: u8, payload: &[u8], now: Instant) {
    let connection = &mut ends[side].connection;
    if let Some(mut datagram) = testing::speak(connection, before.into(), content, payload) {
        let _ = ends[1 - side]
            .connection
            .handle_datagram(now, &mut datagram);
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
    let Some((&settings, data)) = data.split_first() else {
        return;
    };
    let [client, server] = configs(settings);
    let mut honest = true;
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
        match operation >> 1 {
            0..=4 | 20.. => {
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
            16 => {
                let request = match argument() {
                    0 => KeyUpdateRequest::NotRequested,
                    _ => KeyUpdateRequest::Requested,
                };
                let _ = ends[side].connection.update_keys(now, request);
            }
            // A message of any type in any epoch, with the header that it needs.
            17 => {
                let (before, kind, number) = (argument() & 3, argument(), argument());
                let length = argument() & 63;
                let header = [kind, 0, 0, length, 0, number, 0, 0, 0, 0, 0, length];
                let mut payload = header.to_vec();
                payload.extend((0..length).map(|_| argument()));
                speak(&mut ends, side, before, 22, &payload, now);
                honest = false;
            }
            18 => {
                let (before, content, length) = (argument() & 3, argument(), argument() & 63);
                let payload: Vec<u8> = (0..length).map(|_| argument()).collect();
                speak(&mut ends, side, before, content, &payload, now);
                honest = false;
            }
            19 => {
                if let Some(at) = ends[side].connection.poll_timeout() {
                    now = now.max(at);
                }
            }
            _ => {
                let timeout = Duration::from_millis(argument().into());
                ends[side].connection.set_initial_timeout(timeout);
            }
        }
        drain(&mut ends, now);
    }
    if honest && let [Some(client), Some(server)] = ends.each_ref().map(exported) {
        assert_eq!(client, server);
    }
});
