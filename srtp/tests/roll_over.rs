//! Roll-over counters, replay windows and idle streams at their edges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use srtp::{Config, Profile, ProtectError, Receiver, Sender, SetIndexError, UnprotectError};

use common::{key, rtcp, rtp, with_room};

const PROFILE: Profile = Profile::AeadAes128Gcm;
const SSRC: u32 = 7;

/// The packet with this index, protected by a sender that begins with it.
fn at_index(ssrc: u32, index: u64) -> Vec<u8> {
    let mut sender = Sender::new(key(PROFILE, 1));
    sender.set_roc(ssrc, (index >> 16) as u32).unwrap();
    protect(&mut sender, ssrc, index as u16).unwrap()
}

fn protect(sender: &mut Sender, ssrc: u32, number: u16) -> Result<Vec<u8>, ProtectError> {
    let (mut buf, len) = with_room(&rtp(ssrc, number, b"payload"));
    let len = sender.protect_rtp(&mut buf, len)?;
    buf.truncate(len);
    Ok(buf)
}

/// The SRTCP packet with this index.
fn report(ssrc: u32, index: u32) -> Vec<u8> {
    let mut sender = Sender::new(key(PROFILE, 1));
    sender.set_next_rtcp_index(ssrc, index).unwrap();
    let (mut buf, len) = with_room(&rtcp(ssrc, 40));
    let len = sender.protect_rtcp(&mut buf, len).unwrap();
    buf.truncate(len);
    buf
}

fn receiver(window: u16) -> Receiver {
    let mut config = Config::default();
    config.rtp_window = window;
    config.rtcp_window = window;
    Receiver::with_config(key(PROFILE, 1), config).unwrap()
}

/// A receiver whose highest index is this.
fn at(highest: u64, window: u16) -> Receiver {
    let mut receiver = receiver(window);
    receiver.set_roc(SSRC, (highest >> 16) as u32).unwrap();
    take(&mut receiver, highest).unwrap();
    receiver
}

fn take(receiver: &mut Receiver, index: u64) -> Result<(), UnprotectError> {
    let taken = receiver.unprotect_rtp(&mut at_index(SSRC, index));
    taken.map(|_| ())
}

fn take_report(receiver: &mut Receiver, index: u32) -> Result<(), UnprotectError> {
    let taken = receiver.unprotect_rtcp(&mut report(SSRC, index));
    taken.map(|_| ())
}

#[test]
fn a_stream_begins_with_any_sequence_number() {
    for first in [0u16, 1, 32_767, 32_768, 65_534, 65_535] {
        let mut sender = Sender::new(key(PROFILE, 1));
        let mut receiver = receiver(64);
        for step in 0..4u16 {
            let number = first.wrapping_add(step);
            let mut packet = protect(&mut sender, SSRC, number).unwrap();
            assert!(receiver.unprotect_rtp(&mut packet).is_ok());
            let roc = Some(u32::from(number < first));
            assert_eq!((sender.roc(SSRC), receiver.roc(SSRC)), (roc, roc));
        }
    }
}

/// The same when both are told a counter first: late, with any sequence number.
#[test]
fn a_stream_begins_late_with_any_sequence_number() {
    for roc in [1, 5, u32::MAX - 1] {
        for first in [0u16, 1, 32_767, 32_768, 65_534, 65_535] {
            let mut sender = Sender::new(key(PROFILE, 1));
            let mut receiver = receiver(64);
            sender.set_roc(SSRC, roc).unwrap();
            // Told again before the first packet, also a lower one: nothing is used yet.
            receiver.set_roc(SSRC, u32::MAX).unwrap();
            receiver.set_roc(SSRC, roc).unwrap();
            assert_eq!(
                (sender.roc(SSRC), receiver.roc(SSRC)),
                (Some(roc), Some(roc))
            );
            for step in 0..4u16 {
                let number = first.wrapping_add(step);
                let mut packet = protect(&mut sender, SSRC, number).unwrap();
                assert!(receiver.unprotect_rtp(&mut packet).is_ok());
                let roc = Some(roc + u32::from(number < first));
                assert_eq!((sender.roc(SSRC), receiver.roc(SSRC)), (roc, roc));
            }
        }
    }
}

/// Where the nearest index is the true one, and where it is not any more: 2^15 packets on, or
/// back. At that distance it depends on the half of the numbers (RFC 3711 appendix A).
#[test]
fn gaps_at_the_edges_of_estimation() {
    const HALF: u64 = 1 << 15;
    for last in [0, 1, 100, HALF - 1, HALF, HALF + 1, 65_535] {
        let highest = 3 << 16 | last;
        for gap in [1, 64, HALF - 1] {
            let mut receiver = at(highest, 32_767);
            assert_eq!(take(&mut receiver, highest + gap), Ok(()), "{last} + {gap}");
            assert_eq!(receiver.roc(SSRC), Some(((highest + gap) >> 16) as u32));
        }
        let followed = take(&mut at(highest, 64), highest + HALF);
        assert_eq!(followed.is_ok(), last < HALF, "{last}");
        for gap in [HALF + 1, 40_000, 65_535] {
            let lost = take(&mut at(highest, 64), highest + gap);
            let near = 65_536 - gap < 64;
            let expected = match near {
                true => UnprotectError::WrongTag,
                false => UnprotectError::TooOld,
            };
            assert_eq!(lost, Err(expected), "{last} + {gap}");
        }
        for gap in [65_537, 100_000, 1 << 20] {
            assert!(take(&mut at(highest, 64), highest + gap).is_err());
        }
        for back in [1, 63, 32_766] {
            let mut receiver = at(highest, 32_767);
            assert_eq!(
                take(&mut receiver, highest - back),
                Ok(()),
                "{last} - {back}"
            );
            assert_eq!(receiver.roc(SSRC), Some(3), "the highest stays");
        }
    }
}

/// After a gap that lost count: told the counter of the next packet, a receiver goes on.
#[test]
fn a_receiver_that_lost_count_is_told() {
    for gap in [40_000, 70_000, 140_000] {
        let (highest, back) = (2 << 16 | 500, (2 << 16 | 500) + gap);
        let mut receiver = at(highest, 64);
        for step in 0..10 {
            assert!(take(&mut receiver, back + step).is_err());
        }
        assert_eq!(receiver.roc(SSRC), Some(2), "what is refused moves nothing");
        let backwards = SetIndexError::Backwards {
            present: 2,
            requested: 1,
        };
        assert_eq!(receiver.set_roc(SSRC, 1), Err(backwards));
        // A wrong one: nothing is taken, nothing lost.
        receiver.set_roc(SSRC, 900).unwrap();
        assert!(take(&mut receiver, back).is_err());
        receiver.set_roc(SSRC, (back >> 16) as u32).unwrap();
        for step in 10..20 {
            assert_eq!(take(&mut receiver, back + step), Ok(()), "{gap} + {step}");
        }
        assert_eq!(
            take(&mut receiver, back + 15),
            Err(UnprotectError::Replayed)
        );
        assert!(take(&mut receiver, highest).is_err());
    }
}

/// A sender whose source leaps by more than half the numbers goes on one roll-over later.
#[test]
fn a_sender_whose_source_leaps_is_told() {
    for (last, leap) in [(100, 40_000), (40_000, 39_000), (60_000, 28_000)] {
        let mut sender = Sender::new(key(PROFILE, 1));
        protect(&mut sender, SSRC, last).unwrap();
        let too_old = Err(ProtectError::SequenceTooOld);
        assert_eq!(protect(&mut sender, SSRC, leap), too_old, "{last} {leap}");
        sender.set_roc(SSRC, 1).unwrap();
        let mut receiver = at(u64::from(last), 64);
        receiver.set_roc(SSRC, 1).unwrap();
        let mut packet = protect(&mut sender, SSRC, leap).unwrap();
        assert!(receiver.unprotect_rtp(&mut packet).is_ok());
        assert_eq!((sender.roc(SSRC), receiver.roc(SSRC)), (Some(1), Some(1)));
    }
}

/// A leap of more than half the numbers forth, within one roll-over: to tell the present counter again
/// says that the next packet has it.
#[test]
fn the_present_counter_is_told_again() {
    for (last, leap) in [(1000, 40_000), (0, 65_535), (32_767, 65_536 - 1)] {
        let mut sender = Sender::new(key(PROFILE, 1));
        let mut receiver = at(last, 64);
        protect(&mut sender, SSRC, last as u16).unwrap();
        sender.set_roc(SSRC, 0).unwrap();
        receiver.set_roc(SSRC, 0).unwrap();
        let mut packet = protect(&mut sender, SSRC, leap as u16).unwrap();
        assert!(receiver.unprotect_rtp(&mut packet).is_ok(), "{last} {leap}");
        assert_eq!((sender.roc(SSRC), receiver.roc(SSRC)), (Some(0), Some(0)));
        let reused = Err(ProtectError::SequenceReused);
        assert_eq!(protect(&mut sender, SSRC, leap as u16), reused);
    }
}

/// Told again while it rolls over, the present counter is already the former one: nothing is lost.
#[test]
fn the_present_counter_told_late_harms_nothing() {
    for (last, next) in [(65_535, 65_536), (65_500, 65_540), (70_000, 69_990)] {
        let mut receiver = at(last, 64);
        receiver.set_roc(SSRC, (last >> 16) as u32).unwrap();
        assert_eq!(take(&mut receiver, next), Ok(()), "{last} {next}");
        assert_eq!(take(&mut receiver, last + 50), Ok(()), "{last} {next}");
        let replayed = Err(UnprotectError::Replayed);
        assert_eq!(take(&mut receiver, last), replayed, "{last} {next}");
    }
}

#[test]
fn windows_reach_one_less_than_their_size_back() {
    for window in [64, 65, 128, 1000, 1024, 32_766, 32_767] {
        let size = u64::from(window);
        for highest in [5 << 16, 5 << 16 | 65_535, 5 << 16 | 31_000] {
            let mut receiver = at(highest, window);
            let too_old = take(&mut receiver, highest - size);
            assert_eq!(too_old, Err(UnprotectError::TooOld), "{window}");
            assert_eq!(take(&mut receiver, highest - size + 1), Ok(()), "{window}");
            let again = take(&mut receiver, highest - size + 1);
            assert_eq!(again, Err(UnprotectError::Replayed));
        }
        let (mut receiver, size) = (self::receiver(window), u32::from(window));
        for highest in [40_000, 1 << 20, (1 << 31) - 1] {
            assert_eq!(take_report(&mut receiver, highest), Ok(()));
            let too_old = take_report(&mut receiver, highest - size);
            assert_eq!(too_old, Err(UnprotectError::TooOld), "{window}");
            assert_eq!(take_report(&mut receiver, highest - size + 1), Ok(()));
            let again = take_report(&mut receiver, highest - size + 1);
            assert_eq!(again, Err(UnprotectError::Replayed));
        }
    }
}

#[test]
fn idle_streams_are_forgotten() {
    let mut receiver = receiver(64);
    let rtp = |receiver: &mut Receiver, ssrc, number| {
        let taken = receiver.unprotect_rtp(&mut at_index(ssrc, number));
        assert!(taken.is_ok(), "{ssrc} {number}: {taken:?}");
    };
    let rtcp = |receiver: &mut Receiver, ssrc, index| {
        assert!(receiver.unprotect_rtcp(&mut report(ssrc, index)).is_ok());
    };
    // 1 goes on, 2 ends, 3 is on hold with RTCP alone, 4 has RTCP alone and ends, 5 RTP and RTCP
    // and ends, 6 is announced.
    for ssrc in [1, 2, 3, 5] {
        rtp(&mut receiver, ssrc, 1);
    }
    for ssrc in [3, 4, 5] {
        rtcp(&mut receiver, ssrc, 1);
    }
    receiver.set_roc(6, 9).unwrap();
    assert_eq!(receiver.forget_idle(), 0, "all came since the beginning");
    rtp(&mut receiver, 1, 2);
    rtcp(&mut receiver, 3, 2);
    receiver.set_roc(6, 10).unwrap();
    // What is refused keeps nothing alive.
    for mut packet in [at_index(2, 1), at_index(5, 1), at_index(2, 1 << 16 | 9)] {
        assert!(receiver.unprotect_rtp(&mut packet).is_err());
    }
    assert_eq!(receiver.forget_idle(), 3);
    assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (3, 1));
    let known: Vec<_> = (1..=6).map(|ssrc| receiver.roc(ssrc)).collect();
    assert_eq!(known, [Some(0), None, Some(0), None, None, Some(10)]);
    rtp(&mut receiver, 3, 2);
    let replayed = receiver.unprotect_rtp(&mut at_index(1, 2));
    assert_eq!(replayed, Err(UnprotectError::Replayed));
    rtp(&mut receiver, 6, 10 << 16 | 50_000);
    assert_eq!(receiver.forget_idle(), 1, "1");
    rtp(&mut receiver, 1, 2);
    assert_eq!(receiver.forget_idle(), 2, "3 and 6");
    assert_eq!(receiver.forget_idle(), 1, "1 again");
    assert_eq!((receiver.rtp_streams(), receiver.rtcp_streams()), (0, 0));
}

/// A receiver whose streams come and go stays within its bound.
#[test]
fn forgetting_makes_room() {
    let mut config = Config::default();
    config.max_streams = 4;
    let mut receiver = Receiver::with_config(key(PROFILE, 1), config).unwrap();
    for call in 0..50 {
        for ssrc in 4 * call..4 * call + 4 {
            assert!(receiver.unprotect_rtp(&mut at_index(ssrc, 1)).is_ok());
            assert!(receiver.unprotect_rtcp(&mut report(ssrc, 1)).is_ok());
        }
        let full = Err(UnprotectError::TooManyStreams { limit: 4 });
        assert_eq!(receiver.unprotect_rtp(&mut at_index(1000, 1)), full);
        assert_eq!(receiver.unprotect_rtcp(&mut report(1000, 1)), full);
        assert_eq!(receiver.forget_idle(), 0);
        assert_eq!(receiver.forget_idle(), 4);
    }
}
