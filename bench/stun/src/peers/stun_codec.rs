//! `stun_codec` 0.4, which has our name: messages that own their attributes, over `bytecodec`.

use std::hint::black_box;

use bytecodec::{DecodeExt, EncodeExt};
use stun_codec::rfc5245::attributes::{IceControlling, Priority};
use stun_codec::rfc5389::attributes::{Fingerprint, MessageIntegrity, Username, XorMappedAddress};
use stun_codec::rfc5389::methods::BINDING;
use stun_codec::{Message, MessageClass, MessageDecoder, MessageEncoder, TransactionId};

use crate::contender::{Contender, ID, MAPPED, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};

stun_codec::define_attribute_enums!(
    Attribute,
    AttributeDecoder,
    AttributeEncoder,
    [
        Username,
        Priority,
        IceControlling,
        MessageIntegrity,
        Fingerprint,
        XorMappedAddress
    ]
);

pub(crate) struct StunCodec(Vec<u8>);

fn parse(request: &[u8]) -> Message<Attribute> {
    let mut decoder = MessageDecoder::<Attribute>::new();
    let message = decoder.decode_from_bytes(request).unwrap().unwrap();
    black_box((
        message.get_attribute::<Username>().unwrap(),
        message.get_attribute::<Priority>().unwrap(),
        message.get_attribute::<IceControlling>().unwrap(),
    ));
    message
}

impl StunCodec {
    fn begin(class: MessageClass) -> Message<Attribute> {
        Message::new(class, BINDING, TransactionId::new(ID))
    }

    fn close(&mut self, mut message: Message<Attribute>) -> &[u8] {
        let tag = MessageIntegrity::new_short_term_credential(&message, PASSWORD).unwrap();
        message.add_attribute(tag);
        let checksum = Fingerprint::new(&message).unwrap();
        message.add_attribute(checksum);
        self.0 = MessageEncoder::new().encode_into_bytes(message).unwrap();
        &self.0
    }
}

impl Contender for StunCodec {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn verify(&mut self, request: &[u8]) {
        parse(request)
            .get_attribute::<MessageIntegrity>()
            .unwrap()
            .check_short_term_credential(PASSWORD)
            .unwrap();
    }

    fn parse(&mut self, request: &[u8]) {
        black_box(parse(request));
    }

    fn build_request(&mut self) -> &[u8] {
        let mut message = Self::begin(MessageClass::Request);
        let username = black_box(USERNAME).to_string();
        message.add_attribute(Username::new(username).unwrap());
        message.add_attribute(Priority::new(black_box(PRIORITY)));
        message.add_attribute(IceControlling::new(black_box(TIE_BREAKER)));
        self.close(message)
    }

    fn build_response(&mut self) -> &[u8] {
        let mut message = Self::begin(MessageClass::SuccessResponse);
        message.add_attribute(XorMappedAddress::new(black_box(MAPPED)));
        self.close(message)
    }
}
