//! Hidden header extensions: RFC 6904 (chosen elements) and RFC 9335 (cryptex).
//!
//! Known answers stand with the others, in `vectors/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use srtp::{
    Config, ConfigError, ExtensionIds, HeaderExtensions, MasterKey, Profile, ProtectError,
    Receiver, RtpHeader, Sender, UnprotectError,
};

use common::{key, rtp, with_room};

fn config(hide: HeaderExtensions) -> Config {
    let mut config = Config::default();
    config.header_extensions = hide;
    config
}

fn sender(key: MasterKey, hide: HeaderExtensions) -> Sender {
    Sender::with_config(key, config(hide)).unwrap()
}

fn receiver(key: MasterKey, hide: HeaderExtensions) -> Receiver {
    Receiver::with_config(key, config(hide)).unwrap()
}

fn chosen(ids: &[u8]) -> HeaderExtensions {
    HeaderExtensions::Encrypted(ids.iter().copied().collect())
}

fn encrypting() -> impl Iterator<Item = Profile> {
    Profile::ALL.into_iter().filter(|it| it.encrypts())
}

/// An RTP packet: `extension` is empty or begins with profile and length.
fn packet(csrcs: usize, extension: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = rtp(0xcafe_babe, 0x1234, &[]);
    packet[0] |= csrcs as u8;
    if !extension.is_empty() {
        packet[0] |= 0x10;
    }
    packet.extend((0..4 * csrcs).map(|byte| byte as u8 ^ 0xc5));
    packet.extend(extension);
    packet.extend(payload);
    packet
}

/// What the receiver of `plain` gets back: under cryptex a CSRC list comes with an extension.
fn delivered(plain: &[u8], hide: HeaderExtensions) -> Vec<u8> {
    let header = RtpHeader::parse(plain).unwrap();
    let mut delivered = plain.to_vec();
    if hide == HeaderExtensions::Cryptex && header.csrc_count > 0 && !header.extension {
        delivered[0] |= 0x10;
        delivered.splice(header.len..header.len, [0xbe, 0xde, 0, 0]);
    }
    delivered
}

fn seal(sender: &mut Sender, plain: &[u8]) -> Vec<u8> {
    let (mut buf, len) = with_room(plain);
    buf.resize(buf.len() + 128, 0);
    let sealed = sender.protect_rtp(&mut buf, len).unwrap();
    assert!(
        buf[sealed..].iter().all(|&byte| byte == 0),
        "wrote behind the packet"
    );
    buf.truncate(sealed);
    buf
}

fn open(receiver: &mut Receiver, sealed: &[u8]) -> Result<Vec<u8>, UnprotectError> {
    let mut buf = sealed.to_vec();
    let len = receiver.unprotect_rtp(&mut buf)?;
    buf.truncate(len);
    Ok(buf)
}

mod properties {
    use super::*;

    fn profile() -> impl Strategy<Value = Profile> {
        select(encrypting().collect::<Vec<_>>())
    }

    fn hide() -> impl Strategy<Value = HeaderExtensions> {
        prop_oneof![
            Just(HeaderExtensions::Clear),
            Just(HeaderExtensions::Cryptex),
            vec(any::<u8>(), 0..8).prop_map(|ids| chosen(&ids)),
            vec(1..15u8, 0..8).prop_map(|ids| chosen(&ids)),
            Just(chosen(&(0..=255).collect::<Vec<_>>())),
        ]
    }

    /// Anything that is as long as it says; well-formed elements, too.
    fn extension() -> impl Strategy<Value = Vec<u8>> {
        let one_byte = (1..15u8, vec(any::<u8>(), 1..=16)).prop_map(|(id, data)| {
            let first = id << 4 | (data.len() - 1) as u8;
            [vec![first], data].concat()
        });
        let two_byte = (1..=255u8, vec(any::<u8>(), 0..40))
            .prop_map(|(id, data)| [vec![id, data.len() as u8], data].concat());
        let padding = || (0..3usize).prop_map(|len| vec![0; len]);
        let body = prop_oneof![
            vec(prop_oneof![one_byte, padding()], 0..8).prop_map(|it| (0xbede, it.concat())),
            vec(prop_oneof![two_byte, padding()], 0..8).prop_map(|it| (0x1000, it.concat())),
            vec(any::<u8>(), 0..60).prop_map(|it| (0xbede, it)),
            vec(any::<u8>(), 0..60).prop_map(|it| (0x1000, it)),
        ];
        let extension = body.prop_map(|(profile, mut body)| {
            body.resize(body.len().next_multiple_of(4), 0);
            let words = body.len() as u16 / 4;
            [&u16::to_be_bytes(profile)[..], &words.to_be_bytes(), &body].concat()
        });
        prop_oneof![1 => Just(vec![]), 6 => extension]
    }

    proptest! {
        /// Every profile, option, number of CSRCs and kind of extension, with and without MKI.
        #[test]
        fn what_was_protected_opens(
            profile in profile(),
            hide in hide(),
            csrcs in 0..16usize,
            extension in extension(),
            payload in vec(any::<u8>(), 0..100),
            mki in vec(any::<u8>(), 0..5),
        ) {
            let key = || match &*mki {
                [] => key(profile, 1),
                mki => key(profile, 1).with_mki(mki).unwrap(),
            };
            let plain = packet(csrcs, &extension, &payload);
            let sealed = seal(&mut sender(key(), hide), &plain);
            let expected = delivered(&plain, hide);
            assert_eq!(sealed.len(), expected.len() + profile.rtp_overhead() + mki.len());
            assert_eq!(sealed[1..12], plain[1..12], "the fixed header stays in the clear");
            assert_eq!(open(&mut receiver(key(), hide), &sealed), Ok(expected));
        }

        /// What Encrypted leaves readable is all that finding the elements reads: a receiver that
        /// hides nothing sees the same structure, and the bytes of other elements.
        #[test]
        fn only_data_of_chosen_elements_changes(
            profile in profile(),
            ids in vec(prop_oneof![1..16u8, any::<u8>()], 0..12),
            csrcs in 0..16usize,
            extension in extension(),
        ) {
            let plain = packet(csrcs, &extension, b"payload");
            let header = RtpHeader::parse(&plain).unwrap();
            let sealed = seal(&mut sender(key(profile, 1), chosen(&ids)), &plain);
            let clear = seal(&mut sender(key(profile, 1), HeaderExtensions::Clear), &plain);
            let may_change = places(&plain, &ids);
            for at in 0..header.len {
                assert!(sealed[at] == plain[at] || may_change.contains(&at), "byte {at}");
            }
            // The payload is hidden as ever.
            assert_eq!(sealed[header.len..][..7], clear[header.len..][..7]);
            assert_eq!(places(&sealed, &ids), may_change);
        }

        /// Cryptex hides the CSRC list and every element, and nothing else tells of them.
        #[test]
        fn cryptex_covers_csrcs_and_extension(
            profile in profile(),
            csrcs in 0..16usize,
            extension in extension(),
            other in any::<[u8; 4]>(),
            at in any::<Index>(),
        ) {
            let plain = packet(csrcs, &extension, b"payload");
            let header = RtpHeader::parse(&plain).unwrap();
            let seal = |plain: &[u8]| {
                seal(&mut sender(key(profile, 1), HeaderExtensions::Cryptex), plain)
            };
            let sealed = seal(&plain);
            // One key stream over all: what is XORed into the plain packet is in the sealed one.
            let word = 12 + 4 * csrcs;
            let hidden: Vec<_> = (12..word).chain(word + 4..header.len).collect();
            if header.extension && !hidden.is_empty() {
                let at = hidden[at.index(hidden.len())];
                let mut changed = plain.clone();
                changed[at] ^= other[0] | 1;
                let resealed = seal(&changed);
                assert_eq!(sealed[at] ^ resealed[at], plain[at] ^ changed[at]);
                assert_eq!(sealed[..at], resealed[..at]);
                let len = plain.len();
                assert_eq!(sealed[at + 1..len], resealed[at + 1..len]);
            }
            let kind = match extension.first() {
                Some(0x10) => [0xc2, 0xde],
                _ => [0xc0, 0xde],
            };
            if header.extension || csrcs > 0 {
                assert_eq!(sealed[word..word + 2], kind);
                assert_ne!(sealed[0] & 0x10, 0);
            }
        }

        /// Any flipped bit is refused and changes nothing.
        #[test]
        fn any_flipped_bit_is_refused(
            profile in profile(),
            hide in hide(),
            csrcs in 0..16usize,
            extension in extension(),
            mki in any::<bool>(),
        ) {
            let key = || match mki {
                false => key(profile, 1),
                true => key(profile, 1).with_mki(&[1, 2]).unwrap(),
            };
            let plain = packet(csrcs, &extension, b"payload");
            let sealed = seal(&mut sender(key(), hide), &plain);
            let mut receiver = receiver(key(), hide);
            for bit in 0..8 * sealed.len() {
                let mut forged = sealed.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(receiver.unprotect_rtp(&mut forged).is_err(), "bit {bit}");
            }
            assert_eq!(receiver.rtp_streams(), 0);
            assert_eq!(open(&mut receiver, &sealed), Ok(delivered(&plain, hide)));
        }

        /// Arbitrary bytes: no panic, and none behind the packet touched.
        #[test]
        fn arbitrary_packets(
            profile in profile(),
            hide in hide(),
            mut bytes in vec(any::<u8>(), 12..120),
            kind in select(vec![0xbedeu16, 0x1000, 0x1003, 0xc0de, 0xc2de, 0]),
            words in 0..20u16,
        ) {
            bytes[0] = 0x90 | bytes[0] & 0x0f;
            let at = 12 + 4 * usize::from(bytes[0] & 0x0f);
            if let Some(word) = bytes.get_mut(at..at + 4) {
                word[..2].copy_from_slice(&kind.to_be_bytes());
                word[2..].copy_from_slice(&words.to_be_bytes());
            }
            let mut receiver = receiver(key(profile, 1), hide);
            assert!(receiver.unprotect_rtp(&mut bytes.clone()).is_err());
            let mut sender = sender(key(profile, 1), hide);
            let before = bytes.clone();
            let (mut buf, len) = with_room(&bytes);
            match sender.protect_rtp(&mut buf, len) {
                Ok(sealed) => {
                    buf.truncate(sealed);
                    // The kinds of cryptex, given by a caller that does not hide, mean cryptex.
                    if !matches!(kind, 0xc0de | 0xc2de) {
                        assert_eq!(open(&mut receiver, &buf), Ok(delivered(&before, hide)));
                    }
                }
                Err(_) => assert_eq!(buf[..len], before),
            }
        }
    }

    /// Where the data of elements with `ids` stands, found as RFC 8285 has it.
    fn places(packet: &[u8], ids: &[u8]) -> Vec<usize> {
        let header = RtpHeader::parse(packet).unwrap();
        let word = 12 + 4 * usize::from(header.csrc_count);
        let mut places = vec![];
        if !header.extension {
            return places;
        }
        let one_byte = packet[word] == 0xbe;
        let mut at = word + 4;
        while at < header.len {
            let (id, data) = match (packet[at], one_byte) {
                (0, _) => {
                    at += 1;
                    continue;
                }
                (first, true) if matches!(first >> 4, 0 | 15) => break,
                (first, true) => (first >> 4, at + 1..at + 2 + usize::from(first & 15)),
                (_, false) if at + 1 == header.len => break,
                (id, false) => (id, at + 2..at + 2 + usize::from(packet[at + 1])),
            };
            if data.end > header.len {
                break;
            }
            at = data.end;
            if ids.contains(&id) {
                places.extend(data);
            }
        }
        places
    }
}

#[test]
fn a_receiver_of_cryptex_takes_both_kinds() {
    let extension = [0xbe, 0xde, 0, 1, 0x11, 7, 8, 0];
    for profile in encrypting() {
        let mut receiver = receiver(key(profile, 1), HeaderExtensions::Cryptex);
        for (ssrc, hide) in [
            (1, HeaderExtensions::Clear),
            (2, HeaderExtensions::Cryptex),
            (3, HeaderExtensions::Clear),
        ] {
            for csrcs in [0, 3] {
                for extension in [&[][..], &extension] {
                    let mut plain = packet(csrcs, extension, b"payload");
                    plain[8] = ssrc;
                    plain[9] = (2 * csrcs + extension.len()) as u8;
                    let sealed = seal(&mut sender(key(profile, 1), hide), &plain);
                    assert_eq!(open(&mut receiver, &sealed), Ok(delivered(&plain, hide)));
                }
            }
        }
    }
}

/// Without the setting, a packet of cryptex is one with an unknown kind of extension. AES-CM
/// authenticates it as any other and decrypts from the payload on. AEAD associates other bytes.
#[test]
fn a_receiver_without_cryptex() {
    let plain = packet(2, &[0xbe, 0xde, 0, 1, 0x11, 7, 8, 0], b"payload");
    for profile in encrypting() {
        let sealed = seal(
            &mut sender(key(profile, 1), HeaderExtensions::Cryptex),
            &plain,
        );
        let found = open(
            &mut receiver(key(profile, 1), HeaderExtensions::Clear),
            &sealed,
        );
        match profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                assert_eq!(found, Err(UnprotectError::WrongTag));
            }
            _ => assert_eq!(found.unwrap()[..28], sealed[..28]),
        }
    }
}

#[test]
fn cryptex_refuses_what_it_cannot_hide() {
    for profile in [0x0000, 0x1001, 0x100f, 0x1010, 0xbedf, 0xc0de, 0xc2de] {
        let extension = [&u16::to_be_bytes(profile)[..], &[0, 1, 1, 2, 3, 4]].concat();
        let plain = packet(1, &extension, b"payload");
        let mut sender = sender(key(Profile::AeadAes128Gcm, 1), HeaderExtensions::Cryptex);
        let (mut buf, len) = with_room(&plain);
        let refused = sender.protect_rtp(&mut buf, len);
        assert_eq!(refused, Err(ProtectError::HeaderExtension { profile }));
        assert_eq!(buf[..len], plain);
        assert_eq!(sender.stats().header_extension, 1);
        assert_eq!(sender.rtp_streams(), 0);
    }
}

#[test]
fn a_profile_that_does_not_encrypt_hides_nothing() {
    for profile in Profile::ALL.into_iter().filter(|it| !it.encrypts()) {
        for hide in [HeaderExtensions::Cryptex, chosen(&[1])] {
            let expected = ConfigError::NotEncrypting { profile };
            let refused = Sender::with_config(key(profile, 1), config(hide)).err();
            assert_eq!(refused, Some(expected));
            let refused = Receiver::with_config(key(profile, 1), config(hide)).err();
            assert_eq!(refused, Some(expected));
        }
        assert!(Sender::with_config(key(profile, 1), config(HeaderExtensions::Clear)).is_ok());
    }
}

/// The empty extension needs room of its own, and one byte less is refused with nothing changed.
#[test]
fn room_for_the_empty_extension() {
    for profile in encrypting() {
        let plain = packet(15, &[], b"payload");
        let needed = plain.len() + 4 + profile.rtp_overhead();
        let mut sender = sender(key(profile, 1), HeaderExtensions::Cryptex);
        for available in plain.len()..needed {
            let mut buf = plain.clone();
            buf.resize(available, 0);
            let refused = sender.protect_rtp(&mut buf, plain.len());
            assert_eq!(refused, Err(ProtectError::NoRoom { needed, available }));
            assert_eq!(buf[..plain.len()], plain);
        }
        let mut buf = plain.clone();
        buf.resize(needed, 0);
        assert_eq!(sender.protect_rtp(&mut buf, plain.len()), Ok(needed));
        assert_eq!(sender.rtp_overhead(), needed - plain.len());
    }
}

#[test]
fn a_packet_in_bytes_grows_by_the_empty_extension() {
    let hide = HeaderExtensions::Cryptex;
    for profile in encrypting() {
        let (mut sender, mut receiver) = (
            sender(key(profile, 1), hide),
            receiver(key(profile, 1), hide),
        );
        for (number, csrcs) in [(0, 2), (1, 0)] {
            let mut plain = packet(csrcs, &[], b"payload");
            plain[3] = number;
            let mut bytes = BytesMut::from(&*plain);
            sender.protect_rtp_bytes(&mut bytes).unwrap();
            let growth = if csrcs > 0 { 4 } else { 0 };
            assert_eq!(bytes.len(), plain.len() + growth + profile.rtp_overhead());
            receiver.unprotect_rtp_bytes(&mut bytes).unwrap();
            assert_eq!(bytes, delivered(&plain, hide));
        }
    }
}

/// The longest extension, of the shortest elements.
#[test]
fn an_extension_of_a_whole_datagram() {
    for profile in encrypting() {
        let words = (65_535 - 16 - profile.rtp_overhead()) / 4;
        let mut extension = [&[0x10, 0][..], &(words as u16).to_be_bytes()].concat();
        extension.extend([1, 1, 0xaa].into_iter().cycle().take(4 * words));
        let plain = packet(0, &extension, &[]);
        for hide in [chosen(&[1]), HeaderExtensions::Cryptex] {
            let sealed = seal(&mut sender(key(profile, 1), hide), &plain);
            assert_ne!(sealed[18], 0xaa);
            assert_eq!(
                open(&mut receiver(key(profile, 1), hide), &sealed),
                Ok(plain.clone())
            );
        }
    }
}

/// A new key hides under new keys of header extensions, and both sides go on.
#[test]
fn keys_change_with_hidden_extensions() {
    let ids = ExtensionIds::default().with(1);
    let extension = [0xbe, 0xde, 0, 2, 0x15, 1, 2, 3, 4, 5, 6, 0];
    for profile in encrypting() {
        for hide in [HeaderExtensions::Cryptex, HeaderExtensions::Encrypted(ids)] {
            let numbered = |number| key(profile, number).with_mki(&[number]).unwrap();
            let mut sender = sender(numbered(1), hide);
            let mut receiver = receiver(numbered(1), hide);
            receiver.add_key(numbered(2)).unwrap();
            let mut plain = packet(1, &extension, b"payload");
            let first = seal(&mut sender, &plain);
            assert_eq!(open(&mut receiver, &first), Ok(plain.clone()));
            sender.change_key(numbered(2)).unwrap();
            plain[3] += 1;
            let second = seal(&mut sender, &plain);
            assert_eq!(open(&mut receiver, &second), Ok(plain.clone()));
            assert_ne!(first[21..26], second[21..26]);
        }
    }
}
