//! `stun-types`: borrowed messages, with the key made beforehand and a writer into a slice.

use std::hint::black_box;

use rice_stun_types::attribute::{IceControlling, Priority};
use stun_types::attribute::{Username, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageIntegrityCredentials,
    MessageType, MessageWrite, MessageWriteExt, MessageWriteMutSlice, ShortTermCredentials,
    TransactionId,
};

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

pub(crate) struct StunTypes {
    key: IntegrityKey,
    id: TransactionId,
    out: [u8; 256],
}

fn read(message: &Message<'_>) {
    let username = message.attribute::<Username>().unwrap();
    let priority = message.attribute::<Priority>().unwrap();
    let controlling = message.attribute::<IceControlling>().unwrap();
    black_box((
        username.username().len(),
        priority.priority(),
        controlling.tie_breaker(),
    ));
}

impl StunTypes {
    fn kind(class: MessageClass) -> MessageType {
        MessageType::from_class_method(class, BINDING)
    }
}

impl Contender for StunTypes {
    fn new() -> Self {
        let credentials: MessageIntegrityCredentials =
            ShortTermCredentials::new(PASSWORD.to_string()).into();
        let mut id = [0; 16];
        id[4..].copy_from_slice(&ID);
        Self {
            key: credentials.make_key(IntegrityAlgorithm::Sha1),
            id: u128::from_be_bytes(id).into(),
            out: [0; 256],
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let message = Message::from_bytes(request).unwrap();
        read(&message);
        message.validate_integrity_with_key(&self.key).unwrap();
    }

    fn parse(&mut self, request: &[u8]) {
        read(&Message::from_bytes(request).unwrap());
    }

    fn build_request(&mut self) -> &[u8] {
        let out = MessageWriteMutSlice::new(&mut self.out);
        let mut message = Message::builder(Self::kind(MessageClass::Request), self.id, out);
        message
            .add_attribute(&Username::new(black_box(USERNAME)).unwrap())
            .unwrap();
        message
            .add_attribute(&Priority::new(black_box(PRIORITY)))
            .unwrap();
        message
            .add_attribute(&IceControlling::new(black_box(TIE_BREAKER)))
            .unwrap();
        message
            .add_message_integrity_with_key(&self.key, IntegrityAlgorithm::Sha1)
            .unwrap();
        message.add_fingerprint().unwrap();
        black_box(message.finish());
        &self.out[..88]
    }

    fn build_response(&mut self) -> &[u8] {
        let out = MessageWriteMutSlice::new(&mut self.out);
        let mut message = Message::builder(Self::kind(MessageClass::Success), self.id, out);
        message
            .add_attribute(&XorMappedAddress::new(black_box(MAPPED), self.id))
            .unwrap();
        message
            .add_message_integrity_with_key(&self.key, IntegrityAlgorithm::Sha1)
            .unwrap();
        message.add_fingerprint().unwrap();
        black_box(message.finish());
        &self.out[..64]
    }
}
