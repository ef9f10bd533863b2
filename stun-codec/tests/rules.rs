//! Single rules of the standards, one by one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use bytes::BytesMut;
use stun_codec::attribute::{
    AlternateServer, ErrorCode, MappedAddress, UnknownAttributes, UseCandidate, XorMappedAddress,
};
use stun_codec::{
    AttributeType, Builder, Decode, DecodeError, IntegrityKey, Message, Method, RawAttribute,
    TransactionId, VerifyError, is_stun, respond,
};

const ID: TransactionId = TransactionId([5; 12]);

fn raw(attribute_type: AttributeType, value: &[u8]) -> RawAttribute<'_> {
    RawAttribute {
        attribute_type,
        value,
    }
}

/// A Binding request with these attributes, not closed with anything.
fn request(attributes: &[RawAttribute<'_>]) -> BytesMut {
    let mut out = BytesMut::new();
    attributes
        .iter()
        .fold(
            Builder::request(&mut out, Method::BINDING, ID),
            |builder, attribute| builder.attribute(attribute),
        )
        .finish()
        .unwrap();
    out
}

/// RFC 8489 §14.7. The checksum is made for the real length, so that only the order is wrong.
#[test]
fn nothing_follows_a_right_fingerprint() {
    let wrong = request(&[
        raw(AttributeType::FINGERPRINT, &[0; 4]),
        raw(AttributeType::USE_CANDIDATE, &[]),
    ]);
    let Err(DecodeError::Fingerprint { expected, .. }) = Message::parse(&wrong) else {
        panic!("the checksum is wrong");
    };
    let ordered = request(&[
        raw(AttributeType::FINGERPRINT, &expected.to_be_bytes()),
        raw(AttributeType::USE_CANDIDATE, &[]),
    ]);
    assert_eq!(
        Message::parse(&ordered).unwrap_err(),
        DecodeError::AfterFingerprint {
            attribute: AttributeType::USE_CANDIDATE,
            offset: 28
        }
    );
}

/// RFC 8489 §5.
#[test]
fn lengths_are_multiples_of_four() {
    let mut wire = request(&[]).to_vec();
    wire.extend_from_slice(&[0; 6]);
    wire[3] = 6;
    assert_eq!(
        Message::parse(&wire).unwrap_err(),
        DecodeError::Length {
            announced: 6,
            found: 6
        }
    );
}

/// RFC 7983 §7: first bytes 0 to 3.
#[test]
fn neighbours_on_the_port_are_not_stun() {
    let mut wire = request(&[]).to_vec();
    for first in 0..=u8::MAX {
        wire[0] = first;
        assert_eq!(is_stun(&wire), first <= 3, "{first}");
    }
    wire[0] = 0;
    assert!(!is_stun(&wire[..19]));
    wire[7] ^= 1;
    assert!(!is_stun(&wire));
}

#[test]
fn tags_of_another_length_are_named() {
    let key = IntegrityKey::short_term("password");
    for (attribute, length) in [
        (AttributeType::MESSAGE_INTEGRITY, 19),
        (AttributeType::MESSAGE_INTEGRITY, 24),
        (AttributeType::MESSAGE_INTEGRITY_SHA256, 16),
    ] {
        let wire = request(&[raw(attribute, &[0; 32][..length])]);
        assert_eq!(
            Message::parse(&wire).unwrap().verify(&key).unwrap_err(),
            VerifyError::TagLength {
                attribute,
                found: length
            }
        );
    }
}

/// RFC 8445 §7.3.1.5 must not follow from an attribute that nothing protects.
#[test]
fn use_candidate_behind_integrity_has_no_effect() {
    let key = IntegrityKey::short_term("password");
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, ID)
        .integrity(&key)
        .finish()
        .unwrap();
    out.extend_from_slice(&[0, 0x25, 0, 0, 0x77, 0x77, 0, 0]);
    out[3] += 8;
    let message = Message::parse(&out).unwrap().verify(&key).unwrap();
    assert_eq!(message.attribute::<UseCandidate>(), Ok(None));
    assert!(!message.contains(AttributeType::USE_CANDIDATE));
    let mut unknown = message.unknown_required(AttributeType::is_known);
    assert_eq!(unknown.next(), None);
}

/// RFC 5780 §6.1: a server without behaviour discovery says so.
#[test]
fn a_plain_server_refuses_change_request() {
    let wire = request(&[raw(AttributeType::CHANGE_REQUEST, &[0, 0, 0, 6])]);
    let mut out = BytesMut::new();
    let from = "192.0.2.1:4000".parse().unwrap();
    let range = respond(&Message::parse(&wire).unwrap(), from, &mut out).unwrap();
    let answer = Message::parse(&out[range]).unwrap();
    assert_eq!(
        answer.attribute::<ErrorCode>(),
        Ok(Some(ErrorCode::UNKNOWN_ATTRIBUTE))
    );
    let listed = answer.attribute::<UnknownAttributes>().unwrap().unwrap();
    assert_eq!(
        listed.iter().collect::<Vec<_>>(),
        [AttributeType::CHANGE_REQUEST]
    );
}

/// What is written where the buffer has room costs no memory.
#[test]
fn the_builder_uses_the_room_there_is() {
    let key = IntegrityKey::short_term("password");
    let mut out = BytesMut::with_capacity(128);
    let (place, room) = (out.as_ptr(), out.capacity());
    Builder::request(&mut out, Method::BINDING, ID)
        .attribute(&UseCandidate)
        .integrity(&key)
        .fingerprint()
        .unwrap();
    assert_eq!((out.as_ptr(), out.capacity()), (place, room));
}

#[test]
fn names_are_shown() {
    assert_eq!(AttributeType::PRIORITY.to_string(), "PRIORITY");
    assert_eq!(AttributeType(0x7777).to_string(), "0x7777");
    assert_eq!(Method(0xff).to_string(), "0x0ff");
    let wire = request(&[raw(AttributeType(0xc000), &[1, 2])]);
    assert_eq!(
        format!("{:?}", Message::parse(&wire).unwrap()),
        "Message { class: Request, method: Method(Binding), \
         transaction_id: TransactionId(050505050505050505050505), attributes: [0xc000 [0102]] }"
    );
}

#[test]
fn unknown_attributes_are_shown_by_name() {
    let value = [0x00, 0x03, 0x7f, 0xff];
    let unknown = UnknownAttributes::decode(&value, TransactionId([0; 12])).unwrap();
    let shown = "UnknownAttributes[AttributeType(CHANGE-REQUEST), AttributeType(0x7fff)]";
    assert_eq!(format!("{unknown:?}"), shown);
}

#[test]
fn address_attributes_come_from_addresses() {
    let address = core::net::SocketAddr::from(([192, 0, 2, 1], 3478));
    assert_eq!(MappedAddress::from(address).0, address);
    assert_eq!(XorMappedAddress::from(address).0, address);
    assert_eq!(AlternateServer::from(address).0, address);
}
