//! Lifetimes of master keys: told before they are over, and kept on both sides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use srtp::{
    Config, CryptoAttribute, Event, KeyError, MasterKey, Profile, ProtectError, Receiver, Sender,
    UnprotectError,
};

use common::{key, numbered, rtcp, rtp, with_room};

fn margin(packets: u64) -> Config {
    let mut config = Config::default();
    config.rekey_margin = packets;
    config
}

fn protect(sender: &mut Sender, is_rtcp: bool, number: u16) -> Result<Vec<u8>, ProtectError> {
    let plain = match is_rtcp {
        true => rtcp(u32::from(number % 3), 40),
        false => rtp(u32::from(number % 3), number, b"payload"),
    };
    let (mut buf, len) = with_room(&plain);
    buf.resize(buf.len() + 2, 0);
    let before = buf.clone();
    let sealed = match is_rtcp {
        true => sender.protect_rtcp(&mut buf, len),
        false => sender.protect_rtp(&mut buf, len),
    };
    match sealed {
        Ok(len) => buf.truncate(len),
        Err(_) => assert_eq!(buf, before, "a refused packet is unchanged"),
    }
    sealed.map(|_| buf)
}

fn unprotect(
    receiver: &mut Receiver,
    is_rtcp: bool,
    packet: &[u8],
) -> Result<usize, UnprotectError> {
    match is_rtcp {
        true => receiver.unprotect_rtcp(&mut packet.to_vec()),
        false => receiver.unprotect_rtp(&mut packet.to_vec()),
    }
}

/// Over all streams of the key: told with 3 left, told at the end, then refused.
#[test]
fn both_sides_tell_the_end_before_it_is_an_error() {
    for profile in Profile::ALL {
        for is_rtcp in [false, true] {
            let mut sender = Sender::with_config(numbered(profile, 1, 10), margin(4)).unwrap();
            let receiver = Receiver::with_config(numbered(profile, 1, 10), margin(4));
            let mut receiver = receiver.unwrap();
            let mut told = vec![];
            for number in 0..10 {
                let packet = protect(&mut sender, is_rtcp, number).unwrap();
                unprotect(&mut receiver, is_rtcp, &packet).unwrap();
                // Neither replayed nor forged packets use up a key.
                assert!(unprotect(&mut receiver, is_rtcp, &packet).is_err());
                let mut forged = packet;
                forged[12] ^= 1;
                assert!(unprotect(&mut receiver, is_rtcp, &forged).is_err());
                let events = (sender.poll_event(), receiver.poll_event());
                assert_eq!(events.0, events.1, "{profile}, {number}");
                told.extend(events.0.map(|event| (number, event)));
                assert_eq!((sender.poll_event(), receiver.poll_event()), (None, None));
            }
            let mki = Some(Box::from([0, 1]));
            let near = Event::KeyNearlyUsed {
                mki: mki.clone(),
                left: 3,
            };
            assert_eq!(told, [(6, near), (9, Event::KeyExhausted { mki })]);

            // Refused now, RTP and RTCP, on old streams and new ones.
            let mut fresh = Sender::new(numbered(profile, 1, 100));
            for also_rtcp in [false, true] {
                for number in 10..14 {
                    let refused = protect(&mut sender, also_rtcp, number);
                    assert_eq!(refused, Err(ProtectError::KeyExhausted));
                    let packet = protect(&mut fresh, also_rtcp, number).unwrap();
                    let refused = unprotect(&mut receiver, also_rtcp, &packet);
                    assert_eq!(refused, Err(UnprotectError::KeyExhausted));
                }
            }
            assert_eq!(sender.stats().key_exhausted, 8);
            // And the last packet's repetition and forgery.
            assert_eq!(receiver.stats().key_exhausted, 10);
            assert_eq!((sender.poll_event(), receiver.poll_event()), (None, None));

            // The next key lives its own life.
            sender.change_key(numbered(profile, 2, 10)).unwrap();
            receiver.add_key(numbered(profile, 2, 10)).unwrap();
            let packet = protect(&mut sender, is_rtcp, 10).unwrap();
            assert!(unprotect(&mut receiver, is_rtcp, &packet).is_ok());
            assert_eq!((sender.poll_event(), receiver.poll_event()), (None, None));
        }
    }
}

/// Of several keys each is told for itself; what is already over is told as over.
#[test]
fn a_receiver_tells_which_key() {
    let profile = Profile::AeadAes128Gcm;
    let mut receiver = Receiver::new(numbered(profile, 1, 6));
    receiver.add_key(numbered(profile, 2, 3)).unwrap();
    for (key, lifetime) in [(1, 6), (2, 3)] {
        let mut sender = Sender::new(numbered(profile, key, lifetime));
        for number in 0..lifetime as u16 {
            let number = number + 100 * u16::from(key);
            let packet = protect(&mut sender, false, number).unwrap();
            unprotect(&mut receiver, false, &packet).unwrap();
            if (key, number) == (1, 103) {
                let (mki, left) = (Some(Box::from([0, 1])), 2);
                assert_eq!(
                    receiver.poll_event(),
                    Some(Event::KeyNearlyUsed { mki, left })
                );
            }
        }
    }
    let mut over: Vec<_> = std::iter::from_fn(|| receiver.poll_event()).collect();
    over.sort_by_key(|event| format!("{event:?}"));
    let expected = [1, 2].map(|number| Event::KeyExhausted {
        mki: Some(Box::from([0, number])),
    });
    assert_eq!(over, expected);
    assert!(receiver.remove_key(&[0, 1]));
}

/// A stream near its last index tells it as well. That end is its own: others go on.
#[test]
fn a_stream_near_its_last_index_tells_it() {
    const LAST: u32 = (1 << 31) - 1;
    let near = |left| Some(Event::StreamNearlyUsed { ssrc: 7, left });
    for profile in Profile::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        sender.set_next_rtcp_index(7, LAST - 2).unwrap();
        for left in [2, 1, 0] {
            let (mut buf, len) = with_room(&rtcp(7, 40));
            let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
            receiver.unprotect_rtcp(&mut buf[..sealed]).unwrap();
            let told = if left == 2 { near(2) } else { None };
            assert_eq!(
                (sender.poll_event(), receiver.poll_event()),
                (told.clone(), told)
            );
        }
        let (mut buf, len) = with_room(&rtcp(7, 40));
        let refused = sender.protect_rtcp(&mut buf, len);
        assert_eq!(refused, Err(ProtectError::KeyExhausted));
        let (mut buf, len) = with_room(&rtcp(8, 40));
        assert!(sender.protect_rtcp(&mut buf, len).is_ok());

        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        sender.set_roc(7, u32::MAX).unwrap();
        receiver.set_roc(7, u32::MAX).unwrap();
        for number in 65_530..=65_535 {
            let (mut buf, len) = with_room(&rtp(7, number, b"payload"));
            let sealed = sender.protect_rtp(&mut buf, len).unwrap();
            receiver.unprotect_rtp(&mut buf[..sealed]).unwrap();
            let told = if number == 65_530 { near(5) } else { None };
            assert_eq!(
                (sender.poll_event(), receiver.poll_event()),
                (told.clone(), told)
            );
        }
        let (mut buf, len) = with_room(&rtp(7, 0, b"payload"));
        let refused = sender.protect_rtp(&mut buf, len);
        assert_eq!(refused, Err(ProtectError::KeyExhausted));
        let (mut buf, len) = with_room(&rtp(8, 0, b"payload"));
        assert!(sender.protect_rtp(&mut buf, len).is_ok());
    }
}

/// A key that streams near their last index go on under is not worn by them: no event asks for another
/// one. Each stream is told once, whatever the key, and again when it was forgotten.
#[test]
fn streams_near_their_last_index_wear_no_key() {
    let profile = Profile::AeadAes128Gcm;
    let mut sender = Sender::new(numbered(profile, 1, 1 << 48));
    let mut receiver = Receiver::new(numbered(profile, 1, 1 << 48));
    let mut told = vec![];
    for round in 0..6 {
        for ssrc in [0, 1] {
            if round == 0 {
                sender.set_roc(ssrc, u32::MAX).unwrap();
                receiver.set_roc(ssrc, u32::MAX).unwrap();
            }
            let packet = protect(&mut sender, false, ssrc as u16 + 3 * round).unwrap();
            unprotect(&mut receiver, false, &packet).unwrap();
        }
        let of_sender = std::iter::from_fn(|| sender.poll_event());
        let of_receiver = std::iter::from_fn(|| receiver.poll_event());
        told.extend(of_sender.chain(of_receiver).map(|event| (round, event)));
        let next = numbered(profile, round as u8 + 2, 1 << 48);
        receiver.add_key(next).unwrap();
        sender
            .change_key(numbered(profile, round as u8 + 2, 1 << 48))
            .unwrap();
        if round == 3 {
            receiver.forget(1);
            receiver.set_roc(1, u32::MAX).unwrap();
        }
    }
    let near = |round: u16, ssrc: u32| {
        let left = u64::from(65_535 - 3 * round) - u64::from(ssrc);
        (round, Event::StreamNearlyUsed { ssrc, left })
    };
    let expected = [near(0, 0), near(0, 1), near(0, 0), near(0, 1), near(4, 1)];
    assert_eq!(told, expected);
}

#[test]
fn a_margin_beyond_all_lifetimes_leaves_a_fresh_key_alone() {
    for packets in [(1 << 31) + 1, u64::MAX] {
        let profile = Profile::AeadAes128Gcm;
        let mut sender = Sender::with_config(key(profile, 1), margin(packets)).unwrap();
        protect(&mut sender, false, 1).unwrap();
        protect(&mut sender, true, 1).unwrap();
        assert_eq!(sender.poll_event(), None, "{packets}");
    }
}

#[test]
fn lifetimes_are_1_to_2_to_the_48_packets() {
    for (packets, good) in [
        (0, false),
        (1, true),
        (1 << 48, true),
        ((1 << 48) + 1, false),
    ] {
        let made = key(Profile::AeadAes128Gcm, 1).with_lifetime(packets);
        let refused = (!good).then_some(KeyError::Lifetime { found: packets });
        assert_eq!(made.err(), refused);
    }
    assert_eq!(key(Profile::AeadAes128Gcm, 1).lifetime(), 1 << 48);
}

/// The lifetime of `a=crypto` is that of the key (RFC 4568 §6.1).
#[test]
fn a_session_description_sets_the_lifetime() {
    const KEY: &str = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    for (lifetime, packets) in [("|2^2", 4), ("|5|1:4", 5), ("", 1 << 48)] {
        let text = format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}{lifetime}");
        let crypto: CryptoAttribute = text.parse().unwrap();
        let key = MasterKey::try_from(&crypto).unwrap();
        assert_eq!(key.lifetime(), packets, "{lifetime}");
        assert_eq!(crypto.master_keys().unwrap()[0].lifetime(), packets);
    }
    let text = format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}|2^2");
    let crypto: CryptoAttribute = text.parse().unwrap();
    let mut sender = Sender::new(MasterKey::try_from(&crypto).unwrap());
    let sent = (0..10).filter(|&number| protect(&mut sender, false, number).is_ok());
    assert_eq!(sent.count(), 4);
}
