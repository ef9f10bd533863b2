//! `is`, str0m's ICE: it reads into a struct, hashes with a provider, and does not check FINGERPRINT;
//! its caller's check stands here. It makes the key anew for each message.

use std::hint::black_box;

use is::stun::{StunMessage, StunMessageBuilder, TransId};
use is::{DefaultSha1HmacProvider, Sha1HmacProvider};

use crate::contender::{Contender, MAPPED, PASSWORD, PRIORITY, REQUEST, TIE_BREAKER, USERNAME};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

pub(crate) struct Str0m {
    id: TransId,
    out: [u8; 256],
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    DefaultSha1HmacProvider.sha1_hmac(key, parts)
}

fn read(message: &StunMessage<'_>) {
    black_box((
        message.username(),
        message.prio(),
        message.ice_controlling(),
    ));
}

impl Contender for Str0m {
    fn new() -> Self {
        Self {
            // The only way to a chosen id is through a message.
            id: StunMessage::parse(&REQUEST).unwrap().trans_id(),
            out: [0; 256],
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let message = StunMessage::parse(request).unwrap();
        read(&message);
        let (covered, sum) = request.split_at(request.len() - 8);
        let checksum = CRC.checksum(covered) ^ 0x5354_554e;
        assert_eq!(checksum.to_be_bytes(), sum[4..]);
        assert!(message.verify(PASSWORD.as_bytes(), hmac));
    }

    fn parse(&mut self, request: &[u8]) {
        read(&StunMessage::parse(request).unwrap());
    }

    fn build_request(&mut self) -> &[u8] {
        let length = StunMessageBuilder::new()
            .binding()
            .request()
            .username(black_box(USERNAME))
            .prio(black_box(PRIORITY))
            .ice_controlling(black_box(TIE_BREAKER))
            .build(self.id)
            .to_bytes(Some(PASSWORD.as_bytes()), &mut self.out, hmac)
            .unwrap();
        &self.out[..length]
    }

    fn build_response(&mut self) -> &[u8] {
        let length = StunMessage::binding_reply(self.id, black_box(MAPPED))
            .to_bytes(Some(PASSWORD.as_bytes()), &mut self.out, hmac)
            .unwrap();
        &self.out[..length]
    }
}
