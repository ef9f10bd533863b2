//! What holds for every packet and every profile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use srtp::{
    Config, Malformed, Profile, ProtectError, Receiver, RtpHeader, Sender, UnprotectError, is_rtcp,
    is_rtp_or_rtcp,
};

use common::setup::{Kind, Setup};
use common::{key, rtcp, rtp, with_room};

fn profile() -> impl Strategy<Value = Profile> {
    select(Profile::ALL.to_vec())
}

/// A well-formed RTP packet: any CSRC count, with or without extension, any payload.
fn rtp_packet() -> impl Strategy<Value = Vec<u8>> {
    let extension = prop_oneof![Just(None), vec(any::<[u8; 4]>(), 0..40).prop_map(Some)];
    let payload = prop_oneof![vec(any::<u8>(), 0..64), vec(any::<u8>(), 0..1500)];
    (
        any::<[u8; 12]>(),
        vec(any::<[u8; 4]>(), 0..=15),
        extension,
        payload,
    )
        .prop_map(|(mut fixed, csrc, extension, payload)| {
            fixed[0] = 0x80 | fixed[0] & 0x20 | csrc.len() as u8;
            if extension.is_some() {
                fixed[0] |= 0x10;
            }
            let mut packet = fixed.to_vec();
            packet.extend(csrc.as_flattened());
            if let Some(words) = extension {
                packet.extend([0xbe, 0xde, 0, words.len() as u8]);
                packet.extend(words.as_flattened());
            }
            packet.extend(payload);
            packet
        })
}

fn rtcp_packet() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 8..400).prop_map(|mut packet| {
        packet[0] = 0x80 | packet[0] & 0x3f;
        packet
    })
}

fn both(profile: Profile) -> (Sender, Receiver) {
    (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)))
}

proptest! {
    #[test]
    fn what_was_protected_opens(profile in profile(), plain in rtp_packet()) {
        let (mut sender, mut receiver) = both(profile);
        let (mut buf, len) = with_room(&plain);
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        assert_eq!(sealed, len + profile.rtp_overhead());
        assert!(buf[sealed..].iter().all(|&byte| byte == 0), "wrote behind the packet");
        let header = RtpHeader::parse(&plain).unwrap().len;
        assert_eq!(buf[..header], plain[..header], "the header stays in the clear");
        if !profile.encrypts() {
            assert_eq!(buf[..len], plain);
        } else if len - header >= 16 {
            assert_ne!(buf[header..len], plain[header..], "the payload does not");
        }
        assert_eq!(receiver.unprotect_rtp(&mut buf[..sealed]), Ok(len));
        assert_eq!(buf[..len], plain);
    }

    #[test]
    fn what_was_protected_opens_rtcp(setup in select(Setup::all()), plain in rtcp_packet()) {
        let (mut sender, mut receiver) = (setup.sender(), setup.receiver());
        for index in 0..3 {
            let sealed = Kind::Rtcp.seal(&mut sender, &plain);
            assert_eq!(sealed.len(), plain.len() + setup.profile.rtcp_overhead() + setup.mki_len);
            assert_eq!(sealed[..8], plain[..8]);
            let opened = Kind::Rtcp.open(&mut receiver, &sealed);
            assert_eq!(opened.as_ref(), Ok(&plain), "{index}");
        }
    }

    /// One flipped bit, a cut or a longer end: refused, and nothing but a counter has changed.
    #[test]
    fn forged_packets_move_nothing(
        profile in profile(),
        plain in rtp_packet(),
        report in rtcp_packet(),
        at in any::<Index>(),
        bit in 0..8u8,
        change in 0..3u8,
    ) {
        let (mut sender, mut receiver) = both(profile);
        let forge = |packet: &[u8]| {
            let mut forged = packet.to_vec();
            match change {
                0 => forged[at.index(packet.len())] ^= 1 << bit,
                1 => forged.truncate(at.index(packet.len())),
                _ => forged.push(bit),
            }
            forged
        };
        // First on streams that are not open yet, then on open ones.
        for round in 0..3u16 {
            let mut plain = plain.clone();
            let sequence_number = u16::from_be_bytes([plain[2], plain[3]]);
            let sequence_number = sequence_number.wrapping_add(300 * round);
            plain[2..4].copy_from_slice(&sequence_number.to_be_bytes());
            let (mut rtp, len) = with_room(&plain);
            let sealed = sender.protect_rtp(&mut rtp, len).unwrap();
            let (mut rtcp, rtcp_len) = with_room(&report);
            let rtcp_sealed = sender.protect_rtcp(&mut rtcp, rtcp_len).unwrap();
            let ssrc = RtpHeader::parse(&plain).unwrap().ssrc;
            let before = (receiver.rtp_streams(), receiver.rtcp_streams(), receiver.roc(ssrc));

            assert!(receiver.unprotect_rtp(&mut forge(&rtp[..sealed])).is_err());
            assert!(receiver.unprotect_rtcp(&mut forge(&rtcp[..rtcp_sealed])).is_err());
            let after = (receiver.rtp_streams(), receiver.rtcp_streams(), receiver.roc(ssrc));
            assert_eq!(after, before);

            // The genuine ones are still taken, and once only.
            assert_eq!(receiver.unprotect_rtp(&mut rtp.clone()[..sealed]), Ok(len));
            assert_eq!(receiver.unprotect_rtcp(&mut rtcp.clone()[..rtcp_sealed]), Ok(rtcp_len));
            let replayed = Err(UnprotectError::Replayed);
            assert_eq!(receiver.unprotect_rtp(&mut rtp[..sealed]), replayed);
            assert_eq!(receiver.unprotect_rtcp(&mut rtcp[..rtcp_sealed]), replayed);
        }
        assert_eq!((receiver.stats().rtp, receiver.stats().rtcp), (3, 3));
    }

    /// Arbitrary bytes into every entrance: no panic, nothing taken, nothing kept.
    #[test]
    fn arbitrary_bytes(
        profile in profile(),
        mut packet in vec(any::<u8>(), 0..200),
        first in any::<u8>(),
        len in 0..300usize,
    ) {
        for rtp_like in [false, true] {
            if let (true, Some(byte)) = (rtp_like, packet.first_mut()) {
                *byte = 0x80 | first & 0x3f;
            }
            let (mut sender, mut receiver) = both(profile);
            let _ = is_rtp_or_rtcp(&packet);
            let _ = is_rtcp(&packet);
            if let Ok(header) = RtpHeader::parse(&packet) {
                assert!(header.len <= packet.len());
            }
            assert!(receiver.unprotect_rtp(&mut packet.clone()).is_err());
            assert!(receiver.unprotect_rtcp(&mut packet.clone()).is_err());
            assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (0, 0));
            if let Ok(sealed) = sender.protect_rtp(&mut packet.clone(), len) {
                assert!(sealed <= packet.len());
            }
            if let Ok(sealed) = sender.protect_rtcp(&mut packet.clone(), len) {
                assert!(sealed <= packet.len());
            }
        }
    }

    /// Packets of the wrong key are refused by every profile.
    #[test]
    fn another_key_does_not_open(profile in profile(), plain in rtp_packet()) {
        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 2)));
        let (mut buf, len) = with_room(&plain);
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        let refused = receiver.unprotect_rtp(&mut buf[..sealed]);
        assert_eq!(refused, Err(UnprotectError::WrongTag));
    }
}

#[test]
fn a_buffer_without_room_is_refused_and_unchanged() {
    for profile in Profile::ALL {
        let (mut sender, _) = both(profile);
        let plain = rtp(7, 1, &[9; 20]);
        let needed = plain.len() + profile.rtp_overhead();
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
        assert!(matches!(
            sender.protect_rtp(&mut [], usize::MAX),
            Err(ProtectError::Malformed(_))
        ));
    }
}

#[test]
fn a_packet_fits_a_datagram() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = both(profile);
        let longest = 65_535 - profile.rtp_overhead();
        let plain = rtp(7, 1, &vec![9; longest - 12]);
        let (mut buf, len) = with_room(&plain);
        assert_eq!(sender.protect_rtp(&mut buf, len), Ok(65_535));
        assert_eq!(receiver.unprotect_rtp(&mut buf[..65_535]), Ok(len));
        assert_eq!(buf[..len], plain);
        let too_long = Malformed::TooLong {
            limit: 65_535,
            found: 65_536,
        };
        let refused = sender.protect_rtp(&mut buf, len + 1);
        assert_eq!(refused, Err(ProtectError::Malformed(too_long)));
        let refused = receiver.unprotect_rtp(&mut vec![0x80; 65_536]);
        assert_eq!(refused, Err(UnprotectError::Malformed(too_long)));
    }
}

#[test]
fn streams_are_bounded_and_can_be_forgotten() {
    let profile = Profile::AeadAes128Gcm;
    let mut config = Config::default();
    config.max_streams = 2;
    let mut sender = Sender::new(key(profile, 1));
    let mut receiver = Receiver::with_config(key(profile, 1), config).unwrap();
    let mut sealed = |ssrc, sequence_number| {
        let (mut buf, len) = with_room(&rtp(ssrc, sequence_number, &[9; 20]));
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        buf.truncate(sealed);
        buf
    };
    assert!(receiver.unprotect_rtp(&mut sealed(1, 1)).is_ok());
    assert!(receiver.unprotect_rtp(&mut sealed(2, 1)).is_ok());
    let full = Err(UnprotectError::TooManyStreams { limit: 2 });
    assert_eq!(receiver.unprotect_rtp(&mut sealed(3, 1)), full);
    assert!(receiver.unprotect_rtp(&mut sealed(2, 2)).is_ok());
    assert!(receiver.forget(1));
    assert!(!receiver.forget(1));
    assert!(receiver.unprotect_rtp(&mut sealed(3, 2)).is_ok());
    assert_eq!(receiver.rtp_streams(), 2);
    assert_eq!(receiver.stats().too_many_streams, 1);

    let mut sender = Sender::with_config(key(profile, 1), config).unwrap();
    for ssrc in 0..4 {
        let (mut buf, len) = with_room(&rtp(ssrc, 1, &[9; 20]));
        let refused = Err(ProtectError::TooManyStreams { limit: 2 });
        let expected = if ssrc < 2 { Ok(len + 16) } else { refused };
        assert_eq!(sender.protect_rtp(&mut buf, len), expected);
        let (mut buf, len) = with_room(&rtcp(ssrc, 40));
        let expected = if ssrc < 2 { Ok(len + 20) } else { refused };
        assert_eq!(sender.protect_rtcp(&mut buf, len), expected);
    }
    assert_eq!(sender.stats().too_many_streams, 4);
}

#[test]
fn windows_out_of_range_are_refused() {
    for (window, good) in [
        (0, false),
        (63, false),
        (64, true),
        (32_767, true),
        (32_768, false),
    ] {
        for rtcp_window in [false, true] {
            let mut config = Config::default();
            *(if rtcp_window {
                &mut config.rtcp_window
            } else {
                &mut config.rtp_window
            }) = window;
            let profile = Profile::AeadAes128Gcm;
            assert_eq!(Receiver::with_config(key(profile, 1), config).is_ok(), good);
            assert_eq!(Sender::with_config(key(profile, 1), config).is_ok(), good);
        }
    }
}
