//! Packets of real browsers, captured with the keys of their DTLS handshakes, and of phones, with those
//! of their session descriptions. Outside data: the tests say so when it is absent.

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
use srtp::{
    CryptoAttribute, MasterKey, Profile, Receiver, RtpHeader, is_rtcp, is_rtp_or_rtcp,
    keys_from_dtls_export,
};

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
    let name = path.file_name().unwrap().to_str().unwrap();
    let name = name.strip_suffix(".keys.json").unwrap();
    let read = |ending: &str| {
        std::fs::read_to_string(path.with_file_name(format!("{name}.{ending}"))).unwrap()
    };
    let keys: Value = serde_json::from_str(&read("keys.json")).unwrap();
    let packets = read("hex");
    let packets: Vec<_> = packets
        .lines()
        .map(|line| hex::decode(line).unwrap())
        .collect();
    let flows = read("flow");
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

/// A call of two phones whose keys stand in their offer and answer. Each has first sent a packet to
/// find out about NATs, in the clear.
#[test]
fn a_call_with_keys_of_sdes_decrypts() {
    let Some(folder) = outside("captures") else {
        return;
    };
    let receiver = |name: &str| {
        let description = std::fs::read_to_string(folder.join("sdp").join(name)).unwrap();
        let line = description
            .lines()
            .find_map(|line| line.strip_prefix("a=crypto:"));
        let attribute: CryptoAttribute = line.unwrap().parse().unwrap();
        Receiver::new(MasterKey::try_from(&attribute).unwrap())
    };
    let offer = receiver("baresip1-srtp-INVITE-offer.sdp");
    let answer = receiver("baresip1-srtp-200-answer.sdp");
    let read = |name| std::fs::read_to_string(folder.join("packets/srtp").join(name)).unwrap();
    let (packets, flows) = (
        read("baresip-sdes-srtp.hex"),
        read("baresip-sdes-srtp.flow"),
    );
    let mut receivers: BTreeMap<&str, Receiver> =
        [("10.77.0.1", offer), ("10.77.0.2", answer)].into();
    let mut in_the_clear = 0;
    for (at, (packet, flow)) in packets.lines().zip(flows.lines()).enumerate() {
        let mut packet = hex::decode(packet).unwrap();
        let (from, _) = Flow::parse(flow).from.split_once(':').unwrap();
        if packet.ends_with(b"PINGPONG") {
            in_the_clear += 1;
            continue;
        }
        let receiver = receivers.get_mut(from).unwrap();
        let opened = match is_rtcp(&packet) {
            true => receiver.unprotect_rtcp(&mut packet),
            false => receiver.unprotect_rtp(&mut packet),
        };
        assert!(opened.is_ok(), "packet {at}: {opened:?}");
    }
    let opened = receivers
        .values()
        .map(Receiver::stats)
        .map(|stats| (stats.rtp, stats.rtcp));
    let opened: Vec<_> = opened.collect();
    say(format_args!(
        "SDES: (RTP, RTCP) opened {opened:?}, {in_the_clear} in the clear"
    ));
    let total: u64 = opened.iter().map(|(rtp, rtcp)| rtp + rtcp).sum();
    assert_eq!(total as usize + in_the_clear, packets.lines().count());
    assert!(opened.iter().all(|&(rtp, rtcp)| rtp > 0 && rtcp > 0) && in_the_clear == 2);
}
