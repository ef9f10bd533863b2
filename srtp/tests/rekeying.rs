//! Events ask for new keys early enough: both directions of a call change them over a bad link and
//! lose nothing.

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

use srtp::{Config, Event, MasterKey, Profile, Receiver, Sender, UnprotectError};
use virtual_network::{Dice, HostId, Network, Weather};

use common::{numbered, rtcp, rtp, with_room};

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
        let mut config = Config::default();
        config.rekey_margin = lifetime / 2;
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
        let mut packet = packet.to_vec();
        let (found, taken, len) = match srtp::is_rtcp(&packet) {
            true => {
                let found = self.receiver.unprotect_rtcp(&mut packet);
                (found, &mut self.taken_reports, 40)
            }
            false => {
                let found = self.receiver.unprotect_rtp(&mut packet);
                (found, &mut self.taken, 12 + 7)
            }
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
                    let report = report_of(&mut direction.sender);
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

fn report_of(sender: &mut Sender) -> Vec<u8> {
    let (mut buf, len) = with_room(&rtcp(1, 40));
    buf.resize(buf.len() + 2, 0);
    let sealed = sender.protect_rtcp(&mut buf, len).unwrap();
    buf.truncate(sealed);
    buf
}
