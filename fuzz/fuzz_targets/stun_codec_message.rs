//! Any bytes: parse, ask everything there is to ask, answer. What is read and written again must
//! read the same.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::attribute::AnyAttribute;
use stun_codec::{AttributeType, Builder, IntegrityKey, Message, RawAttribute, is_stun, respond};

/// What is right says the same when it is written.
fn read(message: &Message<'_>, raw: RawAttribute<'_>) {
    // The checksum of another message is wrong in ours.
    if raw.attribute_type == AttributeType::FINGERPRINT {
        return;
    }
    let Ok(attribute) = AnyAttribute::read(raw, message.transaction_id()) else {
        return;
    };
    let mut out = BytesMut::new();
    Builder::success(&mut out, message)
        .attribute(&attribute)
        .finish()
        .expect("what was read can be written");
    let again = Message::parse(&out).expect("our own message");
    let raw = again.attributes().next().expect("what was written");
    let again = AnyAttribute::read(raw, message.transaction_id()).expect("a right value");
    assert_eq!(format!("{attribute:?}"), format!("{again:?}"));
}

fn copy(message: &Message<'_>) {
    let mut out = BytesMut::new();
    let builder = message
        .attributes()
        .filter(|attribute| attribute.attribute_type != AttributeType::FINGERPRINT)
        .fold(
            Builder::new(
                &mut out,
                message.class(),
                message.method(),
                message.transaction_id(),
            ),
            |builder, attribute| builder.attribute(&attribute),
        );
    builder.finish().expect("no longer than before");
    let copy = Message::parse(&out).expect("our own message");
    assert!(
        copy.attributes().eq(message
            .attributes()
            .filter(|attribute| attribute.attribute_type != AttributeType::FINGERPRINT))
    );
}

fuzz_target!(|data: &[u8]| {
    let _ = is_stun(data);
    let message = match Message::parse(data) {
        Ok(message) => message,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    assert_eq!(message.size(), data.len());
    for raw in message.attributes() {
        read(&message, raw);
    }
    let _ = format!("{message:?}");
    let _ = message.verify(&IntegrityKey::short_term("password"));
    copy(&message);

    let mut out = BytesMut::new();
    let from = "192.0.2.1:4000".parse().expect("an address");
    if let Some(range) = respond(&message, from, &mut out) {
        assert!(range.len() <= data.len() + 32);
        Message::parse(&out[range]).expect("our own message");
    }
});
