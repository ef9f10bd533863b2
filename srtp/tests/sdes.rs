//! `a=crypto`: the examples of RFC 4568, what it forbids, and the keys that come of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use srtp::{
    Config, CryptoAttribute, CryptoSuite, FecOrder, InlineKey, KeyError, Lifetime, MasterKey, Mki,
    Profile, Receiver, SdesError, SdesKeyError, Sender, SessionParameter,
};

use common::sdes::{KEY, OTHER_KEY, suites};
use common::{outside, rtp, with_room};

/// 30 other bytes, the last of which is another.
const FEC_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";

fn parse(text: &str) -> Result<CryptoAttribute, SdesError> {
    text.parse()
}

/// An attribute of the usual suite with these key-params and session-params.
fn with(rest: &str) -> Result<CryptoAttribute, SdesError> {
    parse(&format!("1 AES_CM_128_HMAC_SHA1_80 {rest}"))
}

/// RFC 4568 §4, §6.1 and §9: each reads and prints as it stands.
#[test]
fn examples_of_rfc_4568_print_as_they_stand() {
    for text in [
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
        "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32",
        "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4",
        "2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
         inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP",
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn fields_are_typed() {
    let crypto = with(&format!(
        "inline:{KEY}|2^20|1:4;inline:{OTHER_KEY}|1000000|258:4 KDR=3 UNENCRYPTED_SRTP \
         unencrypted_srtcp UNAUTHENTICATED_SRTP FEC_ORDER=SRTP_FEC FEC_KEY=inline:{FEC_KEY} WSH=128 \
         -later=1"
    ))
    .unwrap();
    assert_eq!(crypto.tag(), 1);
    let suite = CryptoSuite::Known(Profile::AesCm128HmacSha1_80);
    assert_eq!(*crypto.suite(), suite);
    let [first, second] = crypto.keys() else {
        panic!("two keys");
    };
    assert_eq!(first.lifetime(), Some(Lifetime::PowerOfTwo(20)));
    assert_eq!(first.lifetime().unwrap().packets(), 1_048_576);
    assert_eq!(second.lifetime(), Some(Lifetime::Packets(1_000_000)));
    assert_eq!(second.mki(), Mki::new(258, 4).as_ref());
    let fec_key = InlineKey::new(&[[0; 29].as_slice(), &[1]].concat(), None, None);
    let [known @ .., SessionParameter::Extension(later)] = crypto.session_parameters() else {
        panic!("an extension at the end");
    };
    assert_eq!(
        known,
        [
            SessionParameter::KeyDerivationRate(3),
            SessionParameter::UnencryptedSrtp,
            SessionParameter::UnencryptedSrtcp,
            SessionParameter::UnauthenticatedSrtp,
            SessionParameter::FecOrder(FecOrder::SrtpFec),
            SessionParameter::FecKey(vec![fec_key]),
            SessionParameter::WindowSizeHint(128),
        ]
    );
    assert_eq!((later.as_str(), later.is_optional()), ("-later=1", true));
}

#[test]
fn what_rfc_4568_forbids_is_refused() {
    let key = |rest: &str| with(&format!("inline:{KEY}{rest}")).unwrap_err();
    assert_eq!(parse(""), Err(SdesError::Tag));
    assert_eq!(parse("1234567890 X inline:AAAA"), Err(SdesError::Tag));
    assert_eq!(parse("+1 X inline:AAAA"), Err(SdesError::Tag));
    assert_eq!(parse("01 X inline:AAAA"), Err(SdesError::Tag));
    assert_eq!(parse("1"), Err(SdesError::Suite));
    assert_eq!(parse("1 A-B inline:AAAA"), Err(SdesError::Suite));
    assert_eq!(parse("1 X"), Err(SdesError::MissingKey));
    assert_eq!(parse("1 X inline:"), Err(SdesError::KeySalt { key: 0 }));
    assert_eq!(with("uri:x"), Err(SdesError::KeyMethod { key: 0 }));
    assert_eq!(with("inline:A*=="), Err(SdesError::KeySalt { key: 0 }));
    assert_eq!(
        with("inline:AAAA"),
        Err(SdesError::KeyLength {
            key: 0,
            profile: Profile::AesCm128HmacSha1_80,
            expected: 30,
            found: 3,
        })
    );
    for lifetime in [
        "|",
        "|0",
        "|2^49",
        "|2^",
        "|2^020",
        "|020",
        "|281474976710657",
        "|x",
    ] {
        assert_eq!(key(lifetime), SdesError::Lifetime { key: 0 }, "{lifetime}");
    }
    for mki in [
        "|1:0", "|1:129", "|256:1", "|:4", "|1:", "|1:0001", "|1:04", "|01:4", "|2^20|1", "|-1:4",
    ] {
        assert_eq!(key(mki), SdesError::Mki { key: 0 }, "{mki}");
    }
    assert_eq!(key("|1:4|2^20"), SdesError::KeyFields { key: 0 });
    for keys in ["", "|1:4", "|2:4"] {
        let second = format!(";inline:{OTHER_KEY}{keys}");
        assert_eq!(key(&second), SdesError::AmbiguousMki, "{keys}");
    }
    for others in ["|1:4", "|2:8", ""] {
        let both = format!("|1:4;inline:{OTHER_KEY}{others}");
        assert_eq!(key(&both), SdesError::AmbiguousMki, "{others}");
    }
    for parameter in [
        "KDR=0",
        "KDR=01",
        "KDR=25",
        "KDR",
        "WSH=63",
        "WSH=064",
        "-",
        "--later",
        "FEC_ORDER=X",
        "UNENCRYPTED_SRTP=1",
        "\u{e9}",
    ] {
        let refused = key(&format!(" {parameter}"));
        assert_eq!(
            refused,
            SdesError::SessionParameter { at: 0 },
            "{parameter}"
        );
    }
    assert_eq!(key(" FEC_KEY=x"), SdesError::KeyMethod { key: 0 });
}

#[test]
fn a_profile_without_a_name_in_sdes_is_no_suite() {
    let suite = CryptoSuite::Known(Profile::NullHmacSha1_80);
    let keys = vec![InlineKey::new(&[1; 30], None, None)];
    let refused = CryptoAttribute::new(1, suite, keys, vec![]);
    assert_eq!(refused, Err(SdesError::Suite));
    let other = CryptoSuite::Other("SRTP_NULL_HMAC_SHA1_80".into());
    assert_eq!("SRTP_NULL_HMAC_SHA1_80".parse(), Ok(other));
}

/// RFC 4568 §6.1, §6.3.5: each key is another one.
#[test]
fn repeated_keys_are_refused() {
    let repeated = |key| Err(SdesError::RepeatedKey { key });
    let keys = format!("inline:{KEY}|1:4;inline:{OTHER_KEY}|2:4");
    assert_eq!(with(&format!("{keys};inline:{KEY}|3:4")), repeated(2));
    assert!(with(&format!("{keys} FEC_KEY=inline:{FEC_KEY}")).is_ok());
    let fec_keys = format!("FEC_KEY=inline:{FEC_KEY}|1:4;inline:{OTHER_KEY}|2:4");
    assert_eq!(with(&format!("{keys} {fec_keys}")), repeated(1));
    let fec_keys = format!("FEC_KEY=inline:{FEC_KEY}|1:4;inline:{FEC_KEY}|2:4");
    assert_eq!(with(&format!("{keys} {fec_keys}")), repeated(1));
}

/// The MKI is a number of up to 128 bytes (RFC 4568 §6.1).
#[test]
fn an_mki_has_up_to_128_bytes() {
    let mki = |text: &str| {
        let crypto = with(&format!("inline:{KEY}|{text}"))?;
        assert_eq!(crypto.to_string().rsplit('|').next(), Some(text));
        Ok(crypto.keys()[0].mki().unwrap().as_bytes().to_vec())
    };
    let refused = Err(SdesError::Mki { key: 0 });
    // 2^64, 2^128 and 2^1024, each less one and as it is.
    for (largest, next, len) in [
        ("18446744073709551615", "18446744073709551616", 8),
        (
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211456",
            16,
        ),
    ] {
        assert_eq!(mki(&format!("{largest}:{len}")), Ok(vec![0xff; len]));
        assert_eq!(mki(&format!("{next}:{len}")), refused);
        let longer = [&[1], &vec![0; len][..]].concat();
        assert_eq!(mki(&format!("{next}:{}", len + 1)), Ok(longer));
    }
    let greatest = Mki::from_bytes(&[0xff; 128]).unwrap().to_string();
    assert!(greatest.starts_with("17976931348623159077") && greatest.ends_with("137215:128"));
    assert_eq!(mki(&greatest), Ok(vec![0xff; 128]));
    assert_eq!(mki(&greatest.replace("5:128", "6:128")), refused);
    assert_eq!(mki(&format!("1{greatest}")), refused);
    assert_eq!(mki("0:4"), Ok(vec![0; 4]));
    assert_eq!(Mki::new(256, 1), None);
    assert_eq!(Mki::new(1, 0), None);
    assert_eq!(Mki::new(1, 129), None);
    assert_eq!(Mki::new(u128::MAX, 16), Mki::from_bytes(&[0xff; 16]));
    assert_eq!(Mki::new(7, 20).unwrap().to_string(), "7:20");
}

#[test]
fn counts_are_bounded() {
    let keys = vec![format!("inline:{KEY}"); 33].join(";");
    assert_eq!(with(&keys), Err(SdesError::TooManyKeys { limit: 32 }));
    let parameters = vec!["WSH=64"; 33].join(" ");
    assert_eq!(
        with(&format!("inline:{KEY} {parameters}")),
        Err(SdesError::TooManySessionParameters { limit: 32 })
    );
}

#[test]
fn padding_white_space_and_case_matter_not() {
    let padded = parse("1\tAEAD_AES_128_GCM  INLINE:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q== ");
    let bare = parse("1 aead_aes_128_gcm inline:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q");
    assert_eq!(padded.as_ref().unwrap(), bare.as_ref().unwrap());
    let line = parse("1 AEAD_AES_128_GCM inline:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q\r\n");
    assert_eq!(
        line.as_ref(),
        bare.as_ref(),
        "as it is cut out of a description"
    );
    assert!(parse("1 AEAD_AES_128_GCM\r\n inline:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q").is_err());
    assert_eq!(
        bare.unwrap().to_string(),
        "1 AEAD_AES_128_GCM inline:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q=="
    );
}

#[test]
fn a_master_key_is_made_of_what_packets_can_follow() {
    let key = |rest: &str| MasterKey::try_from(&with(&format!("inline:{KEY}{rest}")).unwrap());
    for usable in ["", "|2^31", " WSH=128 -later FEC_ORDER=FEC_SRTP"] {
        assert!(key(usable).is_ok(), "{usable}");
    }
    assert_eq!(key("|258:4").unwrap().mki(), Some(&[0, 0, 1, 2][..]));
    assert_eq!(key("|1:20").unwrap().mki().map(<[u8]>::len), Some(20));
    let two = with(&format!("inline:{KEY}|1:1;inline:{OTHER_KEY}|2:1")).unwrap();
    assert_eq!(
        MasterKey::try_from(&two).err(),
        Some(SdesKeyError::SeveralKeys { count: 2 })
    );
    let keys = two.master_keys().unwrap();
    let mkis: Vec<_> = keys.iter().map(MasterKey::mki).collect();
    assert_eq!(mkis, [Some(&[1][..]), Some(&[2][..])]);
    for at_1 in [
        "later",
        "KDR=1",
        "UNENCRYPTED_SRTP",
        "UNENCRYPTED_SRTCP",
        "UNAUTHENTICATED_SRTP",
    ] {
        let refused = key(&format!(" WSH=64 {at_1}")).err();
        assert_eq!(
            refused,
            Some(SdesKeyError::SessionParameter { at: 1 }),
            "{at_1}"
        );
    }
    let f8 = parse(&format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
    assert_eq!(
        MasterKey::try_from(&f8).err(),
        Some(SdesKeyError::UnknownSuite)
    );
    let short = InlineKey::new(&[1; 3], None, None).master_key(Profile::AeadAes128Gcm);
    assert!(matches!(short, Err(KeyError::KeyLength { found: 3, .. })));
}

/// WSH is a hint of any size; what is made of it is a replay window.
#[test]
fn a_hint_for_the_window_fits_the_settings() {
    for (parameters, window) in [
        ("", None),
        ("KDR=1 -later", None),
        ("-later WSH=64", Some(64)),
        ("WSH=1024", Some(1024)),
        ("WSH=32768", Some(32_767)),
        ("WSH=18446744073709551615", Some(32_767)),
    ] {
        let crypto = with(&format!("inline:{KEY} {parameters}")).unwrap();
        assert_eq!(crypto.window_size_hint(), window, "{parameters}");
        let mut config = Config::default();
        config.rtp_window = crypto.window_size_hint().unwrap_or(config.rtp_window);
        let key = crypto.keys()[0].master_key(Profile::AesCm128HmacSha1_80);
        assert!(Receiver::with_config(key.unwrap(), config).is_ok());
    }
}

/// The key stands before the salt: packets under the parsed key open under its two parts.
#[test]
fn the_parsed_key_is_the_one_of_the_packets() {
    let crypto = with(&format!("inline:{KEY}")).unwrap();
    let mut sender = Sender::new(MasterKey::try_from(&crypto).unwrap());
    // Key and salt of the RFC's example, decoded by other means.
    let key = hex::decode("774466766726542b2978473740666235").unwrap();
    let salt = hex::decode("6a552c5261417d5c7c7030252a23").unwrap();
    let key = MasterKey::new(Profile::AesCm128HmacSha1_80, &key, &salt).unwrap();
    let plain = rtp(7, 1, b"payload");
    let (mut buf, len) = with_room(&plain);
    let sealed = sender.protect_rtp(&mut buf, len).unwrap();
    assert_eq!(
        Receiver::new(key).unprotect_rtp(&mut buf[..sealed]),
        Ok(len)
    );
    assert_eq!(buf[..len], plain);
}

#[test]
fn debug_and_errors_show_no_secret() {
    let text = format!("inline:{KEY}|2^20 FEC_KEY=inline:{OTHER_KEY} x=hidden");
    let shown = format!("{:?}", with(&text).unwrap());
    for secret in [KEY, OTHER_KEY, "hidden", "119, 68"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let refused = with(&format!("inlin:{KEY}")).unwrap_err();
    assert!(!format!("{refused:?} {refused}").contains(KEY));
}

/// Each suite of the outside table takes its length of key and salt and no other.
#[test]
fn outside_suites() {
    let Some(path) = outside("vectors/srtp/srtp_parameters.json") else {
        return;
    };
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut known = 0;
    for row in file["rows"].as_array().unwrap() {
        let Some(name) = row["sdes"].as_str() else {
            continue;
        };
        let suite: CryptoSuite = name.parse().unwrap();
        assert_eq!(suite.to_string(), name);
        if suite == CryptoSuite::Other(name.into()) {
            continue;
        }
        known += 1;
        let needed = row["key"].as_u64().unwrap() + row["salt"].as_u64().unwrap();
        for len in 1..=60 {
            let keys = vec![InlineKey::new(&vec![5; len], None, None)];
            let crypto = CryptoAttribute::new(1, suite.clone(), keys, vec![]);
            assert_eq!(crypto.is_ok(), len as u64 == needed, "{name} {len}");
            if let Ok(crypto) = crypto {
                assert_eq!(parse(&crypto.to_string()), Ok(crypto.clone()));
                assert!(MasterKey::try_from(&crypto).is_ok());
            }
        }
    }
    assert_eq!(known, suites().len());
}
