//! Arbitrary bytes into a receiver of every profile and option: no panic, nothing taken, nothing kept.
//!
//! Input: one byte that chooses, then the packet. Bit 0 of the byte is RTP or RTCP, bits 1 to 3 are the
//! profile, bits 4 and 5 what header extensions hide, bits 6 and 7 the length of the MKI.
#![no_main]

use libfuzzer_sys::fuzz_target;
use srtp::{Config, HeaderExtensions, MasterKey, Profile, Receiver, is_rtcp, is_rtp_or_rtcp};

const MKI_LENGTHS: [usize; 4] = [0, 128, 2, 4];

fn key(profile: Profile, mki_len: usize) -> MasterKey {
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let new = match profile.encrypts() {
        true => MasterKey::new,
        false => MasterKey::new_unencrypted,
    };
    let key = new(profile, &key, &salt).expect("lengths are the profile's");
    match mki_len {
        0 => key,
        len => {
            let mki: Vec<u8> = (1..=len as u8).collect();
            key.with_mki(&mki).expect("a length that is allowed")
        }
    }
}

fn hidden(profile: Profile, choice: u8) -> HeaderExtensions {
    match choice & 3 {
        1 if profile.encrypts() => HeaderExtensions::Cryptex,
        2 if profile.encrypts() => HeaderExtensions::Encrypted([1, 3].into_iter().collect()),
        3 if profile.encrypts() => HeaderExtensions::Encrypted((1..=255).collect()),
        _ => HeaderExtensions::Clear,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, packet)) = data.split_first() else {
        return;
    };
    let profile = Profile::ALL[usize::from(choice >> 1 & 7)];
    let mut config = Config::default();
    config.header_extensions = hidden(profile, choice >> 4);
    let key = key(profile, MKI_LENGTHS[usize::from(choice >> 6)]);
    let mut receiver = Receiver::with_config(key, config).expect("what the profile takes");
    let _ = is_rtp_or_rtcp(packet);
    let _ = is_rtcp(packet);
    let mut packet = packet.to_vec();
    let result = match choice & 1 {
        0 => receiver.unprotect_rtp(&mut packet),
        _ => receiver.unprotect_rtcp(&mut packet),
    };
    let stats = receiver.stats();
    let counted = stats.malformed + stats.unknown_mki + stats.wrong_tag;
    match result {
        // Only a forged tag of 32 bits is within reach of a fuzzer.
        Ok(len) => assert!(len < packet.len()),
        Err(_) => {
            assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (0, 0));
            assert_eq!((stats.rtp + stats.rtcp, counted), (0, 1));
        }
    }
});
