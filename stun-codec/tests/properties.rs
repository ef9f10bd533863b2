//! What holds for every message: read back as written, no input does harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use stun_codec::attribute::{
    AlternateServer, AnyAttribute, ErrorCode, IceControlled, IceControlling, MappedAddress, Nonce,
    PasswordAlgorithm, Priority, Realm, Software, UnknownAttributes, UseCandidate, Username,
    XorMappedAddress,
};
use stun_codec::{
    AttributeType, Builder, Class, DecodeError, Encode, EncodeError, IntegrityKey, Message, Method,
    RawAttribute, TransactionId, respond,
};

/// How a message is closed.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Plain,
    Fingerprint,
    Sha1,
    Sha256AndFingerprint,
    Everything,
}

fn endings() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Plain),
        Just(Ending::Fingerprint),
        Just(Ending::Sha1),
        Just(Ending::Sha256AndFingerprint),
        Just(Ending::Everything),
    ]
}

fn classes() -> impl Strategy<Value = Class> {
    prop_oneof![
        Just(Class::Request),
        Just(Class::Indication),
        Just(Class::Success),
        Just(Class::Error),
    ]
}

fn is_tag(attribute: AttributeType) -> bool {
    matches!(
        attribute,
        AttributeType::MESSAGE_INTEGRITY
            | AttributeType::MESSAGE_INTEGRITY_SHA256
            | AttributeType::FINGERPRINT
    )
}

/// Any attributes but the three that the builder makes itself.
fn raw_attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let any_type = prop_oneof![0_u16..0x30, 0x8000_u16..0x8030, any::<u16>()]
        .prop_filter("made by the builder", |&number| {
            !is_tag(AttributeType(number))
        });
    vec((any_type, vec(any::<u8>(), 0..40)), 0..12)
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn write(
    out: &mut BytesMut,
    class: Class,
    method: u16,
    id: [u8; 12],
    attributes: &[(u16, Vec<u8>)],
    key: &IntegrityKey,
    ending: Ending,
) -> std::ops::Range<usize> {
    let builder = attributes.iter().fold(
        Builder::new(out, class, Method(method), TransactionId(id)),
        |builder, (number, value)| {
            builder.attribute(&RawAttribute {
                attribute_type: AttributeType(*number),
                value,
            })
        },
    );
    match ending {
        Ending::Plain => builder.finish(),
        Ending::Fingerprint => builder.fingerprint(),
        Ending::Sha1 => builder.integrity(key).finish(),
        Ending::Sha256AndFingerprint => builder.integrity_sha256(key).fingerprint(),
        Ending::Everything => builder.integrity_both(key).fingerprint(),
    }
    .unwrap()
}

/// Writes one attribute, alone, and hands over the message.
fn with_one<R>(attribute: &dyn Encode, read: impl FnOnce(Message<'_>) -> R) -> R {
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId(*b"transaction!"))
        .attribute(attribute)
        .fingerprint()
        .unwrap();
    read(Message::parse(&out).unwrap())
}

/// Asks a message everything there is to ask.
fn read_all(message: &Message<'_>) {
    let _ = format!("{message:?}");
    for raw in message.attributes() {
        let Ok(attribute) = AnyAttribute::read(raw, message.transaction_id()) else {
            continue;
        };
        let shown = format!("{attribute:?}");
        // What was read says the same when it is written, though reserved bits are gone.
        let mut out = BytesMut::new();
        Builder::success(&mut out, message)
            .attribute(&attribute)
            .finish()
            .unwrap();
        let again = Message::parse(&out).unwrap();
        let raw = again.attributes().next().unwrap();
        let again = AnyAttribute::read(raw, message.transaction_id()).unwrap();
        assert_eq!(format!("{again:?}"), shown);
    }
    let _ = message.verify(&IntegrityKey::short_term("password"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        class in classes(),
        method in 0_u16..0x1000,
        id: [u8; 12],
        attributes in raw_attributes(),
        password in ".{0,100}",
        before in vec(any::<u8>(), 0..8),
        ending in endings(),
    ) {
        let key = IntegrityKey::short_term(&password);
        let mut out = BytesMut::from(before.as_slice());
        let range = write(&mut out, class, method, id, &attributes, &key, ending);
        prop_assert_eq!(&range, &(before.len()..out.len()));
        prop_assert_eq!(&out[..before.len()], &before[..]);

        let message = Message::parse(&out[range]).unwrap();
        prop_assert_eq!(message.class(), class);
        prop_assert_eq!(message.method(), Method(method));
        prop_assert_eq!(message.transaction_id(), TransactionId(id));
        let read: Vec<_> = message
            .attributes()
            .filter(|attribute| !is_tag(attribute.attribute_type))
            .map(|attribute| (attribute.attribute_type.0, attribute.value.to_vec()))
            .collect();
        prop_assert_eq!(read, attributes);
        let sealed = !matches!(ending, Ending::Plain | Ending::Fingerprint);
        prop_assert_eq!(message.verify(&key).is_ok(), sealed);
        prop_assert!(message.verify(&IntegrityKey::short_term("?wrong?")).is_err());
    }

    #[test]
    fn messages_stand_one_after_the_other(
        id: [u8; 12],
        first in raw_attributes(),
        second in raw_attributes(),
        ending in endings(),
    ) {
        let key = IntegrityKey::short_term("password");
        let mut out = BytesMut::new();
        let a = write(&mut out, Class::Request, 1, id, &first, &key, ending);
        let b = write(&mut out, Class::Success, 1, id, &second, &key, ending);
        prop_assert_eq!(a.end, b.start);
        let mut alone = BytesMut::new();
        write(&mut alone, Class::Success, 1, id, &second, &key, ending);
        prop_assert_eq!(&out[b], &alone[..]);
        prop_assert!(Message::parse(&out[a]).is_ok());
    }

    #[test]
    fn addresses_survive(address in addresses()) {
        with_one(&XorMappedAddress(address), |message| {
            assert_eq!(message.attribute(), Ok(Some(XorMappedAddress(address))));
        });
        with_one(&MappedAddress(address), |message| {
            assert_eq!(message.attribute(), Ok(Some(MappedAddress(address))));
        });
        with_one(&AlternateServer(address), |message| {
            assert_eq!(message.attribute(), Ok(Some(AlternateServer(address))));
        });
    }

    #[test]
    fn numbers_survive(small: u32, large: u64) {
        with_one(&Priority(small), |message| {
            assert_eq!(message.attribute(), Ok(Some(Priority(small))));
        });
        with_one(&IceControlled(large), |message| {
            assert_eq!(message.attribute(), Ok(Some(IceControlled(large))));
        });
        with_one(&IceControlling(large), |message| {
            assert_eq!(message.attribute(), Ok(Some(IceControlling(large))));
        });
        with_one(&UseCandidate, |message| {
            assert_eq!(message.attribute(), Ok(Some(UseCandidate)));
        });
    }

    #[test]
    fn texts_survive(text in ".{0,190}", code in 300_u16..700, parameters in vec(any::<u8>(), 0..9)) {
        with_one(&Username(&text), |message| {
            assert_eq!(message.attribute(), Ok(Some(Username(&text))));
        });
        with_one(&Realm(&text), |message| {
            assert_eq!(message.attribute(), Ok(Some(Realm(&text))));
        });
        with_one(&Software(&text), |message| {
            assert_eq!(message.attribute(), Ok(Some(Software(&text))));
        });
        with_one(&Nonce(text.as_bytes()), |message| {
            assert_eq!(message.attribute(), Ok(Some(Nonce(text.as_bytes()))));
        });
        let refused = ErrorCode { code, reason: &text };
        with_one(&refused, |message| {
            assert_eq!(message.attribute(), Ok(Some(refused)));
        });
        let algorithm = PasswordAlgorithm { algorithm: code, parameters: &parameters };
        with_one(&algorithm, |message| {
            assert_eq!(message.attribute(), Ok(Some(algorithm)));
        });
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::parse(&bytes) {
            read_all(&message);
        }
    }

    /// A right header in front, so that the attributes are reached.
    #[test]
    fn arbitrary_attributes_do_no_harm(class in classes(), body in vec(any::<u8>(), 0..300)) {
        let mut out = BytesMut::new();
        Builder::new(&mut out, class, Method::BINDING, TransactionId([1; 12])).finish().unwrap();
        let body = &body[..body.len() / 4 * 4];
        out[3] = (body.len() % 256) as u8;
        out[2] = (body.len() / 256) as u8;
        out.extend_from_slice(body);
        if let Ok(message) = Message::parse(&out) {
            read_all(&message);
        }
    }

    /// Structure is right, values are arbitrary.
    #[test]
    fn arbitrary_values_do_no_harm(attributes in raw_attributes(), id: [u8; 12]) {
        let key = IntegrityKey::short_term("password");
        let mut out = BytesMut::new();
        write(&mut out, Class::Request, 1, id, &attributes, &key, Ending::Sha1);
        read_all(&Message::parse(&out).unwrap());
    }

    /// The length field makes every truncation a broken message.
    #[test]
    fn truncations_are_refused(attributes in raw_attributes(), ending in endings()) {
        let key = IntegrityKey::short_term("password");
        let mut out = BytesMut::new();
        write(&mut out, Class::Request, 1, [3; 12], &attributes, &key, ending);
        for length in 0..out.len() {
            prop_assert!(Message::parse(&out[..length]).is_err());
        }
        out.extend_from_slice(&[0; 4]);
        prop_assert!(Message::parse(&out).is_err(), "bytes behind the message");
    }

    #[test]
    fn what_follows_integrity_has_no_effect(
        before in raw_attributes(),
        after in raw_attributes(),
    ) {
        let key = IntegrityKey::short_term("password");
        let mut out = BytesMut::new();
        write(&mut out, Class::Request, 1, [3; 12], &before, &key, Ending::Sha1);
        let protected: Vec<_> = Message::parse(&out).unwrap().attributes().map(owned).collect();

        let mut tail = BytesMut::new();
        write(&mut tail, Class::Request, 1, [3; 12], &after, &key, Ending::Plain);
        let mut wire = out.to_vec();
        wire.extend_from_slice(&tail[20..]);
        let length = u16::try_from(wire.len() - 20).unwrap();
        wire[2..4].copy_from_slice(&length.to_be_bytes());

        let message = Message::parse(&wire).unwrap();
        prop_assert!(message.verify(&key).is_ok());
        prop_assert_eq!(message.attributes().map(owned).collect::<Vec<_>>(), protected);
    }

    /// A plain server never answers with much more than it was sent, and lists what it refused.
    #[test]
    fn answers_stay_small(
        class in classes(),
        method in 1_u16..4,
        attributes in raw_attributes(),
        from in addresses(),
        ending in endings(),
    ) {
        let key = IntegrityKey::short_term("password");
        let mut wire = BytesMut::new();
        write(&mut wire, class, method, [9; 12], &attributes, &key, ending);
        let request = Message::parse(&wire).unwrap();
        let mut out = BytesMut::new();
        let answer = respond(&request, from, &mut out);
        if (class, method) != (Class::Request, 1) {
            prop_assert_eq!(answer, None);
            prop_assert!(out.is_empty());
            return Ok(());
        }
        prop_assert_eq!(answer, Some(0..out.len()));
        prop_assert!(out.len() <= wire.len() + 32, "{} to {}", wire.len(), out.len());
        let answer = Message::parse(&out).unwrap();
        prop_assert_eq!(answer.has_fingerprint(), request.has_fingerprint());
        let refused: Vec<_> = request.unknown_required(AttributeType::is_for_binding).collect();
        if refused.is_empty() {
            prop_assert_eq!(answer.attribute(), Ok(Some(XorMappedAddress(from))));
        } else {
            prop_assert_eq!(answer.attribute(), Ok(Some(ErrorCode::UNKNOWN_ATTRIBUTE)));
            let listed = answer.attribute::<UnknownAttributes<'_>>().unwrap().unwrap();
            prop_assert_eq!(listed.iter().collect::<Vec<_>>(), refused);
        }
    }
}

fn owned(attribute: RawAttribute<'_>) -> (u16, Vec<u8>) {
    (attribute.attribute_type.0, attribute.value.to_vec())
}

#[test]
fn what_cannot_be_written_leaves_the_buffer_alone() {
    let long = "x".repeat(764);
    let huge = vec![0; 65_530];
    let refuse = |attribute: &dyn Encode| {
        let mut out = BytesMut::from(&b"before"[..]);
        let refused = Builder::request(&mut out, Method::BINDING, TransactionId([0; 12]))
            .attribute(&Priority(1))
            .attribute(attribute)
            .attribute(&Priority(2))
            .integrity(&IntegrityKey::short_term("password"))
            .fingerprint()
            .unwrap_err();
        assert_eq!(&out[..], b"before");
        refused
    };
    assert_eq!(
        refuse(&Username(&long)),
        EncodeError::ValueTooLong {
            attribute: AttributeType::USERNAME,
            length: 764,
            limit: 763
        }
    );
    for code in [0, 299, 700, u16::MAX] {
        let refused = refuse(&ErrorCode { code, reason: "" });
        assert_eq!(refused, EncodeError::ErrorCode { found: code });
    }
    let raw = RawAttribute {
        attribute_type: AttributeType::DATA,
        value: &huge,
    };
    assert!(matches!(refuse(&raw), EncodeError::MessageTooLong { .. }));
    // It fits alone, and no longer with the tags.
    let raw = RawAttribute {
        attribute_type: AttributeType::DATA,
        value: &huge[..65_500],
    };
    assert_eq!(
        refuse(&raw),
        EncodeError::MessageTooLong {
            length: 65_512 + 8 + 24
        }
    );
}

#[test]
fn the_first_of_two_counts() {
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId([0; 12]))
        .attribute(&Priority(1))
        .attribute(&Priority(2))
        .finish()
        .unwrap();
    let message = Message::parse(&out).unwrap();
    assert_eq!(message.attribute(), Ok(Some(Priority(1))));
    assert_eq!(message.attributes().count(), 2);
}

#[test]
fn a_length_that_rounds_up_to_nothing_ends_the_message() {
    let mut wire = hex::decode("000100082112a442b7e7a701bc34d686fa87dfae8022fffd61626364").unwrap();
    assert_eq!(
        Message::parse(&wire).unwrap_err(),
        DecodeError::Truncated {
            offset: 24,
            needed: 65_536,
            remaining: 4
        }
    );
    wire[22..24].copy_from_slice(&[0, 5]);
    assert_eq!(
        Message::parse(&wire).unwrap_err(),
        DecodeError::Truncated {
            offset: 24,
            needed: 8,
            remaining: 4
        }
    );
}
