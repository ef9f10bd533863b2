//! Lifetimes of master keys: told before they are over, kept on both sides, and enough time to
//! change keys without losing a packet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use srtp::{
    Config, CryptoAttribute, Event, KeyError, MasterKey, Profile, ProtectError, Receiver, Sender,
    UnprotectError,
};
use virtual_network::{Dice, HostId, Network, Weather};

use common::{key, rtcp, rtp, with_room};

/// A key of `packets` packets that is another one for each `number`, which is its MKI.
fn numbered(profile: Profile, number: u8, packets: u64) -> MasterKey {
    let key = key(profile, number).with_lifetime(packets).unwrap();
    key.with_mki(&[0, number]).unwrap()
}

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
    let near = |left| Some(Event::KeyNearlyUsed { mki: None, left });
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

/// One direction of a call whose keys are short-lived: a sender, its receiver, and what the
/// signalling carries from one to the other when an event asks for another key.
struct Direction {
    profile: Profile,
    lifetime: u64,
    sender: Sender,
    receiver: Receiver,
    newest_key: u8,
    /// When the sender changes to the newest key, which the receiver has.
    change_at: Option<u64>,
    taken: BTreeSet<u64>,
    taken_reports: BTreeSet<u64>,
}

impl Direction {
    fn new(profile: Profile, first_key: u8, lifetime: u64) -> Self {
        let config = margin(lifetime / 2);
        Self {
            profile,
            lifetime,
            sender: Sender::with_config(numbered(profile, first_key, lifetime), config).unwrap(),
            receiver: Receiver::with_config(numbered(profile, first_key, lifetime), config)
                .unwrap(),
            newest_key: first_key,
            change_at: None,
            taken: BTreeSet::new(),
            taken_reports: BTreeSet::new(),
        }
    }

    fn key(&self) -> MasterKey {
        numbered(self.profile, self.newest_key, self.lifetime)
    }

    /// Events ask for the next key. The receiver has it at once, the sender changes later; the key
    /// before the last is dropped.
    fn follow_events(&mut self, step: u64, delay: u64) {
        let sender_event = self.sender.poll_event();
        if let Some(event) = sender_event.or_else(|| self.receiver.poll_event()) {
            let Event::KeyNearlyUsed { mki, .. } = event else {
                panic!("{event:?} came before the keys were changed");
            };
            if mki.as_deref() == Some(&[0, self.newest_key]) && self.change_at.is_none() {
                self.newest_key += 1;
                self.receiver.add_key(self.key()).unwrap();
                self.change_at = Some(step + delay);
            }
        }
        if self.change_at.is_some_and(|at| at <= step) {
            self.sender.change_key(self.key()).unwrap();
            self.receiver
                .remove_key(&[0, self.newest_key.wrapping_sub(2)]);
            self.change_at = None;
        }
    }

    /// A packet with its true index has come, perhaps again.
    fn arrives(&mut self, index: u64, packet: &[u8]) {
        let is_rtcp = srtp::is_rtcp(packet);
        let found = unprotect(&mut self.receiver, is_rtcp, packet);
        let (taken, len) = match is_rtcp {
            true => (&mut self.taken_reports, 40),
            false => (&mut self.taken, 12 + 7),
        };
        let expected = match taken.insert(index) {
            true => Ok(len),
            false => Err(UnprotectError::Replayed),
        };
        assert_eq!(found, expected, "{index}");
    }
}

const STEP: Duration = Duration::from_millis(1);

/// Host 0 and 1; the packets of direction 0 go from 0 to 1.
struct Link {
    network: Network,
    hosts: [HostId; 2],
}

fn address(host: usize) -> SocketAddr {
    ([192, 0, 2, host as u8 + 1], 4000).into()
}

impl Link {
    fn new(seed: u64) -> Self {
        let weather = Weather {
            loss: 5.0,
            duplication: 5.0,
            jitter: 20 * STEP,
            ..Weather::default()
        };
        #[allow(clippy::disallowed_methods)] // an origin of virtual time
        let mut network = Network::new(Instant::now(), seed, weather);
        let hosts = [0, 1].map(|host| network.add_host(&[address(host)]));
        Self { network, hosts }
    }

    fn send(&mut self, from: usize, index: u64, packet: &[u8]) {
        let datagram = [&index.to_be_bytes(), packet].concat();
        let (source, destination) = (address(from), address(1 - from));
        self.network
            .send(self.hosts[from], source, destination, &datagram);
    }

    /// What has arrived by now: the direction, the true index, the packet.
    fn arrived(&mut self) -> Option<(usize, u64, Vec<u8>)> {
        let (host, mut datagram) = self.network.receive()?;
        let packet = datagram.data.split_off(8);
        let index = u64::from_be_bytes(datagram.data.try_into().unwrap());
        let from = self.hosts.iter().position(|&it| it != host).unwrap();
        Some((from, index, packet))
    }
}

/// Both directions change keys many times over a link that loses, repeats and reorders. No packet
/// that arrives is refused but as a repetition, no key is used beyond its life, and roll-over
/// counters go on.
#[test]
fn keys_are_changed_in_time_on_both_sides() {
    for seed in 0..16 {
        let profile = Profile::ALL[seed as usize % Profile::ALL.len()];
        let mut dice = Dice::new(seed);
        let mut link = Link::new(seed);
        let mut directions = [0, 100].map(|first_key| {
            let lifetime = 200 + dice.below(200);
            Direction::new(profile, first_key, lifetime)
        });
        let first = 65_000;
        // The first packets are not lost: a roll-over follows.
        for direction in &mut directions {
            for ssrc in 0..3 {
                let packet = rtp_of(&mut direction.sender, ssrc, first);
                direction.arrives(first * 3 + ssrc, &packet);
            }
        }
        for step in first + 1..first + 2500 {
            for (from, direction) in directions.iter_mut().enumerate() {
                direction.follow_events(step, 20 + dice.below(30));
                let ssrc = dice.below(3);
                let packet = rtp_of(&mut direction.sender, ssrc, step);
                link.send(from, step * 3 + ssrc, &packet);
                if step % 10 == 0 {
                    let report = protect(&mut direction.sender, true, 1).unwrap();
                    link.send(from, step, &report);
                }
            }
            link.network.advance(link.network.now() + STEP);
            while let Some((from, index, packet)) = link.arrived() {
                directions[from].arrives(index, &packet);
            }
        }
        for direction in &directions {
            assert_eq!(direction.sender.stats().key_exhausted, 0);
            let stats = direction.receiver.stats();
            assert_eq!(stats.rtp, direction.taken.len() as u64);
            assert_eq!(stats.rtcp, direction.taken_reports.len() as u64);
            assert!(stats.rtcp > 220, "{stats:?}");
            assert!(stats.rtp > 2200 && stats.replayed > 0, "{stats:?}");
            assert!(direction.newest_key % 100 >= 5, "{}", direction.newest_key);
            assert_eq!(direction.sender.roc(0), Some(1));
            assert_eq!(direction.receiver.roc(0), Some(1));
        }
    }
}

/// The packet with this true index of a stream.
fn rtp_of(sender: &mut Sender, ssrc: u64, index: u64) -> Vec<u8> {
    let (mut buf, len) = with_room(&rtp(ssrc as u32, index as u16, b"payload"));
    buf.resize(buf.len() + 2, 0);
    let sealed = sender.protect_rtp(&mut buf, len).unwrap();
    buf.truncate(sealed);
    buf
}
