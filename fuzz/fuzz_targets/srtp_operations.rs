//! Sequences of operations on a sender and its receiver over a link that the input controls.
//!
//! Input: one byte for the profile, then operations of four bytes: what to do, which stream, and
//! a sequence number. What was protected opens once; what was changed never does.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use srtp::{Config, MasterKey, Profile, Receiver, Sender, TRAILER_MAX};

fn key(profile: Profile) -> MasterKey {
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let new = match profile.encrypts() {
        true => MasterKey::new,
        false => MasterKey::new_unencrypted,
    };
    new(profile, &key, &salt).expect("lengths are the profile's")
}

fn packet(rtp: bool, ssrc: u8, sequence_number: [u8; 2]) -> Vec<u8> {
    let [high, low] = sequence_number;
    let mut packet = match rtp {
        true => vec![0x80, 0, high, low, 0, 0, 0, 1, 0, 0, 0, ssrc],
        false => vec![0x80, 201, 0, 7, 0, 0, 0, ssrc, high, low],
    };
    packet.resize(40 + TRAILER_MAX, ssrc);
    packet
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, operations)) = data.split_first() else {
        return;
    };
    let profile = Profile::ALL[usize::from(choice) % Profile::ALL.len()];
    let mut config = Config::default();
    config.max_streams = 4;
    let mut sender = Sender::with_config(key(profile), config).expect("in range");
    let mut receiver = Receiver::with_config(key(profile), config).expect("in range");
    let mut sent: Vec<(bool, Vec<u8>)> = Vec::new();
    let mut taken = BTreeSet::new();
    for &[what, ssrc, high, low] in operations.as_chunks::<4>().0.iter().take(512) {
        match what % 6 {
            0 | 1 => {
                let rtp = what % 6 == 0;
                let mut buf = packet(rtp, ssrc % 8, [high, low]);
                let sealed = match rtp {
                    true => sender.protect_rtp(&mut buf, 40),
                    false => sender.protect_rtcp(&mut buf, 40),
                };
                if let Ok(len) = sealed {
                    buf.truncate(len);
                    assert!(
                        sent.iter().all(|(_, other)| *other != buf),
                        "an index twice"
                    );
                    sent.push((rtp, buf));
                }
            }
            2 | 3 if !sent.is_empty() => {
                let at = usize::from(u16::from_be_bytes([high, low])) % sent.len();
                let (rtp, genuine) = &sent[at];
                let mut arrived = genuine.clone();
                let forged = what % 6 == 3;
                if forged {
                    let end = arrived.len();
                    arrived[usize::from(ssrc) % end] ^= 1 << (what >> 5);
                }
                let opened = match rtp {
                    true => receiver.unprotect_rtp(&mut arrived),
                    false => receiver.unprotect_rtcp(&mut arrived),
                };
                if opened.is_ok() {
                    assert!(!forged, "a changed packet was taken");
                    assert!(taken.insert(at), "a packet was taken twice");
                }
            }
            4 => {
                let ssrc = u32::from(ssrc % 8);
                let roc = u32::from(low % 4);
                let _ = sender.set_roc(ssrc, roc);
                let _ = receiver.set_roc(ssrc, roc);
            }
            _ => {
                let _ = sender.set_next_rtcp_index(u32::from(ssrc % 8), u32::from(high));
            }
        }
        assert!(receiver.rtp_streams() <= 4 && receiver.rtcp_streams() <= 4);
        assert!(sender.rtp_streams() <= 4);
    }
});
