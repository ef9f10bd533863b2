//! Whole messages with their keys, and message types.

use crate::{Check, hex_field};
use bytes::BytesMut;
use serde_json::Value;
use stun_codec::attribute::XorMappedAddress;
use stun_codec::{
    Algorithm, AttributeType, Builder, Class, DecodeError, IntegrityKey, Message, Method,
    TransactionId, VerifyError,
};

/// The key that a vector's credentials describe.
fn key(credentials: &Value) -> IntegrityKey {
    let text = |field: &str| credentials[field].as_str().expect("a text field");
    if credentials["mechanism"] == "short-term" {
        return IntegrityKey::short_term(text("password"));
    }
    let (username, realm) = (text("username"), text("realm"));
    let password = text("password_after_prep");
    if text("key_derivation").starts_with("MD5") {
        IntegrityKey::long_term(username, realm, password)
    } else {
        IntegrityKey::long_term_sha256(username, realm, password)
    }
}

pub(crate) fn message(vector: &Value) -> Check {
    let id = vector["id"].as_str().unwrap();
    let wire = hex_field(vector, "message_hex");
    if id == "rfc8489-B.1-as-printed" {
        assert_eq!(
            Message::parse(&wire).unwrap_err(),
            DecodeError::Length {
                announced: 156,
                found: 136
            }
        );
        return Ok(());
    }
    let message = Message::parse(&wire).unwrap_or_else(|error| panic!("{id}: {error}"));
    check_attributes(id, &message, vector["attributes"].as_array().unwrap());

    let key = key(&vector["credentials"]);
    let verified = message
        .verify(&key)
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let expected = if message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256) {
        Algorithm::HmacSha256
    } else {
        Algorithm::HmacSha1
    };
    assert_eq!(verified.algorithm(), expected, "{id}");
    let wrong = message
        .verify(&IntegrityKey::short_term("wrong"))
        .unwrap_err();
    assert!(matches!(wrong, VerifyError::Mismatch { .. }), "{id}");

    let rebuilt = rebuild(&message, &key);
    let padded_with_zeros = !id.starts_with("rfc5769-2.1")
        && !id.starts_with("rfc5769-2.2")
        && !id.starts_with("rfc5769-2.3");
    assert_eq!(rebuilt == wire, padded_with_zeros, "{id}");
    Ok(())
}

fn check_attributes(id: &str, message: &Message<'_>, expected: &[Value]) {
    let found: Vec<_> = message.attributes().collect();
    assert_eq!(found.len(), expected.len(), "{id}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(
            found.attribute_type.name(),
            expected["name"].as_str(),
            "{id}"
        );
        assert_eq!(found.value, hex_field(expected, "value_hex"), "{id}");
        if let (Some(address), Some(port)) =
            (expected["address"].as_str(), expected["port"].as_u64())
        {
            let read = message.attribute::<XorMappedAddress>().unwrap().unwrap();
            assert_eq!(
                read.0.ip(),
                address.parse::<std::net::IpAddr>().unwrap(),
                "{id}"
            );
            assert_eq!(u64::from(read.0.port()), port, "{id}");
        }
    }
}

/// Writes the message again: same attributes, tags made anew.
fn rebuild(message: &Message<'_>, key: &IntegrityKey) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut builder = Builder::new(
        &mut out,
        message.class(),
        message.method(),
        message.transaction_id(),
    );
    for attribute in message.attributes() {
        let made = matches!(
            attribute.attribute_type,
            AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::FINGERPRINT
        );
        if !made {
            builder = builder.attribute(&attribute);
        }
    }
    let sealed = match (
        message.contains(AttributeType::MESSAGE_INTEGRITY),
        message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256),
    ) {
        (true, true) => builder.integrity_both(key),
        (_, true) => builder.integrity_sha256(key),
        _ => builder.integrity(key),
    };
    let closed = if message.has_fingerprint() {
        sealed.fingerprint()
    } else {
        sealed.finish()
    };
    closed.unwrap();
    out.to_vec()
}

pub(crate) fn message_type(row: &Value) -> Check {
    let class = match row["class"].as_str().unwrap() {
        "request" => Class::Request,
        "indication" => Class::Indication,
        "success" => Class::Success,
        "error" => Class::Error,
        other => panic!("class {other}"),
    };
    let number = row["method_hex"].as_str().unwrap().trim_start_matches("0x");
    let method = Method(u16::from_str_radix(number, 16).unwrap());
    if let Some(name) = method.name() {
        assert_eq!(row["method"], name);
    }
    let mut out = BytesMut::new();
    Builder::new(&mut out, class, method, TransactionId([0; 12]))
        .finish()
        .unwrap();
    assert_eq!(out[..2], hex_field(row, "type_hex"), "{row}");
    let message = Message::parse(&out).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (class, method),
        "{row}"
    );
    Ok(())
}
