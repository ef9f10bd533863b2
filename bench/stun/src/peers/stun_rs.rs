//! `stun-rs`: messages that own their attributes, read and written through contexts.

use std::hint::black_box;

use stun_rs::attributes::ice::{IceControlling, Priority};
use stun_rs::attributes::stun::{Fingerprint, MessageIntegrity, UserName, XorMappedAddress};
use stun_rs::methods::BINDING;
use stun_rs::{
    DecoderContextBuilder, HMACKey, MessageClass, MessageDecoder, MessageDecoderBuilder,
    MessageEncoder, MessageEncoderBuilder, StunMessage, StunMessageBuilder, TransactionId,
};

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

pub(crate) struct StunRs {
    key: HMACKey,
    verifying: MessageDecoder,
    plain: MessageDecoder,
    encoder: MessageEncoder,
    out: [u8; 256],
}

fn read(message: &StunMessage) {
    black_box((
        message.get::<UserName>().unwrap().as_user_name().unwrap(),
        message.get::<Priority>().unwrap().as_priority().unwrap(),
        message
            .get::<IceControlling>()
            .unwrap()
            .as_ice_controlling()
            .unwrap(),
    ));
}

impl StunRs {
    fn write(&mut self, message: &StunMessage) -> &[u8] {
        let length = self.encoder.encode(&mut self.out, message).unwrap();
        &self.out[..length]
    }
}

impl Contender for StunRs {
    fn new() -> Self {
        let key = HMACKey::new_short_term(PASSWORD).unwrap();
        let context = DecoderContextBuilder::default()
            .with_key(key.clone())
            .with_validation()
            .build();
        Self {
            key,
            verifying: MessageDecoderBuilder::default()
                .with_context(context)
                .build(),
            plain: MessageDecoderBuilder::default().build(),
            encoder: MessageEncoderBuilder::default().build(),
            out: [0; 256],
        }
    }

    fn verify(&mut self, request: &[u8]) {
        read(&self.verifying.decode(request).unwrap().0);
    }

    fn parse(&mut self, request: &[u8]) {
        read(&self.plain.decode(request).unwrap().0);
    }

    fn build_request(&mut self) -> &[u8] {
        let message = StunMessageBuilder::new(BINDING, MessageClass::Request)
            .with_transaction_id(TransactionId::from(ID))
            .with_attribute(UserName::new(black_box(USERNAME)).unwrap())
            .with_attribute(Priority::from(black_box(PRIORITY)))
            .with_attribute(IceControlling::from(black_box(TIE_BREAKER)))
            .with_attribute(MessageIntegrity::new(self.key.clone()))
            .with_attribute(Fingerprint::default())
            .build();
        self.write(&message)
    }

    fn build_response(&mut self) -> &[u8] {
        let message = StunMessageBuilder::new(BINDING, MessageClass::SuccessResponse)
            .with_transaction_id(TransactionId::from(ID))
            .with_attribute(XorMappedAddress::from(black_box(MAPPED)))
            .with_attribute(MessageIntegrity::new(self.key.clone()))
            .with_attribute(Fingerprint::default())
            .build();
        self.write(&message)
    }
}
