//! `a=crypto`: what holds for every value and every text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use srtp::{
    CryptoAttribute, CryptoSuite, FecOrder, InlineKey, Lifetime, Mki, SdesError, SessionParameter,
};

use common::sdes::{KEY, OTHER_KEY, suites};

fn parse(text: &str) -> Result<CryptoAttribute, SdesError> {
    text.parse()
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    prop_oneof![
        (0..=48u8).prop_map(Lifetime::PowerOfTwo),
        (1..=1u64 << 48).prop_map(Lifetime::Packets),
    ]
}

fn inline_key(len: usize, mki: Option<Mki>) -> impl Strategy<Value = InlineKey> {
    (vec(any::<u8>(), len), option::of(lifetime()))
        .prop_map(move |(bytes, lifetime)| InlineKey::new(&bytes, lifetime, mki.clone()))
}

/// One key with or without an MKI, or several with MKIs that differ.
fn inline_keys(len: usize) -> impl Strategy<Value = Vec<InlineKey>> {
    let mki = vec(any::<u8>(), 1..=128).prop_map(|bytes| Mki::from_bytes(&bytes));
    let one = prop_oneof![Just(None), mki].prop_flat_map(move |mki| inline_key(len, mki));
    let several = (2..=32u128).prop_flat_map(move |count| {
        let keys = (0..count).map(|value| inline_key(len, Mki::new(value, 4)));
        keys.collect::<Vec<_>>()
    });
    prop_oneof![one.prop_map(|key| vec![key]), several]
}

fn session_parameter(len: usize) -> impl Strategy<Value = SessionParameter> {
    prop_oneof![
        (1..=24u8).prop_map(SessionParameter::KeyDerivationRate),
        Just(SessionParameter::UnencryptedSrtp),
        Just(SessionParameter::UnencryptedSrtcp),
        Just(SessionParameter::UnauthenticatedSrtp),
        select(vec![FecOrder::FecSrtp, FecOrder::SrtpFec]).prop_map(SessionParameter::FecOrder),
        inline_keys(len).prop_map(SessionParameter::FecKey),
        (64..=u64::MAX).prop_map(SessionParameter::WindowSizeHint),
    ]
}

fn crypto_attribute() -> impl Strategy<Value = CryptoAttribute> {
    let known =
        select(suites()).prop_map(|it| (CryptoSuite::Known(it), it.key_len() + it.salt_len()));
    let other = ("OTHER_[A-Za-z0-9_]{1,20}", 4..100usize)
        .prop_map(|(name, len)| (CryptoSuite::Other(name.into()), len));
    let parts = prop_oneof![known, other].prop_flat_map(|(suite, len)| {
        let parameters = vec(session_parameter(len), 0..=32);
        (
            0..1_000_000_000u32,
            Just(suite),
            inline_keys(len),
            parameters,
        )
    });
    parts.prop_filter_map("the same key twice", |(tag, suite, keys, parameters)| {
        let crypto = CryptoAttribute::new(tag, suite, keys, parameters);
        let repeated = matches!(crypto, Err(SdesError::RepeatedKey { .. }));
        (!repeated).then(|| crypto.unwrap())
    })
}

/// Text that gets far into the parser.
fn likely_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "1",
            "12:4",
            "2^20",
            " ",
            "|",
            ";",
            ":",
            "=",
            "AES_CM_128_HMAC_SHA1_80",
            "F8",
            "inline:",
            KEY,
            OTHER_KEY,
            "KDR=",
            "WSH=64",
            "UNENCRYPTED_SRTP",
            "FEC_KEY=",
            "-x",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    vec(piece, 0..20)
        .prop_map(|pieces| format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{}", pieces.concat()))
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(crypto in crypto_attribute()) {
        assert_eq!(parse(&crypto.to_string()), Ok(crypto));
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![".{0,200}", likely_text()]) {
        if let Ok(crypto) = parse(&text) {
            assert_eq!(parse(&crypto.to_string()), Ok(crypto));
        }
    }
}
