//! Streams over a link that loses, repeats and reorders, against a plain model: the set of the
//! true indices that arrived.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use srtp::{Config, Profile, ProtectError, Receiver, Sender, SetIndexError, UnprotectError};

use common::{key, rtcp, rtp, with_room};

/// What a receiver is expected to say, from nothing but the true indices taken so far.
#[derive(Default)]
struct Model {
    taken: BTreeSet<u64>,
}

impl Model {
    fn arrives(&mut self, index: u64, window: u64) -> Result<(), UnprotectError> {
        if self
            .taken
            .last()
            .is_some_and(|&highest| index + window <= highest)
        {
            return Err(UnprotectError::TooOld);
        }
        if !self.taken.insert(index) {
            return Err(UnprotectError::Replayed);
        }
        Ok(())
    }
}

/// Numbers from one seed.
struct Dice(ChaCha20Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// 0 to `below` - 1.
    fn roll(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// A packet under way, ordered by the step at which it arrives.
type Flight = BTreeMap<(u64, u64), (u64, Vec<u8>)>;

struct Link {
    dice: Dice,
    flight: Flight,
    count: u64,
}

impl Link {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            flight: Flight::new(),
            count: 0,
        }
    }

    /// Sends one packet: lost, or delivered after up to `delay` steps, now and then twice or,
    /// much later, replayed by an attacker.
    fn send(&mut self, step: u64, delay: u64, index: u64, packet: &[u8]) {
        let copies = if self.dice.chance(10) { 2 } else { 1 };
        for _ in 0..copies {
            if self.dice.chance(10) {
                continue;
            }
            let mut at = step + self.dice.roll(delay);
            if self.dice.chance(3) {
                at += 1000;
            }
            self.count += 1;
            self.flight
                .insert((at, self.count), (index, packet.to_vec()));
        }
    }

    /// What has arrived by `step`.
    fn arrived(&mut self, step: u64) -> Option<(u64, Vec<u8>)> {
        let entry = self.flight.first_entry()?;
        (entry.key().0 <= step).then(|| entry.remove())
    }
}

fn rtp_over_link(profile: Profile, seed: u64) {
    let mut config = Config::default();
    let mut link = Link::new(seed);
    config.rtp_window = [64, 100, 128, 1024][link.dice.roll(4) as usize];
    let window = u64::from(config.rtp_window);
    let (mut sender, mut receiver) = (
        Sender::new(key(profile, 1)),
        Receiver::with_config(key(profile, 1), config).unwrap(),
    );
    let ssrc = 0xcafe_babe;
    // RFC 3711 §3.3.1 wants the first sequence number below 2^15. The first packet is not lost.
    let mut index = link.dice.roll(1 << 15);
    let mut model = Model::default();
    let mut step = 0;
    for _ in 0..1500 {
        let payload = index.to_be_bytes();
        let (mut buf, len) = with_room(&rtp(ssrc, index as u16, &payload));
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        assert_eq!(sender.roc(ssrc), Some((index >> 16) as u32));
        if step == 0 {
            link.flight.insert((0, 0), (index, buf[..sealed].to_vec()));
        } else {
            link.send(step, window / 2, index, &buf[..sealed]);
        }
        while let Some((index, mut packet)) = link.arrived(step) {
            let true_index_is_near = model
                .taken
                .last()
                .is_none_or(|highest| highest.abs_diff(index) < 1 << 15);
            let expected = model.arrives(index, window).map(|()| len);
            let found = receiver.unprotect_rtp(&mut packet);
            if true_index_is_near {
                assert_eq!(found, expected, "seed {seed}, step {step}, index {index}");
            } else {
                // Replayed from a former roll-over: its index is taken for another one.
                assert!(found.is_err() && expected.is_err());
            }
            if found.is_ok() {
                assert_eq!(packet[12..20], index.to_be_bytes());
                let highest = *model.taken.last().unwrap();
                assert_eq!(receiver.roc(ssrc), Some((highest >> 16) as u32));
            }
        }
        // Silence now and then, until nothing is under way. Up to the wrap, when it is near: so
        // that packets change places across it.
        if link.dice.chance(3) {
            step += window / 2 + 1;
            let to_wrap = 65_536 - index % 65_536;
            let near = to_wrap < 16_000;
            index += if near {
                to_wrap.saturating_sub(30)
            } else {
                link.dice.roll(20_000)
            };
        }
        step += 1;
        index += 1;
    }
    assert!(index > 2 << 16, "the stream has wrapped");
    let stats = receiver.stats();
    assert_eq!(stats.rtp, model.taken.len() as u64);
    assert!(
        stats.rtp > 500 && stats.replayed > 0 && stats.too_old > 0,
        "{stats:?}"
    );
}

#[test]
fn rtp_streams_against_the_model() {
    for seed in 0..40 {
        rtp_over_link(Profile::ALL[seed as usize % Profile::ALL.len()], seed);
    }
}

#[test]
fn rtcp_streams_against_the_model() {
    for seed in 0..20 {
        let profile = Profile::ALL[seed as usize % Profile::ALL.len()];
        let (mut sender, mut receiver) =
            (Sender::new(key(profile, 1)), Receiver::new(key(profile, 1)));
        let mut link = Link::new(seed);
        let mut model = Model::default();
        let mut index = 0u32;
        for step in 0..1000 {
            let (mut buf, len) = with_room(&rtcp(7, 60));
            sender.set_next_rtcp_index(7, index).unwrap();
            let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
            link.send(step, 100, u64::from(index), &buf[..sealed]);
            while let Some((index, mut packet)) = link.arrived(step) {
                let expected = model.arrives(index, 128).map(|()| len);
                assert_eq!(
                    receiver.unprotect_rtcp(&mut packet),
                    expected,
                    "seed {seed}"
                );
            }
            index += if link.dice.chance(3) {
                link.dice.roll(1 << 20) as u32
            } else {
                1
            };
        }
        assert_eq!(receiver.stats().rtcp, model.taken.len() as u64);
    }
}

/// A sender that is fed in any order refuses what it has protected, and no index comes twice.
#[test]
fn a_sender_uses_no_index_twice() {
    for seed in 0..20 {
        let profile = Profile::ALL[seed as usize % Profile::ALL.len()];
        let mut sender = Sender::new(key(profile, 1));
        let mut dice = Dice::new(seed);
        let mut model = Model::default();
        let mut at = 1000u64;
        for _ in 0..2000 {
            at += dice.roll(3) + if dice.chance(2) { dice.roll(20_000) } else { 0 };
            let index = at.saturating_sub(dice.roll(200));
            let (mut buf, len) = with_room(&rtp(7, index as u16, &[1; 20]));
            let before = buf.clone();
            let expected = match model.arrives(index, 128) {
                Ok(()) => Ok(len + profile.rtp_overhead()),
                Err(UnprotectError::TooOld) => Err(ProtectError::SequenceTooOld),
                Err(_) => Err(ProtectError::SequenceReused),
            };
            assert_eq!(sender.protect_rtp(&mut buf, len), expected);
            assert_eq!(
                expected.is_err(),
                buf == before,
                "a refused packet is unchanged"
            );
        }
        let stats = sender.stats();
        assert!(stats.sequence_reused > 0 && stats.sequence_too_old > 0);
        assert_eq!(stats.rtp, model.taken.len() as u64);
    }
}

/// One packet of SSRC 7 under roll-over counter and sequence number.
fn sealed(profile: Profile, roc: u32, sequence_number: u16) -> Vec<u8> {
    let mut sender = Sender::new(key(profile, 1));
    sender.set_roc(7, roc).unwrap();
    let (mut buf, len) = with_room(&rtp(7, sequence_number, &[1; 20]));
    let sealed = sender.protect_rtp(&mut buf, len).unwrap();
    buf.truncate(sealed);
    buf
}

#[test]
fn a_late_receiver_is_told_the_roll_over_counter() {
    for profile in Profile::ALL {
        let mut receiver = Receiver::new(key(profile, 1));
        let open = |receiver: &mut Receiver, roc, sequence_number| {
            receiver
                .unprotect_rtp(&mut sealed(profile, roc, sequence_number))
                .map(|_| ())
        };
        let wrong = Err(UnprotectError::WrongTag);
        assert_eq!(open(&mut receiver, 5, 60_000), wrong);
        assert_eq!(receiver.roc(7), None, "no stream appears");
        receiver.set_roc(7, 5).unwrap();
        assert_eq!(receiver.roc(7), Some(5));
        assert_eq!(open(&mut receiver, 4, 60_000), wrong);
        assert_eq!(open(&mut receiver, 5, 60_000), Ok(()));
        assert_eq!(open(&mut receiver, 6, 10), Ok(()));
        assert_eq!(receiver.roc(7), Some(6));
        // Lost in a gap and told again. What was taken stays taken.
        assert_eq!(open(&mut receiver, 9, 10), Err(UnprotectError::Replayed));
        receiver.set_roc(7, 9).unwrap();
        assert_eq!(open(&mut receiver, 9, 10), Ok(()));
        assert_eq!(open(&mut receiver, 9, 10), Err(UnprotectError::Replayed));
        let backwards = SetIndexError::Backwards {
            present: 9,
            requested: 8,
        };
        assert_eq!(receiver.set_roc(7, 8), Err(backwards));
        assert_eq!(receiver.set_roc(7, 9), Ok(()));
        assert_eq!(open(&mut receiver, 9, 11), Ok(()));
    }
}

#[test]
fn a_guess_below_roll_over_0_is_dropped() {
    let profile = Profile::AesCm128HmacSha1_80;
    let mut receiver = Receiver::new(key(profile, 1));
    assert!(receiver.unprotect_rtp(&mut sealed(profile, 0, 0)).is_ok());
    for roc in [0, u32::MAX] {
        let refused = receiver.unprotect_rtp(&mut sealed(profile, roc, 32_769));
        assert_eq!(refused, Err(UnprotectError::TooOld));
    }
    assert_eq!(receiver.roc(7), Some(0));
}

#[test]
fn the_last_index_is_the_last() {
    for profile in Profile::ALL {
        let mut sender = Sender::new(key(profile, 1));
        let mut receiver = Receiver::new(key(profile, 1));
        sender.set_roc(7, u32::MAX).unwrap();
        receiver.set_roc(7, u32::MAX).unwrap();
        let (mut buf, len) = with_room(&rtp(7, 65_535, &[1; 20]));
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        assert_eq!(receiver.unprotect_rtp(&mut buf[..sealed]), Ok(len));
        let (mut buf, len) = with_room(&rtp(7, 0, &[1; 20]));
        assert_eq!(
            sender.protect_rtp(&mut buf, len),
            Err(ProtectError::KeyExhausted)
        );
        assert_eq!(
            receiver.unprotect_rtp(&mut buf),
            Err(UnprotectError::KeyExhausted)
        );

        sender.set_next_rtcp_index(7, 0x7fff_ffff).unwrap();
        let (mut buf, len) = with_room(&rtcp(7, 40));
        let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
        assert_eq!(receiver.unprotect_rtcp(&mut buf[..sealed]), Ok(len));
        let (mut buf, len) = with_room(&rtcp(7, 40));
        assert_eq!(
            sender.protect_rtcp(&mut buf, len),
            Err(ProtectError::KeyExhausted)
        );
        let too_large = SetIndexError::TooLarge { requested: 1 << 31 };
        assert_eq!(sender.set_next_rtcp_index(7, 1 << 31), Err(too_large));
        assert!(sender.set_next_rtcp_index(7, 5).is_err());
    }
}
