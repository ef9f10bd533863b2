//! Arbitrary bytes into a receiver of every profile: no panic, nothing taken, nothing kept.
//!
//! Input: one byte that chooses protocol (bit 0), profile and whether there is an MKI (bit 7), then
//! the packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use srtp::{MasterKey, Profile, Receiver, is_rtcp, is_rtp_or_rtcp};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, packet)) = data.split_first() else {
        return;
    };
    let profile = Profile::ALL[usize::from(choice >> 1 & 0x3f) % Profile::ALL.len()];
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let new = match profile.encrypts() {
        true => MasterKey::new,
        false => MasterKey::new_unencrypted,
    };
    let key = new(profile, &key, &salt).expect("lengths are the profile's");
    let key = match choice & 0x80 {
        0 => key,
        _ => key.with_mki(&[1, 2]).expect("a length that is allowed"),
    };
    let mut receiver = Receiver::new(key);
    let _ = is_rtp_or_rtcp(packet);
    let _ = is_rtcp(packet);
    let mut packet = packet.to_vec();
    let result = match choice & 1 {
        0 => receiver.unprotect_rtp(&mut packet),
        _ => receiver.unprotect_rtcp(&mut packet),
    };
    match result {
        // Only a forged tag of 32 bits is within reach of a fuzzer.
        Ok(len) => assert!(len < packet.len()),
        Err(_) => assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (0, 0)),
    }
});
