//! What holds for every packet, profile and option.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use srtp::{HeaderExtensions, Profile, RtpHeader};

use crate::common::{key, with_room};
use crate::{chosen, delivered, encrypting, open, packet, receiver, seal, sender};

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
