//! Arbitrary bytes into a receiver of every profile: no panic, nothing taken, nothing kept.
//!
//! Input: one byte that chooses profile and protocol, then the packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use srtp::{MasterKey, Profile, Receiver, is_rtcp, is_rtp_or_rtcp};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, packet)) = data.split_first() else {
        return;
    };
    let profile = Profile::ALL[usize::from(choice >> 1) % Profile::ALL.len()];
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let key = MasterKey::new(profile, &key, &salt).expect("lengths are the profile's");
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
