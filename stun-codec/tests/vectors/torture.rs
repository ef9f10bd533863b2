//! The shared malformed and edge-case messages, judged as a server and client of RFC 8489 would.
//!
//! The judge below is what a caller writes on top of this crate: it decides on verdicts, the crate
//! on facts.

use serde_json::Value;
use stun_codec::attribute::{AnyAttribute, ErrorCode, Username, XorMappedAddress};
use stun_codec::stream::{Deframer, Framing};
use stun_codec::{
    AttributeType, ChannelData, Class, DecodeError, IntegrityKey, Message, Method, is_stun,
};

use crate::{Check, hex_field};

const OUTSTANDING: &str = "b7e7a701bc34d686fa87dfae";
const USERNAME: &str = "evtj:h6vY";
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn judge(wire: &[u8], short_term: bool) -> &'static str {
    let message = match Message::parse(wire) {
        Ok(message) => message,
        Err(error) if error.is_not_stun() => return "not-stun",
        Err(_) => return "discard",
    };
    assert!(is_stun(wire) || wire[0] > 3);
    if message.method() != Method::BINDING {
        return "discard";
    }
    match message.class() {
        Class::Request => request(&message, short_term),
        Class::Indication => match request(&message, short_term) {
            "accept" => "accept",
            _ => "discard",
        },
        Class::Success | Class::Error => response(&message),
    }
}

fn request(message: &Message<'_>, short_term: bool) -> &'static str {
    if short_term {
        let has_integrity = message.contains(AttributeType::MESSAGE_INTEGRITY)
            || message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256);
        match message.attribute::<Username>() {
            Ok(Some(username)) if has_integrity => {
                if username.0 != USERNAME {
                    return "error:401";
                }
            }
            _ => return "error:400",
        }
        if message.verify(&IntegrityKey::short_term(PASSWORD)).is_err() {
            return "error:401";
        }
    }
    if message
        .unknown_required(AttributeType::is_for_binding)
        .next()
        .is_some()
    {
        return "error:420";
    }
    match check_values(message) {
        Ok(()) => "accept",
        Err(_) => "error:400",
    }
}

fn response(message: &Message<'_>) -> &'static str {
    let useful = match message.class() {
        Class::Success => message.contains(AttributeType::XOR_MAPPED_ADDRESS),
        _ => message.contains(AttributeType::ERROR_CODE),
    };
    let awaited = message.transaction_id().to_string() == OUTSTANDING;
    if useful && awaited && check_values(message).is_ok() {
        "accept"
    } else {
        "discard"
    }
}

/// Reads every typed attribute there is, but those of no standard (0xC000 and above): here they
/// stand for unknown ones.
fn check_values(message: &Message<'_>) -> Result<(), DecodeError> {
    for attribute in message.attributes() {
        if attribute.attribute_type.0 >= 0xc000 {
            continue;
        }
        AnyAttribute::read(attribute, message.transaction_id())?;
    }
    Ok(())
}

/// The input of a case; very long ones are told as a recipe.
fn input(case: &Value) -> Vec<u8> {
    if case["id"] != "max-size" {
        return hex_field(case, "hex");
    }
    let mut wire = hex::decode("0001fff82112a442b7e7a701bc34d686fa87dfaec000fff4").unwrap();
    wire.resize(65_548, 0);
    wire
}

pub(crate) fn case(case: &Value) -> Check {
    let context = &case["context"];
    let id = case["id"].as_str().unwrap();
    let wire = input(case);
    let verdict = if context["kind"] == "ChannelData" {
        match ChannelData::parse(&wire) {
            Some(_) => "accept",
            None => "discard",
        }
    } else if context["transport"] == "tcp" {
        stream(&wire)
    } else {
        judge(&wire, context["auth"] == "short")
    };
    let accepted = case["verdict"] == verdict
        || case["also_acceptable"]
            .as_array()
            .is_some_and(|others| others.contains(&Value::from(verdict)));
    assert!(accepted, "{id}: {verdict}, expected {}", case["verdict"]);
    check_details(case, &wire);
    Ok(())
}

/// What a stream that begins so comes to.
fn stream(bytes: &[u8]) -> &'static str {
    let mut deframer = Deframer::new(Framing::Turn, 65_555);
    assert_eq!(deframer.push(bytes), bytes.len());
    match deframer.next_frame() {
        Ok(None) => "need-more",
        Ok(Some(frame)) => judge(frame, false),
        Err(_) => "discard",
    }
}

/// What a case says beyond its verdict.
fn check_details(case: &Value, wire: &[u8]) {
    if let Some(address) = case["expect"]["address"].as_str() {
        let message = Message::parse(wire).unwrap();
        let found = message.attribute::<XorMappedAddress>().unwrap().unwrap().0;
        assert_eq!(found.ip().to_string(), address);
        assert_eq!(
            u64::from(found.port()),
            case["expect"]["port"].as_u64().unwrap()
        );
    }
    if let Some(code) = case["expect"]["error_code"].as_u64() {
        let message = Message::parse(wire).unwrap();
        let found = message.attribute::<ErrorCode>().unwrap().unwrap();
        assert_eq!(u64::from(found.code), code);
    }
    if case["verdict"] == "error:420" {
        let message = Message::parse(wire).unwrap();
        let unknown: Vec<_> = message
            .unknown_required(AttributeType::is_for_binding)
            .map(|unknown| Value::from(unknown.to_string()))
            .collect();
        assert_eq!(Value::from(unknown), case["evaluator"]);
    }
    for ignored in case["evaluator"]["ignored_after_integrity"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let number = ignored.as_str().unwrap().trim_start_matches("0x");
        let attribute = AttributeType(u16::from_str_radix(number, 16).unwrap());
        let message = Message::parse(wire).unwrap();
        let count = message
            .attributes()
            .filter(|found| found.attribute_type == attribute)
            .count();
        let before = usize::from(attribute == AttributeType::MESSAGE_INTEGRITY);
        assert_eq!(count, before, "{}", case["id"]);
    }
}

/// An input of another project's fuzzer, without a verdict: it must only do no harm.
pub(crate) fn seed(case: &Value) -> Check {
    judge_without_context(&hex_field(case, "hex"));
    Ok(())
}

fn judge_without_context(wire: &[u8]) {
    if let Ok(message) = Message::parse(wire) {
        let _ = check_values(&message);
        let _ = message.verify(&IntegrityKey::short_term(PASSWORD));
        let _ = format!("{message:?}");
    }
}
