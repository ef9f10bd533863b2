//! Batches and `BytesMut` do what single calls do.

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
use proptest::prelude::{Strategy, any, proptest};
use proptest::sample::select;
use srtp::{
    BatchPacket, Malformed, MasterKey, Profile, ProtectError, Receiver, Sender, TRAILER_MAX,
    UnprotectError,
};

use common::{key, rtcp, rtp};

const MKI: [u8; 3] = [1, 2, 3];

fn with_mki(profile: Profile) -> MasterKey {
    key(profile, 1).with_mki(&MKI).unwrap()
}

/// Buffers with a packet and its length: of several streams, repeated, malformed, without room.
fn buffers() -> impl Strategy<Value = Vec<(Vec<u8>, usize)>> {
    let buffer = (0..4u32, 0..8u16, 0..60usize, 0..20u8).prop_map(|(ssrc, number, len, odd)| {
        let mut packet = rtp(ssrc, number, &vec![7; len]);
        let len = packet.len();
        match odd {
            0 => packet[0] = 0,
            1 => return (packet, len),
            2 => return (packet, len + 1000),
            _ => {}
        }
        packet.resize(len + TRAILER_MAX + MKI.len(), 0);
        (packet, len)
    });
    vec(buffer, 0..40)
}

proptest! {
    #[test]
    fn a_batch_is_protected_as_one_by_one(
        profile in select(Profile::ALL.to_vec()), buffers in buffers(),
    ) {
        let (mut one_by_one, mut at_once) =
            (Sender::new(with_mki(profile)), Sender::new(with_mki(profile)));
        let mut expected = buffers.clone();
        let results: Vec<_> = expected
            .iter_mut()
            .map(|(buf, len)| one_by_one.protect_rtp(buf, *len))
            .collect();
        let mut found = buffers;
        let mut batch: Vec<_> = found
            .iter_mut()
            .map(|(buf, len)| BatchPacket::new(buf, *len))
            .collect();
        let protected = at_once.protect_rtp_batch(&mut batch);
        assert_eq!(protected, results.iter().filter(|it| it.is_ok()).count());
        for (packet, ((buf, _), result)) in batch.iter().zip(expected.iter().zip(&results)) {
            assert_eq!((&packet.len, &*packet.buf), (result, &buf[..]));
            assert_eq!(packet.bytes(), result.map(|len| &buf[..len]));
        }
        assert_eq!(at_once.stats(), one_by_one.stats());
    }

    #[test]
    fn a_batch_is_opened_as_one_by_one(
        profile in select(Profile::ALL.to_vec()),
        packets in vec((0..4u32, 0..8u16, any::<bool>(), 0..20u8), 0..40),
    ) {
        let mut sender = Sender::new(with_mki(profile));
        let mut arrived: Vec<(Vec<u8>, usize)> = vec![];
        for (ssrc, number, is_rtcp, odd) in packets {
            let plain = if is_rtcp { rtcp(ssrc, 40) } else { rtp(ssrc, number, b"payload") };
            let mut packet = BytesMut::from(&plain[..]);
            let protected = match is_rtcp {
                true => sender.protect_rtcp_bytes(&mut packet),
                false => sender.protect_rtp_bytes(&mut packet),
            };
            let (mut packet, len) = (packet.to_vec(), packet.len());
            match odd {
                0 => packet[9] ^= 1,
                1 if protected.is_ok() => arrived.push((packet.clone(), len)),
                2 => packet.truncate(20),
                3 => packet.resize(len + 9, 0),
                _ => {}
            }
            arrived.push((packet, len));
        }
        let (mut one_by_one, mut at_once) =
            (Receiver::new(with_mki(profile)), Receiver::new(with_mki(profile)));
        let mut expected = arrived.clone();
        let mut beyond = 0;
        let results: Vec<_> = expected
            .iter_mut()
            .map(|(buf, len)| {
                let found = buf.len();
                let needed = *len;
                let short = Malformed::TooShort { needed, found };
                let Some(packet) = buf.get_mut(..needed) else {
                    beyond += 1;
                    return Err(UnprotectError::Malformed(short));
                };
                match srtp::is_rtcp(packet) {
                    true => one_by_one.unprotect_rtcp(packet),
                    false => one_by_one.unprotect_rtp(packet),
                }
            })
            .collect();
        let mut batch: Vec<_> = arrived
            .iter_mut()
            .map(|(buf, len)| BatchPacket::new(buf, *len))
            .collect();
        let taken = at_once.unprotect_batch(&mut batch);
        assert_eq!(taken, results.iter().filter(|it| it.is_ok()).count());
        for (packet, ((buf, _), result)) in batch.iter().zip(expected.iter().zip(&results)) {
            assert_eq!(packet.len, *result);
            if let Ok(len) = *result {
                assert_eq!(packet.bytes(), Ok(&buf[..len]));
            }
        }
        let mut stats = one_by_one.stats();
        stats.malformed += beyond;
        assert_eq!(at_once.stats(), stats, "a length beyond the buffer is counted");
    }
}

#[test]
fn what_was_refused_before_is_passed_over() {
    let mut sender = Sender::new(key(Profile::AeadAes128Gcm, 1));
    let mut buf = rtp(7, 1, &[0; 40]);
    let mut batch = [BatchPacket {
        buf: &mut buf,
        len: Err(ProtectError::KeyExhausted),
    }];
    assert_eq!(sender.protect_rtp_batch(&mut batch), 0);
    assert_eq!(batch[0].len, Err(ProtectError::KeyExhausted));
    assert_eq!(sender.stats(), srtp::SenderStats::default());
}

#[test]
fn debug_shows_no_packet() {
    let mut buf = rtp(7, 1, &[0xa7; 40]);
    let packet = BatchPacket::<ProtectError>::new(&mut buf, 52);
    assert_eq!(format!("{packet:?}"), "BatchPacket { len: Ok(52), .. }");
}

#[test]
fn bytes_grow_by_the_overhead_and_are_cut_again() {
    for profile in Profile::ALL {
        let mut sender = Sender::new(with_mki(profile));
        let mut receiver = Receiver::new(with_mki(profile));
        for is_rtcp in [false, true] {
            let plain = if is_rtcp {
                rtcp(7, 40)
            } else {
                rtp(7, 1, b"payload")
            };
            let mut packet = BytesMut::with_capacity(plain.len() + TRAILER_MAX + MKI.len());
            packet.extend_from_slice(&plain);
            let place = packet.as_ptr();
            let overhead = match is_rtcp {
                true => {
                    sender.protect_rtcp_bytes(&mut packet).unwrap();
                    profile.rtcp_overhead()
                }
                false => {
                    sender.protect_rtp_bytes(&mut packet).unwrap();
                    profile.rtp_overhead()
                }
            };
            assert_eq!(packet.len(), plain.len() + overhead + MKI.len());
            let opened = match is_rtcp {
                true => receiver.unprotect_rtcp_bytes(&mut packet),
                false => receiver.unprotect_rtp_bytes(&mut packet),
            };
            assert_eq!((opened, &packet[..]), (Ok(()), &plain[..]));
            assert_eq!(packet.as_ptr(), place, "it was moved");
        }
        // Refused: the sequence number was protected before.
        let plain = rtp(7, 1, b"another");
        let mut packet = BytesMut::from(&plain[..]);
        let refused = sender.protect_rtp_bytes(&mut packet);
        assert_eq!(refused, Err(ProtectError::SequenceReused));
        assert_eq!(packet, plain);
        assert!(receiver.unprotect_rtp_bytes(&mut packet).is_err());
    }
}
