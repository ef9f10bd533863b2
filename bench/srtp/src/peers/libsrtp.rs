//! The C library libsrtp, over OpenSSL. It works in place.

use libsrtp::{Direction, Protection, Session};

use crate::contender::Contender;
use crate::packets::{Packet, Profile};

pub(crate) struct Libsrtp {
    sender: Session,
    receiver: Session,
}

impl Contender for Libsrtp {
    fn new(profile: Profile) -> Self {
        let protection = match profile {
            Profile::Cm128 => Protection::AesCm128HmacSha1_80,
            Profile::Gcm128 => Protection::AeadAes128Gcm,
            Profile::Gcm256 => Protection::AeadAes256Gcm,
        };
        let key = [profile.key(), profile.salt()].concat();
        Self {
            sender: Session::new(protection, Direction::Out, &key),
            receiver: Session::new(protection, Direction::In, &key),
        }
    }

    fn protect_rtp(&mut self, packet: &mut Packet) {
        packet.len = self.sender.protect_rtp(&mut packet.buf, packet.len);
    }

    fn unprotect_rtp(&mut self, packet: &mut Packet) {
        packet.len = self.receiver.unprotect_rtp(&mut packet.buf, packet.len);
    }

    fn protect_rtcp(&mut self, packet: &mut Packet) {
        packet.len = self.sender.protect_rtcp(&mut packet.buf, packet.len);
    }

    fn unprotect_rtcp(&mut self, packet: &mut Packet) {
        packet.len = self.receiver.unprotect_rtcp(&mut packet.buf, packet.len);
    }
}
