//! `rtc-stun`: messages that own what they read, attributes as boxes.

use std::hint::black_box;
use std::sync::Arc;

use rtc_crypto::RTCCryptoProvider;
use rtc_ice::attributes::control::AttrControlling;
use rtc_ice::attributes::priority::PriorityAttr;
use rtc_stun::attributes::ATTR_USERNAME;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, TransactionId};
use rtc_stun::textattrs::TextAttribute;
use rtc_stun::xoraddr::XorMappedAddress;

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

pub(crate) struct Rtc {
    provider: Arc<dyn RTCCryptoProvider>,
    message: Message,
}

fn read(message: &Message) {
    let username = TextAttribute::get_from_as(message, ATTR_USERNAME).unwrap();
    let mut priority = PriorityAttr::default();
    priority.get_from(message).unwrap();
    let mut controlling = AttrControlling::default();
    controlling.get_from(message).unwrap();
    black_box((username, priority, controlling));
}

impl Contender for Rtc {
    fn new() -> Self {
        Self {
            provider: rtc_crypto::default_provider().unwrap(),
            message: Message::new(),
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let mut message = Message::new();
        message.write(request).unwrap();
        read(&message);
        let crypto = self.provider.crypto();
        MessageIntegrity::check(&mut message, PASSWORD.as_bytes(), crypto).unwrap();
        FINGERPRINT.check(&message).unwrap();
    }

    fn parse(&mut self, request: &[u8]) {
        let mut message = Message::new();
        message.write(request).unwrap();
        read(&message);
    }

    fn build_request(&mut self) -> &[u8] {
        self.message = Message::new();
        let crypto = self.provider.crypto();
        let username = black_box(USERNAME).to_string();
        let password = PASSWORD.to_string();
        self.message
            .build(&[
                Box::new(TransactionId(ID)),
                Box::new(BINDING_REQUEST),
                Box::new(TextAttribute::new(ATTR_USERNAME, username)),
                Box::new(PriorityAttr(black_box(PRIORITY))),
                Box::new(AttrControlling(black_box(TIE_BREAKER))),
                Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
                    password, crypto,
                )),
                Box::new(FINGERPRINT),
            ])
            .unwrap();
        &self.message.raw
    }

    fn build_response(&mut self) -> &[u8] {
        self.message = Message::new();
        let crypto = self.provider.crypto();
        let mapped = black_box(MAPPED);
        let password = PASSWORD.to_string();
        self.message
            .build(&[
                Box::new(TransactionId(ID)),
                Box::new(BINDING_SUCCESS),
                Box::new(XorMappedAddress {
                    ip: mapped.ip(),
                    port: mapped.port(),
                }),
                Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
                    password, crypto,
                )),
                Box::new(FINGERPRINT),
            ])
            .unwrap();
        &self.message.raw
    }
}
