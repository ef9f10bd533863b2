//! What is refused changes nothing: for every profile, with every option, RTP and RTCP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, proptest};
use proptest::sample::{Index, select};
use srtp::{Profile, Receiver, ReceiverStats, Sender, UnprotectError};
use virtual_network::Dice;

use common::setup::{Kind, Setup, state};
use common::{key, rtcp, rtp, with_room};

/// How many were refused, for whatever reason.
fn refused(stats: ReceiverStats) -> u64 {
    stats.malformed
        + stats.unknown_mki
        + stats.wrong_tag
        + stats.replayed
        + stats.too_old
        + stats.too_many_streams
        + stats.key_exhausted
}

/// A packet of SSRC 7 with everything that a header can have, or a report.
fn plain(kind: Kind, number: u16) -> Vec<u8> {
    if kind == Kind::Rtcp {
        return rtcp(7, 28);
    }
    let mut packet = rtp(7, number, &[]);
    packet[0] |= 0x11;
    packet.extend([0, 0, 0, 9]);
    packet.extend([
        0xbe, 0xde, 0, 2, 0x11, 0xaa, 0xab, 0x20, 0xbb, 0x30, 0xcc, 0,
    ]);
    packet.extend(b"payload");
    packet
}

/// Every bit of a packet for a stream that is not open yet, and of one for an open stream.
#[test]
fn any_flipped_bit_is_refused_and_changes_no_state() {
    for (setup, kind) in Setup::all()
        .into_iter()
        .flat_map(|it| Kind::BOTH.map(|kind| (it, kind)))
    {
        let (mut sender, mut receiver) = (setup.sender(), setup.receiver());
        for number in [40_000, 40_001, 40_100] {
            let plain = plain(kind, number);
            let sealed = kind.seal(&mut sender, &plain);
            let before = state(&receiver);
            let stats = receiver.stats();
            for bit in 0..8 * sealed.len() {
                let mut forged = sealed.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                let opened = kind.open(&mut receiver, &forged);
                assert!(opened.is_err(), "{setup:?} {kind:?} {number}: bit {bit}");
                assert_eq!(
                    state(&receiver),
                    before,
                    "{setup:?} {kind:?} {number}: bit {bit}"
                );
            }
            let now = receiver.stats();
            assert_eq!((now.rtp, now.rtcp), (stats.rtp, stats.rtcp));
            let flips = 8 * sealed.len() as u64;
            assert_eq!(refused(now) - refused(stats), flips, "each is counted once");
            assert_eq!(
                kind.open(&mut receiver, &sealed),
                Ok(plain),
                "{setup:?} {kind:?}"
            );
        }
    }
}

/// Cuts, longer ends, other keys, replays: nothing moves.
#[test]
fn whatever_is_refused_changes_no_state() {
    for (setup, kind) in Setup::all()
        .into_iter()
        .flat_map(|it| Kind::BOTH.map(|kind| (it, kind)))
    {
        let (mut sender, mut receiver) = (setup.sender(), setup.receiver());
        let taken = kind.seal(&mut sender, &plain(kind, 1));
        kind.open(&mut receiver, &taken).unwrap();
        let next = kind.seal(&mut sender, &plain(kind, 2));
        let before = state(&receiver);
        let mut refuse = |packet: &[u8], why: &str| {
            let opened = kind.open(&mut receiver, packet);
            assert!(opened.is_err(), "{setup:?} {kind:?}: {why}");
            assert_eq!(state(&receiver), before, "{setup:?} {kind:?}: {why}");
            opened.unwrap_err()
        };
        assert_eq!(refuse(&taken, "replayed"), UnprotectError::Replayed);
        for len in 0..next.len() {
            refuse(&next[..len], "cut");
        }
        for more in [1, 4, 16] {
            refuse(&[&next[..], &vec![0; more]].concat(), "longer");
        }
        for other in Profile::ALL {
            let mut stranger = Sender::new(key(other, 2));
            refuse(
                &kind.seal(&mut stranger, &rtp_or_report(kind)),
                "another key",
            );
        }
        refuse(&plain(kind, 3), "not protected");
        assert_eq!(kind.open(&mut receiver, &next), Ok(plain(kind, 2)));
    }
}

fn rtp_or_report(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Rtp => rtp(7, 2, &[9; 40]),
        Kind::Rtcp => rtcp(7, 60),
    }
}

/// A flood of forged packets from everywhere opens no stream, and leaves room for the genuine ones.
#[test]
fn streams_never_grow_from_unauthenticated_packets() {
    for (seed, profile) in Profile::ALL.into_iter().enumerate() {
        let mut dice = Dice::new(seed as u64);
        let mut setup = Setup::new(profile);
        setup.config.max_streams = 4;
        let (mut sender, mut receiver) = (setup.sender(), setup.receiver());
        let mut genuine = [0, 0];
        for step in 0..4000 {
            let kind = Kind::BOTH[step % 2];
            let ssrc = dice.below(1 << 32) as u32;
            let packet = match dice.below(3) {
                // Noise, and genuine packets of another SSRC.
                0 => [plain(kind, step as u16), vec![step as u8; 30]].concat(),
                _ => {
                    let mut packet = kind.seal(&mut setup.sender(), &rtp_or_report(kind));
                    let at = if kind == Kind::Rtp { 8 } else { 4 };
                    packet[at..at + 4].copy_from_slice(&ssrc.to_be_bytes());
                    packet
                }
            };
            assert!(kind.open(&mut receiver, &packet).is_err());
            if step % 1000 > 997 {
                let ssrc = step as u32 / 1000;
                let plain = match kind {
                    Kind::Rtp => rtp(ssrc, 1, b"genuine"),
                    Kind::Rtcp => rtcp(ssrc, 40),
                };
                let sealed = kind.seal(&mut sender, &plain);
                assert_eq!(
                    kind.open(&mut receiver, &sealed),
                    Ok(plain),
                    "{profile} {step}"
                );
                genuine[step % 2] += 1;
            }
            assert_eq!([receiver.rtp_streams(), receiver.rtcp_streams()], genuine);
        }
        assert_eq!(genuine, [4, 4]);
    }
}

/// A sender that refuses has neither touched the packet nor used anything up.
#[test]
fn a_sender_that_refuses_changes_no_state() {
    for setup in Setup::all() {
        let mut sender = setup.sender();
        for kind in Kind::BOTH {
            kind.seal(&mut sender, &plain(kind, 500));
        }
        let before = state(&sender);
        let mut old = with_room(&plain(Kind::Rtp, 10)).0;
        let mut again = with_room(&plain(Kind::Rtp, 500)).0;
        for buf in [&mut old, &mut again] {
            buf.resize(buf.len() + 128, 0);
        }
        let mut cut = plain(Kind::Rtp, 501);
        let mut report = plain(Kind::Rtcp, 0);
        for buf in [&mut old, &mut again, &mut cut] {
            let untouched = buf.clone();
            let len = plain(Kind::Rtp, 0).len();
            assert!(sender.protect_rtp(buf, len).is_err(), "{setup:?}");
            assert_eq!(*buf, untouched);
        }
        let untouched = report.clone();
        assert!(sender.protect_rtcp(&mut report, untouched.len()).is_err());
        assert!(sender.protect_rtcp(&mut [0x80; 60], 7).is_err());
        assert_eq!(report, untouched);
        assert_eq!(state(&sender), before, "{setup:?}");
    }
}

fn open_streams(receiver: &Receiver) -> [Option<u32>; 4] {
    [1, 2, 3, 4].map(|ssrc| receiver.roc(ssrc))
}

proptest! {
    /// Among several streams: a forged packet of one moves none of the others either.
    #[test]
    fn forged_packets_among_several_streams(
        setup in select(Setup::all()),
        packets in vec((1..=4u32, any::<u16>(), any::<Index>(), 0..8u8), 1..40),
    ) {
        let (mut sender, mut receiver) = (setup.sender(), setup.receiver());
        for (ssrc, number, at, bit) in packets {
            let (mut buf, len) = with_room(&rtp(ssrc, number, b"payload"));
            buf.resize(buf.len() + 128, 0);
            let Ok(len) = sender.protect_rtp(&mut buf, len) else { continue };
            buf.truncate(len);
            let before = open_streams(&receiver);
            let mut forged = buf.clone();
            forged[at.index(len)] ^= 1 << bit;
            assert!(Kind::Rtp.open(&mut receiver, &forged).is_err());
            assert_eq!(open_streams(&receiver), before);
            let opened = Kind::Rtp.open(&mut receiver, &buf);
            assert_eq!(opened, Ok(rtp(ssrc, number, b"payload")));
        }
    }

    #[test]
    fn arbitrary_bytes_with_every_option(
        setup in select(Setup::all()),
        mut packet in vec(any::<u8>(), 0..300),
        like in (0..3u8).prop_map(|it| [None, Some(0x80), Some(0x90)][usize::from(it)]),
    ) {
        if let (Some(first), Some(byte)) = (like, packet.first_mut()) {
            *byte = first | *byte & 0x0f;
        }
        let mut receiver = setup.receiver();
        let before = state(&receiver);
        for kind in Kind::BOTH {
            assert!(kind.open(&mut receiver, &packet).is_err());
        }
        assert_eq!(state(&receiver), before);
    }
}
