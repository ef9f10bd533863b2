//! webrtc-rs' `stun`: messages that own what they read, attributes as boxes.

use std::hint::black_box;

use webrtc_stun::agent::TransactionId;
use webrtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USERNAME, AttrType};
use webrtc_stun::fingerprint::FINGERPRINT;
use webrtc_stun::integrity::MessageIntegrity;
use webrtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use webrtc_stun::textattrs::TextAttribute;
use webrtc_stun::xoraddr::XorMappedAddress;

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

pub(crate) struct Webrtc {
    key: MessageIntegrity,
    message: Message,
}

/// An attribute that the crate has no type for.
struct Raw(AttrType, Vec<u8>);

impl Setter for Raw {
    fn add_to(&self, message: &mut Message) -> Result<(), webrtc_stun::Error> {
        message.add(self.0, &self.1);
        Ok(())
    }
}

fn read(message: &Message) {
    let username = TextAttribute::get_from_as(message, ATTR_USERNAME).unwrap();
    let priority = message.get(ATTR_PRIORITY).unwrap();
    let controlling = message.get(ATTR_ICE_CONTROLLING).unwrap();
    black_box((username, priority, controlling));
}

impl Contender for Webrtc {
    fn new() -> Self {
        Self {
            key: MessageIntegrity::new_short_term_integrity(PASSWORD.to_string()),
            message: Message::new(),
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let mut message = Message::new();
        message.write(request).unwrap();
        read(&message);
        self.key.check(&mut message).unwrap();
        FINGERPRINT.check(&message).unwrap();
    }

    fn parse(&mut self, request: &[u8]) {
        let mut message = Message::new();
        message.write(request).unwrap();
        read(&message);
    }

    fn build_request(&mut self) -> &[u8] {
        self.message = Message::new();
        let username = black_box(USERNAME).to_string();
        self.message
            .build(&[
                Box::new(TransactionId(ID)),
                Box::new(BINDING_REQUEST),
                Box::new(TextAttribute::new(ATTR_USERNAME, username)),
                Box::new(Raw(
                    ATTR_PRIORITY,
                    black_box(PRIORITY).to_be_bytes().to_vec(),
                )),
                Box::new(Raw(
                    ATTR_ICE_CONTROLLING,
                    black_box(TIE_BREAKER).to_be_bytes().to_vec(),
                )),
                Box::new(self.key.clone()),
                Box::new(FINGERPRINT),
            ])
            .unwrap();
        &self.message.raw
    }

    fn build_response(&mut self) -> &[u8] {
        self.message = Message::new();
        let mapped = black_box(MAPPED);
        self.message
            .build(&[
                Box::new(TransactionId(ID)),
                Box::new(BINDING_SUCCESS),
                Box::new(XorMappedAddress {
                    ip: mapped.ip(),
                    port: mapped.port(),
                }),
                Box::new(self.key.clone()),
                Box::new(FINGERPRINT),
            ])
            .unwrap();
        &self.message.raw
    }
}
