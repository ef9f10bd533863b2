//! `rtc-srtp`: sans-IO, over `ring` and RustCrypto. It returns each packet in a new buffer.

use std::hint::black_box;

use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::contender::Contender;
use crate::packets::{Packet, Profile};

pub(crate) struct Rtc {
    sender: Context,
    receiver: Context,
}

impl Contender for Rtc {
    fn new(profile: Profile) -> Self {
        let provider = rtc_crypto::default_provider().unwrap();
        let of = match profile {
            Profile::Cm128 => ProtectionProfile::Aes128CmHmacSha1_80,
            Profile::Gcm128 => ProtectionProfile::AeadAes128Gcm,
            Profile::Gcm256 => ProtectionProfile::AeadAes256Gcm,
        };
        let context = || {
            let windows = (
                Some(srtp_replay_protection(128)),
                Some(srtcp_replay_protection(128)),
            );
            Context::new(
                &profile.key(),
                &profile.salt(),
                of,
                windows.0,
                windows.1,
                provider.crypto(),
            )
            .unwrap()
        };
        Self {
            sender: context(),
            receiver: context(),
        }
    }

    fn protect_rtp(&mut self, packet: &mut Packet) {
        black_box(self.sender.encrypt_rtp(packet.bytes()).unwrap());
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) {
        black_box(self.receiver.decrypt_rtp(packet.bytes()).unwrap());
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) {
        black_box(self.sender.encrypt_rtcp(packet.bytes()).unwrap());
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) {
        black_box(self.receiver.decrypt_rtcp(packet.bytes()).unwrap());
    }
}
