//! Keys, hashes of names, and what stands in front of nonces.

use serde_json::Value;
use stun_codec::attribute::Userhash;
use stun_codec::credentials::{SecurityFeatures, prepare};
use stun_codec::{Builder, IntegrityKey, Message, Method, TransactionId};

use crate::{Check, Skipped, hex_field};

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().expect("a text field")
}

/// A key cannot be looked at: it must verify what the printed one protects. As a password any bytes
/// below 0x80 would do; others are tried by the messages that the same credentials protect.
pub(crate) fn key(case: &Value) -> Check {
    let password = text(case, "password");
    let printed = hex_field(case, "key_hex");
    if case.get("realm").is_none() {
        assert_eq!(printed, password.as_bytes());
        return Ok(());
    }
    let (username, realm) = (text(case, "username"), text(case, "realm"));
    let ours = match printed.len() {
        16 => IntegrityKey::long_term(username, realm, password),
        32 => IntegrityKey::long_term_sha256(username, realm, password),
        _ => return Err(Skipped("an algorithm that is not known here")),
    };
    let mut out = bytes::BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId([7; 12]))
        .integrity(&ours)
        .finish()
        .unwrap();
    let message = Message::parse(&out).unwrap();
    assert!(message.verify(&IntegrityKey::from_bytes(&printed)).is_ok());
    Ok(())
}

pub(crate) fn userhash(case: &Value) -> Check {
    let hash = Userhash::new(text(case, "username"), text(case, "realm"));
    assert_eq!(hash.0.to_vec(), hex_field(case, "userhash_hex"));
    Ok(())
}

pub(crate) fn nonce(case: &Value) -> Check {
    let Some(features) = case["features"].as_array() else {
        let nonce = text(case, "nonce");
        assert_eq!(SecurityFeatures::of_nonce(nonce.as_bytes()), None);
        return Ok(());
    };
    let named = |name: &str| {
        features
            .iter()
            .any(|it| it.as_str().unwrap().contains(name))
    };
    let prefix = format!("{}and more", text(case, "nonce_prefix"));
    let found = SecurityFeatures::of_nonce(prefix.as_bytes()).expect("features");
    for (feature, name) in [
        (SecurityFeatures::PASSWORD_ALGORITHMS, "password-algorithms"),
        (SecurityFeatures::USERNAME_ANONYMITY, "username-anonymity"),
    ] {
        assert_eq!(found.contains(feature), named(name));
    }
    Ok(())
}

pub(crate) fn preparation(case: &Value) -> Check {
    let typed: String = case["before_codepoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            let number = point.as_str().unwrap().trim_start_matches("U+");
            char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap()
        })
        .collect();
    if !cfg!(feature = "saslprep") {
        return Err(Skipped("without the feature saslprep"));
    }
    assert_eq!(prepare(&typed).unwrap(), text(case, "rfc5389_saslprep"));
    Ok(())
}
