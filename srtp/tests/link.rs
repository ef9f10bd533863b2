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
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use srtp::{Config, Profile, ProtectError, Receiver, Sender, SetIndexError, UnprotectError};
use virtual_network::{Dice, HostId, Network, Weather};

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

/// A sender and a receiver, one packet a millisecond, and an attacker between them.
struct Link {
    network: Network,
    dice: Dice,
    hosts: [HostId; 2],
    /// What the attacker replays, and when.
    recorded: BTreeMap<Instant, Vec<u8>>,
}

const STEP: Duration = Duration::from_millis(1);

fn address(host: u8) -> SocketAddr {
    ([192, 0, 2, host], 4000).into()
}

impl Link {
    /// Packets are lost, repeated, and overtake one another by less than `window` steps.
    fn new(seed: u64, window: u64) -> Self {
        let weather = Weather {
            loss: 10.0,
            duplication: 10.0,
            jitter: (window - 1) as u32 * STEP,
            ..Weather::default()
        };
        #[allow(clippy::disallowed_methods)] // an origin of virtual time
        let mut network = Network::new(Instant::now(), seed, weather);
        let hosts = [1, 2].map(|host| network.add_host(&[address(host)]));
        Self {
            network,
            dice: Dice::new(seed),
            hosts,
            recorded: BTreeMap::new(),
        }
    }

    /// Sends one packet, with its true index before it so that the model is told. Now and then it
    /// is recorded and replayed much later.
    fn send(&mut self, index: u64, packet: &[u8]) {
        let datagram = [&index.to_be_bytes(), packet].concat();
        if self.dice.chance(3.0) {
            let later = self.network.now() + 1000 * STEP;
            self.recorded.insert(later, datagram.clone());
        }
        self.launch(&datagram);
    }

    fn launch(&mut self, datagram: &[u8]) {
        let [from, to] = [1, 2].map(address);
        self.network.send(self.hosts[0], from, to, datagram);
    }

    fn pass(&mut self, steps: u64) {
        self.network
            .advance(self.network.now() + steps as u32 * STEP);
        let now = self.network.now();
        while let Some(entry) = self.recorded.first_entry() {
            if *entry.key() > now {
                break;
            }
            let datagram = entry.remove();
            self.launch(&datagram);
        }
    }

    /// The next packet that has arrived by now, and its true index.
    fn arrived(&mut self) -> Option<(u64, Vec<u8>)> {
        let (_, mut datagram) = self.network.receive()?;
        let packet = datagram.data.split_off(8);
        Some((
            u64::from_be_bytes(datagram.data.try_into().unwrap()),
            packet,
        ))
    }
}

fn rtp_over_link(profile: Profile, seed: u64) {
    let mut config = Config::default();
    config.rtp_window = [64, 100, 128, 1024][Dice::new(seed).below(4) as usize];
    let window = u64::from(config.rtp_window);
    let mut link = Link::new(seed, window / 2);
    let (mut sender, mut receiver) = (
        Sender::new(key(profile, 1)),
        Receiver::with_config(key(profile, 1), config).unwrap(),
    );
    let ssrc = 0xcafe_babe;
    // A first sequence number near its wrap may be lost with it (RFC 3711 §3.3.1). This one is not.
    let mut index = link.dice.below(1 << 15);
    let mut model = Model::default();
    for step in 0..1500 {
        let payload = index.to_be_bytes();
        let (mut buf, len) = with_room(&rtp(ssrc, index as u16, &payload));
        let sealed = sender.protect_rtp(&mut buf, len).unwrap();
        assert_eq!(sender.roc(ssrc), Some((index >> 16) as u32));
        if step == 0 {
            assert_eq!(receiver.unprotect_rtp(&mut buf[..sealed]), Ok(len));
            assert_eq!(model.arrives(index, window), Ok(()));
        } else {
            link.send(index, &buf[..sealed]);
        }
        while let Some((index, mut packet)) = link.arrived() {
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
        // that packets change places across it. Not when all since the last silence was lost:
        // nobody can follow two such leaps at once (RFC 3711 §3.3.1).
        let follows = index - model.taken.last().unwrap() < 10_000;
        if link.dice.chance(3.0) && follows {
            link.pass(window / 2 + 1);
            let to_wrap = 65_536 - index % 65_536;
            let near = to_wrap < 16_000;
            index += if near {
                to_wrap.saturating_sub(30)
            } else {
                link.dice.below(20_000)
            };
        }
        link.pass(1);
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
        let mut link = Link::new(seed, 100);
        let mut model = Model::default();
        let mut index = 0u32;
        for _ in 0..1000 {
            let (mut buf, len) = with_room(&rtcp(7, 60));
            sender.set_next_rtcp_index(7, index).unwrap();
            let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
            link.send(u64::from(index), &buf[..sealed]);
            while let Some((index, mut packet)) = link.arrived() {
                let expected = model.arrives(index, 128).map(|()| len);
                assert_eq!(
                    receiver.unprotect_rtcp(&mut packet),
                    expected,
                    "seed {seed}"
                );
            }
            index += if link.dice.chance(3.0) {
                link.dice.below(1 << 20) as u32
            } else {
                1
            };
            link.pass(1);
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
            at += dice.below(3)
                + if dice.chance(2.0) {
                    dice.below(20_000)
                } else {
                    0
                };
            let index = at.saturating_sub(dice.below(200));
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

/// Whatever order packets come in and whatever counters are told in between: no two go out under one
/// key stream.
#[test]
fn a_sender_that_is_told_counters_uses_no_key_stream_twice() {
    for seed in 0..40 {
        let profile = Profile::AeadAes128Gcm;
        let mut sender = Sender::new(key(profile, 1));
        let mut dice = Dice::new(seed);
        let mut key_streams = BTreeSet::new();
        let mut at = dice.below(65_536);
        for _ in 0..2000 {
            if dice.chance(20.0) {
                let present = sender.roc(7).unwrap_or(0);
                let told = u64::from(present) + dice.below(3);
                let _ = sender.set_roc(7, (told as u32).saturating_sub(1));
            }
            at = match dice.below(10) {
                0 => dice.below(65_536),
                1 => at + dice.below(200),
                2 => at.saturating_sub(dice.below(200)),
                _ => at + 1,
            };
            // Zeros for payload: the key stream shows.
            let (mut buf, len) = with_room(&rtp(7, at as u16, &[0; 20]));
            if sender.protect_rtp(&mut buf, len).is_ok() {
                assert!(key_streams.insert(buf[12..32].to_vec()), "{seed} {at}");
            }
        }
        assert!(key_streams.len() > 500, "{}", key_streams.len());
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
