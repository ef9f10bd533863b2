//! Any attributes, written, closed in every way and read back.
//!
//! Input: a byte for the method, one for the ending, then attributes: a type, a length in one byte
//! and a value.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::{
    AttributeType, Builder, IntegrityKey, Message, Method, RawAttribute, TransactionId,
};

/// Cuts the next attribute off the input.
fn attribute<'a>(data: &mut &'a [u8]) -> Option<RawAttribute<'a>> {
    let (head, rest) = data.split_first_chunk::<3>()?;
    let (value, rest) = rest.split_at(usize::from(head[2]).min(rest.len()));
    *data = rest;
    Some(RawAttribute {
        attribute_type: AttributeType(u16::from_be_bytes([head[0], head[1]])),
        value,
    })
}

/// The three that the builder makes itself.
fn is_made(attribute: AttributeType) -> bool {
    matches!(
        attribute,
        AttributeType::MESSAGE_INTEGRITY
            | AttributeType::MESSAGE_INTEGRITY_SHA256
            | AttributeType::FINGERPRINT
    )
}

fuzz_target!(|data: &[u8]| {
    let Some((&[method, ending], mut data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let key = IntegrityKey::short_term("password");
    let mut written = Vec::new();
    while let Some(attribute) = attribute(&mut data) {
        if !is_made(attribute.attribute_type) {
            written.push(attribute);
        }
    }
    let mut out = BytesMut::from(&b"before"[..]);
    let builder = written.iter().fold(
        Builder::request(
            &mut out,
            Method(u16::from(method) << 4),
            TransactionId([7; 12]),
        ),
        |builder, attribute| builder.attribute(attribute),
    );
    let closed = match ending % 6 {
        0 => builder.finish(),
        1 => builder.fingerprint(),
        2 => builder.integrity(&key).finish(),
        3 => builder.integrity(&key).fingerprint(),
        4 => builder.integrity_sha256(&key).fingerprint(),
        _ => builder.integrity_both(&key).fingerprint(),
    };
    let Ok(range) = closed else {
        assert_eq!(&out[..], b"before");
        return;
    };
    let message = Message::parse(&out[range]).expect("our own message");
    let read = message
        .attributes()
        .filter(|attribute| !is_made(attribute.attribute_type));
    assert!(read.eq(written.iter().copied()));
    assert_eq!(message.verify(&key).is_ok(), ending % 6 > 1);
});
