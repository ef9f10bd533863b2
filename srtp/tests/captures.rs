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

use std::path::Path;

use serde_json::Value;
use srtp::{Profile, Receiver, is_rtcp, is_rtp_or_rtcp, keys_from_dtls_export};

use common::outside;

/// Opens every packet of the call whose keys stand in `keys`; how many RTP and RTCP there were.
fn check_call(keys: &Path) -> (u64, u64) {
    let name = keys
        .to_str()
        .unwrap()
        .strip_suffix(".keys.json")
        .unwrap()
        .to_owned();
    let keys: Value = serde_json::from_slice(&std::fs::read(keys).unwrap()).unwrap();
    let profile = keys["profile"]
        .as_str()
        .unwrap()
        .trim_start_matches("SRTP_");
    let profile = Profile::from_sdes_name(profile).unwrap();
    let exported = hex::decode(keys["exporter_60.."].as_str().unwrap()).unwrap();
    let keys_of_call = keys_from_dtls_export(profile, &exported).unwrap();
    let mut from_client = Receiver::new(keys_of_call.client);
    let mut from_server = Receiver::new(keys_of_call.server);
    let packets = std::fs::read_to_string(format!("{name}.hex")).unwrap();
    let flow = std::fs::read_to_string(format!("{name}.flow")).unwrap();
    for (at, (packet, flow)) in packets.lines().zip(flow.lines()).enumerate() {
        let mut packet = hex::decode(packet).unwrap();
        assert!(is_rtp_or_rtcp(&packet), "{name} {at}");
        let client = flow.split(' ').next() == keys["client_addr"].as_str();
        let receiver = if client {
            &mut from_client
        } else {
            &mut from_server
        };
        let result = if is_rtcp(&packet) {
            receiver.unprotect_rtcp(&mut packet)
        } else {
            receiver.unprotect_rtp(&mut packet)
        };
        assert!(result.is_ok(), "{name}, packet {at}: {result:?}");
    }
    let (client, server) = (from_client.stats(), from_server.stats());
    (client.rtp + server.rtp, client.rtcp + server.rtcp)
}

#[test]
fn captured_calls_decrypt() {
    let Some(folder) = outside("captures/packets/srtp") else {
        return;
    };
    let mut calls = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".keys.json") {
            let (rtp, rtcp) = check_call(&path);
            println!("{}: {rtp} RTP, {rtcp} RTCP", path.display());
            assert_ne!(rtp, 0);
            calls += 1;
        }
    }
    assert_ne!(calls, 0);
}
