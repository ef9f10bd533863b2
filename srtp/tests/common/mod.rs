//! What the tests share: keys, packets, and where outside data stands.

// Each test file uses a part of it.
#![allow(dead_code)]

pub(crate) mod sdes;
pub(crate) mod setup;

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use srtp::{KeyError, MasterKey, Profile, TRAILER_MAX};

/// A key that is another one for each `salt`.
pub(crate) fn key(profile: Profile, salt: u8) -> MasterKey {
    let key: Vec<u8> = (0..profile.key_len() as u8)
        .map(|byte| byte ^ 0x5a)
        .collect();
    master_key(profile, &key, &vec![salt; profile.salt_len()]).unwrap()
}

/// The master key, by explicit wish where it does not encrypt.
pub(crate) fn master_key(profile: Profile, key: &[u8], salt: &[u8]) -> Result<MasterKey, KeyError> {
    match profile.encrypts() {
        true => MasterKey::new(profile, key, salt),
        false => MasterKey::new_unencrypted(profile, key, salt),
    }
}

/// A key of `packets` packets that is another one for each `number`, which is its MKI.
pub(crate) fn numbered(profile: Profile, number: u8, packets: u64) -> MasterKey {
    let key = key(profile, number).with_lifetime(packets).unwrap();
    key.with_mki(&[0, number]).unwrap()
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

/// `name` under the folder of outside data; `None` with a clear line when it is not there.
pub(crate) fn outside(name: &str) -> Option<PathBuf> {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let path = shared.join(name);
    if path.exists() {
        return Some(path);
    }
    say(format_args!("not run: {} is not there", path.display()));
    None
}

/// A line that a passing test shows too: the harness keeps what `println!` writes to itself.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
