//! Arbitrary bytes as plain packets, with every profile and option: what is protected opens to what
//! it was, under another reading of header extensions it opens or is refused, and what is refused
//! is left as it was.
//!
//! Input: two bytes that choose, then the packet. First byte: bit 0 is RTP or RTCP, bits 1 to 3 the
//! profile, bits 4 and 5 what the sender hides of header extensions, bits 6 and 7 what another receiver
//! thinks. Second byte: the length of the MKI, 0 to 128.
#![no_main]

use libfuzzer_sys::fuzz_target;
use srtp::{
    Config, HeaderExtensions, MasterKey, Profile, ProtectError, Receiver, RtpHeader, Sender,
    TRAILER_MAX,
};

fn key(profile: Profile, mki_len: u8) -> MasterKey {
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let new = match profile.encrypts() {
        true => MasterKey::new,
        false => MasterKey::new_unencrypted,
    };
    let key = new(profile, &key, &salt).expect("lengths are the profile's");
    match mki_len {
        0 => key,
        len => {
            let mki: Vec<u8> = (0..len).collect();
            key.with_mki(&mki).expect("a length that is allowed")
        }
    }
}

fn config(profile: Profile, choice: u8) -> Config {
    let mut config = Config::default();
    config.header_extensions = match choice & 3 {
        1 if profile.encrypts() => HeaderExtensions::Cryptex,
        2 if profile.encrypts() => HeaderExtensions::Encrypted([1, 3].into_iter().collect()),
        3 if profile.encrypts() => HeaderExtensions::Encrypted((1..=255).collect()),
        _ => HeaderExtensions::Clear,
    };
    config
}

/// What comes back: under cryptex a CSRC list comes with an extension (RFC 9335 §5).
fn delivered(plain: &[u8], hidden: HeaderExtensions) -> Vec<u8> {
    let header = RtpHeader::parse(plain).expect("it was protected");
    let mut delivered = plain.to_vec();
    if hidden == HeaderExtensions::Cryptex && header.csrc_count > 0 && !header.extension {
        delivered[0] |= 0x10;
        delivered.splice(header.len..header.len, [0xbe, 0xde, 0, 0]);
    }
    delivered
}

/// Whether the extension is of a kind that cryptex gives (RFC 9335 §5): a caller who sends such a
/// one is understood so.
fn is_cryptex(plain: &[u8]) -> bool {
    let at = 12 + 4 * usize::from(plain[0] & 0x0f);
    plain[0] & 0x10 != 0 && matches!(plain.get(at..at + 2), Some([0xc0 | 0xc2, 0xde]))
}

fuzz_target!(|data: &[u8]| {
    let Some(([choice, mki_len], plain)) = data.split_first_chunk() else {
        return;
    };
    let (rtcp, mki_len) = (choice & 1 != 0, mki_len % 129);
    let profile = Profile::ALL[usize::from(choice >> 1 & 7)];
    let hidden = config(profile, choice >> 4);
    let mut sender = Sender::with_config(key(profile, mki_len), hidden).expect("as it may be");
    let mut buf = plain.to_vec();
    buf.resize(plain.len() + TRAILER_MAX + 128 + 4, 0);
    let before = buf.clone();
    let sealed = match rtcp {
        false => sender.protect_rtp(&mut buf, plain.len()),
        true => sender.protect_rtcp(&mut buf, plain.len()),
    };
    let sealed = match sealed {
        Ok(sealed) => sealed,
        Err(error) => {
            assert_ne!(error, ProtectError::Rejected);
            assert_eq!(buf, before);
            assert_eq!(sender.rtp_streams(), 0);
            return;
        }
    };
    assert_eq!(buf[sealed..], before[sealed..], "wrote behind the packet");
    let expected = match rtcp {
        false => delivered(plain, hidden.header_extensions),
        true => plain.to_vec(),
    };
    for choice in [choice >> 4, choice >> 6] {
        let config = config(profile, choice);
        let mut receiver =
            Receiver::with_config(key(profile, mki_len), config).expect("as it may be");
        let mut packet = buf[..sealed].to_vec();
        let opened = match rtcp {
            false => receiver.unprotect_rtp(&mut packet),
            true => receiver.unprotect_rtcp(&mut packet),
        };
        if config == hidden && (rtcp || !is_cryptex(plain)) {
            assert_eq!(opened.map(|len| &packet[..len]), Ok(&expected[..]));
        }
    }
});
