//! Packets of real browsers, captured with the keys of their DTLS handshakes. Outside data: the
//! test says so when it is absent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use srtp::{Profile, Receiver, RtpHeader, is_rtcp, is_rtp_or_rtcp, keys_from_dtls_export};

use common::{outside, say};

/// How many packets of a direction were opened.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
struct Opened {
    rtp: u64,
    rtcp: u64,
}

/// One line of a `.flow` file: from where to where, and how many bytes.
struct Flow<'a> {
    from: &'a str,
    to: &'a str,
    bytes: usize,
}

impl<'a> Flow<'a> {
    fn parse(line: &'a str) -> Self {
        let fields: Vec<_> = line.split(' ').collect();
        let &[from, to, bytes, ..] = &fields[..] else {
            panic!("no flow: {line}");
        };
        let bytes = bytes.parse().unwrap();
        Self { from, to, bytes }
    }
}

/// The receivers of both directions, by the sender's address.
fn receivers<'a>(keys: &Value, flows: &[Flow<'a>]) -> BTreeMap<&'a str, Receiver> {
    let profile = keys["profile"].as_str().unwrap();
    let profile: Profile = profile.trim_start_matches("SRTP_").parse().unwrap();
    let exported = hex::decode(keys["exporter_60.."].as_str().unwrap()).unwrap();
    let exported = keys_from_dtls_export(profile, &exported).unwrap();
    let client = keys["client_addr"].as_str().unwrap();
    let ends = flows.iter().flat_map(|flow| [flow.from, flow.to]);
    let client = ends.clone().find(|end| *end == client).unwrap();
    let server = ends.clone().find(|end| *end != client).unwrap();
    assert!(
        ends.clone().all(|end| end == client || end == server),
        "two ends, one call"
    );
    let (of_client, of_server) = (
        Receiver::new(exported.client),
        Receiver::new(exported.server),
    );
    [(client, of_client), (server, of_server)].into()
}

/// Opens every packet of the call whose keys stand in `path`.
fn check_call(path: &Path) -> usize {
    let name = path.to_str().unwrap().strip_suffix(".keys.json").unwrap();
    let keys: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let packets = std::fs::read_to_string(format!("{name}.hex")).unwrap();
    let packets: Vec<_> = packets
        .lines()
        .map(|line| hex::decode(line).unwrap())
        .collect();
    let flows = std::fs::read_to_string(format!("{name}.flow")).unwrap();
    let flows: Vec<_> = flows.lines().map(Flow::parse).collect();
    assert_eq!(packets.len(), flows.len(), "{name}");
    let mut receivers = receivers(&keys, &flows);
    let mut opened: BTreeMap<&str, Opened> = BTreeMap::new();
    for (at, (packet, flow)) in packets.iter().zip(&flows).enumerate() {
        assert_eq!(packet.len(), flow.bytes, "{name} {at}");
        assert!(is_rtp_or_rtcp(packet), "{name} {at}");
        let receiver = receivers.get_mut(flow.from).unwrap();
        let opened = opened.entry(flow.from).or_default();
        let mut buf = packet.clone();
        if is_rtcp(packet) {
            let len = receiver.unprotect_rtcp(&mut buf);
            let len = len.unwrap_or_else(|error| panic!("{name}, packet {at}: {error}"));
            check_compound(&buf[..len]);
            opened.rtcp += 1;
        } else {
            let len = receiver.unprotect_rtp(&mut buf);
            let len = len.unwrap_or_else(|error| panic!("{name}, packet {at}: {error}"));
            let clear = RtpHeader::parse(packet).unwrap().len;
            assert_eq!(buf[..clear], packet[..clear], "{name} {at}");
            assert!(len >= clear);
            opened.rtp += 1;
        }
    }
    for (from, opened) in &opened {
        let stats = receivers[from].stats();
        let counted = Opened {
            rtp: stats.rtp,
            rtcp: stats.rtcp,
        };
        assert_eq!(counted, *opened, "{name}");
        say(format_args!(
            "{name}: from {from}: {} RTP, {} RTCP opened",
            opened.rtp, opened.rtcp
        ));
    }
    let total: u64 = opened.values().map(|opened| opened.rtp + opened.rtcp).sum();
    assert_eq!(total as usize, packets.len(), "{name}: every packet");
    assert_eq!(opened.len(), 2, "{name}: both directions");
    assert!(opened.values().any(|opened| opened.rtp > 0), "{name}");
    assert!(opened.values().any(|opened| opened.rtcp > 0), "{name}");
    packets.len()
}

/// What was decrypted is RTCP to its end: packets of version 2, each as long as it says (RFC 3550
/// §6.1, A.2).
fn check_compound(mut packet: &[u8]) {
    while let Some(&[first, kind, high, low]) = packet.first_chunk() {
        assert_eq!(first >> 6, 2);
        assert!((192..=223).contains(&kind));
        let len = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        packet = &packet[len..];
    }
    assert!(packet.is_empty());
}

#[test]
fn captured_calls_decrypt() {
    let Some(folder) = outside("captures/packets/srtp") else {
        return;
    };
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let keyed: Vec<_> = paths
        .filter(|path| path.to_str().unwrap().ends_with(".keys.json"))
        .collect();
    let packets: usize = keyed.iter().map(|path| check_call(path)).sum();
    say(format_args!(
        "{packets} packets of {} calls opened",
        keyed.len()
    ));
    assert_ne!(packets, 0);
}
