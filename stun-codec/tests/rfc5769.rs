//! The test vectors of RFC 5769 §2, read, verified and, where their padding is ours, rebuilt.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

use std::net::SocketAddr;

use bytes::BytesMut;
use stun_codec::attribute::{
    IceControlled, MappedAddress, Nonce, Priority, Realm, Software, Username, XorMappedAddress,
};
use stun_codec::{
    AttributeType, Builder, Class, DecodeError, IntegrityKey, Message, Method, TransactionId,
    VerifyError,
};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const ID: TransactionId = TransactionId([
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
]);

/// §2.1, a request with the short-term mechanism.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36\
    000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";

/// §2.2, a response with an IPv4 address.
const RESPONSE_IPV4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";

/// §2.3, a response with an IPv6 address.
const RESPONSE_IPV6: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

/// §2.4, a request with the long-term mechanism.
const LONG_TERM: &str = "000100602112a44278ad3433c6ad72c029da412e\
    00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341\
    0014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

#[test]
fn a_request_with_the_short_term_mechanism() {
    let wire = bytes(REQUEST);
    let message = Message::parse(&wire).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.method(), Method::BINDING);
    assert_eq!(message.transaction_id(), ID);
    assert!(message.has_fingerprint());

    let message = message
        .verify(&IntegrityKey::short_term(PASSWORD))
        .expect("the password is right");
    assert_eq!(
        message.attribute::<Software>(),
        Ok(Some(Software("STUN test client")))
    );
    assert_eq!(
        message.attribute::<Priority>(),
        Ok(Some(Priority(0x6e00_01ff)))
    );
    assert_eq!(
        message.attribute::<IceControlled>(),
        Ok(Some(IceControlled(0x932f_f9b1_5126_3b36)))
    );
    assert_eq!(
        message.attribute::<Username>(),
        Ok(Some(Username("evtj:h6vY")))
    );
    assert_eq!(message.attribute::<MappedAddress>(), Ok(None));
}

#[test]
fn responses_with_both_families() {
    for (hex, address) in [
        (RESPONSE_IPV4, "192.0.2.1:32853"),
        (
            RESPONSE_IPV6,
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ] {
        let wire = bytes(hex);
        let message = Message::parse(&wire).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert!(message.verify(&IntegrityKey::short_term(PASSWORD)).is_ok());
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(
            message.attribute::<XorMappedAddress>(),
            Ok(Some(XorMappedAddress(address)))
        );
    }
}

#[test]
fn a_request_with_the_long_term_mechanism_and_back() {
    let wire = bytes(LONG_TERM);
    let message = Message::parse(&wire).unwrap();
    let username = message.attribute::<Username>().unwrap().unwrap();
    let realm = message.attribute::<Realm>().unwrap().unwrap();
    let nonce = message.attribute::<Nonce>().unwrap().unwrap();
    assert_eq!(username.0, "マトリックス");
    let key = IntegrityKey::long_term(username.0, realm.0, "TheMatrIX");
    assert!(message.verify(&key).is_ok());

    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, message.transaction_id())
        .attribute(&username)
        .attribute(&nonce)
        .attribute(&realm)
        .integrity(&key)
        .finish()
        .unwrap();
    assert_eq!(hex::encode(out), LONG_TERM.replace(' ', ""));
}

/// The RFC pads with spaces, we with zeros: everything up to the tags is the same otherwise.
#[test]
fn the_short_term_request_is_rebuilt_but_for_its_padding() {
    let key = IntegrityKey::short_term(PASSWORD);
    let mut out = BytesMut::new();
    let range = Builder::request(&mut out, Method::BINDING, ID)
        .attribute(&Software("STUN test client"))
        .attribute(&Priority(0x6e00_01ff))
        .attribute(&IceControlled(0x932f_f9b1_5126_3b36))
        .attribute(&Username("evtj:h6vY"))
        .integrity(&key)
        .fingerprint()
        .unwrap();
    let expected = bytes(REQUEST);
    assert_eq!(range, 0..expected.len());
    assert_eq!(out[..73], expected[..73]);
    assert_eq!(out[73..76], [0; 3]);
    assert!(Message::parse(&out).unwrap().verify(&key).is_ok());
}

#[test]
fn any_flipped_bit_is_noticed() {
    let key = IntegrityKey::short_term(PASSWORD);
    let wire = bytes(REQUEST);
    for bit in 0..wire.len() * 8 {
        let mut changed = wire.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let noticed = match Message::parse(&changed) {
            Err(_) => true,
            // A changed type or length can hide FINGERPRINT; then the tag has to notice, except in
            // the bytes of FINGERPRINT itself, which nothing protects.
            Ok(message) => {
                !message.has_fingerprint()
                    && (message.verify(&key).is_err() || bit / 8 >= wire.len() - 8)
            }
        };
        assert!(noticed, "bit {bit}");
    }
    // Without FINGERPRINT the tag alone has to notice.
    let mut sealed = wire[..wire.len() - 8].to_vec();
    sealed[3] = 0x50;
    assert!(Message::parse(&sealed).unwrap().verify(&key).is_ok());
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let verified = Message::parse(&changed).map(|message| message.verify(&key).is_ok());
        assert_ne!(verified, Ok(true), "bit {bit}");
    }
}

#[test]
fn causes_are_told_apart() {
    let wire = bytes(REQUEST);
    let message = Message::parse(&wire).unwrap();
    assert_eq!(
        message
            .verify(&IntegrityKey::short_term("another"))
            .unwrap_err(),
        VerifyError::Mismatch {
            attribute: AttributeType::MESSAGE_INTEGRITY
        }
    );
    let plain = bytes("000100002112a442b7e7a701bc34d686fa87dfae");
    assert_eq!(
        Message::parse(&plain)
            .unwrap()
            .verify(&IntegrityKey::short_term(PASSWORD))
            .unwrap_err(),
        VerifyError::Missing
    );
    let mut wrong = wire;
    wrong[30] ^= 1;
    assert!(matches!(
        Message::parse(&wrong),
        Err(DecodeError::Fingerprint { .. })
    ));
}

#[test]
fn keys_do_not_show_in_debug_output() {
    assert_eq!(
        format!("{:?}", IntegrityKey::short_term(PASSWORD)),
        "IntegrityKey(..)"
    );
}
