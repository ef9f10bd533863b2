//! Our own crate.

use std::hint::black_box;

use bytes::BytesMut;
use ours::attribute::{IceControlling, Priority, Username, XorMappedAddress};
use ours::{Builder, Class, IntegrityKey, Message, Method, TransactionId};

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

pub(crate) struct Ours {
    key: IntegrityKey,
    out: BytesMut,
}

fn read(message: &Message<'_>) {
    black_box((
        message.attribute::<Username>().unwrap(),
        message.attribute::<Priority>().unwrap(),
        message.attribute::<IceControlling>().unwrap(),
    ));
}

impl Contender for Ours {
    fn new() -> Self {
        Self {
            key: IntegrityKey::short_term(PASSWORD),
            out: BytesMut::with_capacity(256),
        }
    }

    fn verify(&mut self, request: &[u8]) {
        let message = Message::parse(request).unwrap();
        read(&message);
        black_box(message.verify(&self.key).unwrap());
    }

    fn parse(&mut self, request: &[u8]) {
        read(&Message::parse(request).unwrap());
    }

    fn build_request(&mut self) -> &[u8] {
        self.out.clear();
        Builder::request(&mut self.out, Method::BINDING, TransactionId(ID))
            .attribute(&Username(black_box(USERNAME)))
            .attribute(&Priority(black_box(PRIORITY)))
            .attribute(&IceControlling(black_box(TIE_BREAKER)))
            .integrity(&self.key)
            .fingerprint()
            .unwrap();
        &self.out
    }

    fn build_response(&mut self) -> &[u8] {
        self.out.clear();
        let id = TransactionId(ID);
        Builder::new(&mut self.out, Class::Success, Method::BINDING, id)
            .attribute(&XorMappedAddress(black_box(MAPPED)))
            .integrity(&self.key)
            .fingerprint()
            .unwrap();
        &self.out
    }
}
