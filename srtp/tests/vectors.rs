//! Whole packets with known master keys.
//!
//! The first tests carry their data: RFC 3711 and RFC 7714 print no whole packet under a master
//! key, so those of RFC 7714 (session keys) and the key derivations of RFC 3711, RFC 6188 and
//! RFC 7714 are tested where session keys are at hand, in `src/`. The others read outside data
//! (`VECTORS=DIR` names another folder of the same layout) and say so when it is absent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use serde_json::Value;
use srtp::{
    Config, MasterKey, Profile, Receiver, RtpHeader, Sender, UnprotectError, is_rtcp,
    is_rtp_or_rtcp,
};

use common::{master_key, outside, with_room};

fn json(name: &str) -> Option<Value> {
    let path = outside(name)?;
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

/// The key, with the MKI of a vector that has one.
fn with_mki(key: MasterKey, vector: &Value) -> MasterKey {
    match vector.get("mki_hex") {
        Some(mki) => key.with_mki(&bytes(mki)).unwrap(),
        None => key,
    }
}

/// Protects the plain packet of a vector into the protected one, and back.
fn check_packet(vector: &Value, profile: Profile) {
    let id = vector["id"].as_str().unwrap();
    let key = || {
        let (key, salt) = (
            bytes(&vector["master_key_hex"]),
            bytes(&vector["master_salt_hex"]),
        );
        with_mki(master_key(profile, &key, &salt), vector)
    };
    let plain = bytes(&vector["plain_packet_hex"]);
    let sealed = bytes(&vector["protected_packet_hex"]);
    let (mut sender, mut receiver) = (Sender::new(key()), Receiver::new(key()));
    let (mut buf, len) = with_room(&plain);
    buf.resize(buf.len() + 128, 0);
    let mut back = sealed.clone();
    let (sealed_len, opened_len) = if vector["kind"] == "srtp" {
        let ssrc = RtpHeader::parse(&plain).unwrap().ssrc;
        sender.set_roc(ssrc, number(&vector["roc"])).unwrap();
        receiver.set_roc(ssrc, number(&vector["roc"])).unwrap();
        let sealed_len = sender.protect_rtp(&mut buf, len).unwrap();
        (sealed_len, receiver.unprotect_rtp(&mut back).expect(id))
    } else {
        let ssrc = u32::from_be_bytes(plain[4..8].try_into().unwrap());
        sender
            .set_next_rtcp_index(ssrc, number(&vector["srtcp_index"]))
            .unwrap();
        let sealed_len = sender.protect_rtcp(&mut buf, len).unwrap();
        (sealed_len, receiver.unprotect_rtcp(&mut back).expect(id))
    };
    assert_eq!(
        hex::encode(&buf[..sealed_len]),
        hex::encode(&sealed),
        "{id}"
    );
    assert_eq!(
        hex::encode(&back[..opened_len]),
        hex::encode(&plain),
        "{id}"
    );
}

/// Packets computed by code that first reproduced the examples of RFC 3711, RFC 6188 and RFC 7714.
#[test]
fn packets_under_a_master_key() {
    let cases = serde_json::json!([
        {
            "id": "AES-CM, SRTP", "profile": "AES_CM_128_HMAC_SHA1_80", "kind": "srtp",
            "master_key_hex": "e1f97a0d3e018be0d64fa32c06de4139",
            "master_salt_hex": "0ec675ad498afeebb6960b3aabe6", "roc": 0,
            "plain_packet_hex": "8060000100000001cafebabe7061796c6f616421",
            "protected_packet_hex":
                "8060000100000001cafebabedb0acf04e825ca193b299fd9efbd6d1c6a85",
        },
        {
            "id": "AES-CM, SRTP, 32-bit tag", "profile": "AES_CM_128_HMAC_SHA1_32", "kind": "srtp",
            "master_key_hex": "e1f97a0d3e018be0d64fa32c06de4139",
            "master_salt_hex": "0ec675ad498afeebb6960b3aabe6", "roc": 0,
            "plain_packet_hex": "8060000100000001cafebabe7061796c6f616421",
            "protected_packet_hex": "8060000100000001cafebabedb0acf04e825ca193b299fd9",
        },
        {
            "id": "AES-CM, SRTCP", "profile": "AES_CM_128_HMAC_SHA1_80", "kind": "srtcp",
            "master_key_hex": "e1f97a0d3e018be0d64fa32c06de4139",
            "master_salt_hex": "0ec675ad498afeebb6960b3aabe6", "srtcp_index": 1,
            "plain_packet_hex": "80c80006cafebabe0000000000000000000000000000000000000000",
            "protected_packet_hex": "80c80006cafebabeda83a8f04f2c121615533bea52dc0e037e44132a\
                8000000154174bd2e0d687ac0783",
        },
        {
            "id": "AES-GCM, SRTP", "profile": "AEAD_AES_128_GCM", "kind": "srtp",
            "master_key_hex": "000102030405060708090a0b0c0d0e0f",
            "master_salt_hex": "a0a1a2a3a4a5a6a7a8a9aaab", "roc": 0,
            "plain_packet_hex": "8060000100000001cafebabe7061796c6f616421",
            "protected_packet_hex":
                "8060000100000001cafebabea8a26dd41b2d7ea56095877a5022f9eedd091399d37cb38f",
        },
        {
            "id": "AES-GCM, SRTCP", "profile": "AEAD_AES_128_GCM", "kind": "srtcp",
            "master_key_hex": "000102030405060708090a0b0c0d0e0f",
            "master_salt_hex": "a0a1a2a3a4a5a6a7a8a9aaab", "srtcp_index": 1,
            "plain_packet_hex": "80c80006cafebabe0000000000000000000000000000000000000000",
            "protected_packet_hex": "80c80006cafebabe622020f65b9281fe2e80c78a0725db8ec96e0ce8\
                6958e1c7c8e3d92e52d2f8b0d920658480000001",
        },
    ]);
    for case in cases.as_array().unwrap() {
        check_packet(
            case,
            Profile::from_sdes_name(case["profile"].as_str().unwrap()).unwrap(),
        );
    }
}

#[test]
fn outside_packets() {
    let Some(file) = json("vectors/srtp/libsrtp_full_packets.json") else {
        return;
    };
    let vectors = file["vectors"].as_array().unwrap().iter();
    let (mut checked, mut left) = (0, 0);
    for vector in vectors.chain(file["derived_vectors"].as_array().unwrap()) {
        let name = vector["profile"].as_str().unwrap();
        let profile = name
            .parse()
            .or_else(|_| format!("SRTP_{name}").parse())
            .ok();
        let beyond = vector.get("encrypted_ext_ids").is_some();
        match profile {
            Some(profile) if !beyond => {
                check_packet(vector, profile);
                checked += 1;
            }
            _ => left += 1,
        }
    }
    println!("{checked} packets checked, {left} of profiles and options that this crate has not");
    assert_ne!(checked, 0);
}

#[test]
fn outside_parameters() {
    let Some(file) = json("vectors/srtp/srtp_parameters.json") else {
        return;
    };
    let mut checked = 0;
    for row in file["rows"].as_array().unwrap() {
        let Some(profile) = row["sdes"].as_str().and_then(Profile::from_sdes_name) else {
            continue;
        };
        let id = row["dtls_srtp"].as_str();
        let id = id.map(|id| u16::from_str_radix(id.trim_start_matches("0x"), 16).unwrap());
        assert_eq!(profile.dtls_id(), id);
        let expected = ["key", "salt", "srtp_tag", "srtcp_tag"].map(|name| number(&row[name]));
        let found = [
            profile.key_len(),
            profile.salt_len(),
            profile.rtp_overhead(),
            profile.rtcp_overhead() - 4,
        ];
        assert_eq!(found.map(|len| len as u32), expected, "{profile}");
        checked += 1;
    }
    assert_eq!(checked, 6);
}

/// One word for what a receiver said.
fn verdict(result: Result<usize, UnprotectError>) -> &'static str {
    match result {
        Ok(_) => "accept",
        Err(UnprotectError::Malformed(_)) => "malformed",
        Err(UnprotectError::WrongTag) => "auth-fail",
        Err(UnprotectError::UnknownMki) => "unknown-mki",
        Err(UnprotectError::Replayed | UnprotectError::TooOld) => "replay-or-old",
        Err(_) => "other",
    }
}

fn check_torture(case: &Value, keys: &Value) {
    let id = case["id"].as_str().unwrap();
    let name = case["profile"].as_str().unwrap();
    let keys = if name.starts_with("AEAD") {
        &keys[name]
    } else {
        &keys["AES_CM_128_*"]
    };
    let (key, salt) = (
        bytes(&keys["master_key_hex"]),
        bytes(&keys["master_salt_hex"]),
    );
    let profile = Profile::from_sdes_name(name).unwrap();
    let mut config = Config::default();
    config.rtp_window = 64;
    config.rtcp_window = 64;
    let key = with_mki(MasterKey::new(profile, &key, &salt).unwrap(), case);
    let mut receiver = Receiver::with_config(key, config).unwrap();
    let packets = case["packets_hex"].as_array().unwrap();
    for (at, packet) in packets.iter().enumerate() {
        let mut packet = bytes(packet);
        if let (Some(roc), Ok(header)) = (case.get("initial_roc"), RtpHeader::parse(&packet)) {
            receiver.set_roc(header.ssrc, number(roc)).unwrap();
        }
        let before = (receiver.rtp_streams(), receiver.rtcp_streams());
        let result = match case["kind"].as_str().unwrap() {
            "srtp" => receiver.unprotect_rtp(&mut packet),
            _ => receiver.unprotect_rtcp(&mut packet),
        };
        if let Ok(len) = result {
            if let Some(plain) = case["plain_hex"][at].as_str() {
                assert_eq!(hex::encode(&packet[..len]), plain, "{id}");
            }
        } else {
            assert_eq!(
                (receiver.rtp_streams(), receiver.rtcp_streams()),
                before,
                "{id}"
            );
        }
        // RTP padding is the business of the layer above.
        let expected = match case["verdict"][at].as_str().unwrap() {
            "malformed-after-decrypt" => "accept",
            word => word,
        };
        assert_eq!(verdict(result), expected, "{id}, packet {at}");
    }
}

#[test]
fn outside_torture() {
    let Some(file) = json("vectors/torture/srtp.json") else {
        return;
    };
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap() {
        if case["kind"] == "demux" {
            let datagram = bytes(&case["hex"]);
            let found = (is_rtp_or_rtcp(&datagram), is_rtcp(&datagram));
            let expected = match case["verdict"].as_str().unwrap() {
                "rtp" | "rtp-or-rtcp" => (true, false),
                "rtcp" => (true, true),
                _ => (false, false),
            };
            assert_eq!(found, expected, "{}", case["id"]);
        } else {
            check_torture(case, &file["keys"]);
        }
        checked += 1;
    }
    println!("{checked} cases checked");
    assert_ne!(checked, 0);
}
