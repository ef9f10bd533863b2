//! What the tests share: keys, packets, and where outside data stands.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::path::PathBuf;

use srtp::{MasterKey, Profile, TRAILER_MAX};

/// A key that is another one for each `salt`.
pub(crate) fn key(profile: Profile, salt: u8) -> MasterKey {
    let key: Vec<u8> = (0..profile.key_len() as u8)
        .map(|byte| byte ^ 0x5a)
        .collect();
    master_key(profile, &key, &vec![salt; profile.salt_len()])
}

/// The master key, by explicit wish where it does not encrypt.
pub(crate) fn master_key(profile: Profile, key: &[u8], salt: &[u8]) -> MasterKey {
    match profile.encrypts() {
        true => MasterKey::new(profile, key, salt).unwrap(),
        false => MasterKey::new_unencrypted(profile, key, salt).unwrap(),
    }
}

/// An RTP packet without CSRC list and extension.
pub(crate) fn rtp(ssrc: u32, sequence_number: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence_number.to_be_bytes());
    packet.extend(0x0102_0304u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A receiver report of `len` bytes, at least 8.
pub(crate) fn rtcp(ssrc: u32, len: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 0];
    packet.extend(ssrc.to_be_bytes());
    packet.resize(len, 0x33);
    packet
}

/// The packet with room for a trailer behind it, and its own length.
pub(crate) fn with_room(packet: &[u8]) -> (Vec<u8>, usize) {
    let mut buf = packet.to_vec();
    buf.resize(packet.len() + TRAILER_MAX, 0);
    (buf, packet.len())
}

/// `name` under the folder of outside vectors, or under that of outside captures; `None` with a
/// clear line when it is not there.
pub(crate) fn outside(name: &str) -> Option<PathBuf> {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let path = match (name.strip_prefix("vectors/"), std::env::var_os("VECTORS")) {
        (Some(file), Some(folder)) => PathBuf::from(folder).join(file),
        _ => shared.join(name),
    };
    if path.exists() {
        return Some(path);
    }
    println!("not run: {} is not there", path.display());
    None
}
