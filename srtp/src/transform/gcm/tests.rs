//! The packets of RFC 7714 §16 and §17. They give session keys, so they are tested here, below
//! the key derivation.

use super::*;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";

/// §16: the plain packet; SSRC 5501a0b2, sequence number f17b, roll-over counter 0.
const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e20\
                   7061727465732074726573";
const RTP_ID: PacketId = PacketId {
    ssrc: 0x5501_a0b2,
    index: 0xf17b,
};

/// §17: the plain packet; SSRC 4d617273, index 5d4.
const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbee\
                    fdeadbeefdeadbeefdeadbeef";
const RTCP_SSRC: u32 = 0x4d61_7273;

fn gcm(key_len: usize) -> Gcm {
    let key = hex::decode(&KEY[..2 * key_len]).unwrap();
    Gcm::new(&SessionKeys::from_parts(&key, &hex::decode(SALT).unwrap())).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Seals `plain` to `sealed` and opens it again; then any changed byte is refused.
fn check_rtp(key_len: usize, clear_len: usize, sealed: &str) {
    let (plain, sealed) = (bytes(RTP), bytes(sealed));
    let mut buf = plain.clone();
    buf.resize(plain.len() + TAG_LEN, 0);
    gcm(key_len).seal_rtp(&mut buf, clear_len, RTP_ID).unwrap();
    assert_eq!(hex::encode(&buf), hex::encode(&sealed));
    gcm(key_len).open_rtp(&mut buf, clear_len, RTP_ID).unwrap();
    assert_eq!(buf[..plain.len()], plain);
    for at in 0..sealed.len() {
        let mut forged = sealed.clone();
        forged[at] ^= 1;
        assert_eq!(
            gcm(key_len).open_rtp(&mut forged, clear_len, RTP_ID),
            Err(WrongTag)
        );
    }
}

fn check_rtcp(key_len: usize, encrypted: bool, sealed: &str) {
    let word = RtcpWord {
        encrypted,
        index: 0x5d4,
    };
    let (plain, sealed) = (bytes(RTCP), bytes(sealed));
    let mut buf = plain.clone();
    buf.resize(plain.len() + TAG_LEN + RTCP_INDEX_LEN, 0);
    gcm(key_len).seal_rtcp(&mut buf, RTCP_SSRC, word).unwrap();
    assert_eq!(hex::encode(&buf), hex::encode(&sealed));
    gcm(key_len).open_rtcp(&mut buf, RTCP_SSRC, word).unwrap();
    assert_eq!(buf[..plain.len()], plain);
    for at in 0..sealed.len() - RTCP_INDEX_LEN {
        let mut forged = sealed.clone();
        forged[at] ^= 1;
        assert_eq!(
            gcm(key_len).open_rtcp(&mut forged, RTCP_SSRC, word),
            Err(WrongTag)
        );
    }
    for other in [
        RtcpWord {
            index: 0x5d5,
            ..word
        },
        RtcpWord {
            encrypted: !encrypted,
            ..word
        },
    ] {
        let opened = gcm(key_len).open_rtcp(&mut sealed.clone(), RTCP_SSRC, other);
        assert_eq!(opened, Err(WrongTag));
    }
}

#[test]
fn rfc7714_16_1_aes_128_rtp() {
    let encrypted = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5\
                     f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce";
    check_rtp(16, 12, encrypted);
    let tagged = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e2070\
                  61727465732074726573\
                  22493f82d2bce397e9d79e3b19aa4216";
    check_rtp(16, bytes(RTP).len(), tagged);
}

#[test]
fn rfc7714_16_2_aes_256_rtp() {
    let encrypted = "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b\
                     2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13";
    check_rtp(32, 12, encrypted);
    let tagged = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e2070\
                  61727465732074726573\
                  a866d5910f887463067ceefec45215d4";
    check_rtp(32, bytes(RTP).len(), tagged);
}

#[test]
fn rfc7714_17_rtcp() {
    let aes_128 = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda\
                   4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4";
    check_rtcp(16, true, aes_128);
    let aes_256 = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be\
                   8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4";
    check_rtcp(32, true, aes_256);
    let aes_128_tagged = format!("{RTCP}841dd9683dd78ec92ae58790125f62b3000005d4");
    check_rtcp(16, false, &aes_128_tagged);
    let aes_256_tagged = format!("{RTCP}91db4afbfeee5a978fab4393ed2615fe000005d4");
    check_rtcp(32, false, &aes_256_tagged);
}
