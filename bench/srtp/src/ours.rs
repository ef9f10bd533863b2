//! Our own crate.

use srtp::{MasterKey, Receiver, Sender};

use crate::contender::Contender;
use crate::packets::{Packet, Profile};

pub(crate) struct Ours {
    sender: Sender,
    receiver: Receiver,
}

impl Contender for Ours {
    fn new(profile: Profile) -> Self {
        let key = || MasterKey::new(of(profile), &profile.key(), &profile.salt()).unwrap();
        Self {
            sender: Sender::new(key()),
            receiver: Receiver::new(key()),
        }
    }

    fn protect_rtp(&mut self, packet: &mut Packet) {
        packet.len = (self.sender.protect_rtp(&mut packet.buf, packet.len)).unwrap();
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) {
        let sealed = &mut packet.buf[..packet.len];
        packet.len = self.receiver.unprotect_rtp(sealed).unwrap();
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) {
        packet.len = (self.sender.protect_rtcp(&mut packet.buf, packet.len)).unwrap();
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) {
        let sealed = &mut packet.buf[..packet.len];
        packet.len = self.receiver.unprotect_rtcp(sealed).unwrap();
    }
}

const fn of(profile: Profile) -> srtp::Profile {
    match profile {
        Profile::Cm128 => srtp::Profile::AesCm128HmacSha1_80,
        Profile::Gcm128 => srtp::Profile::AeadAes128Gcm,
        Profile::Gcm256 => srtp::Profile::AeadAes256Gcm,
    }
}
