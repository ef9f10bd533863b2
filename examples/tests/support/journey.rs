//! One random life of two sessions: their network, what moves and when, and what becomes of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dtls_handshake::Identity;
use examples::session::{Event, Failure};
use ice_agent::{Candidate, Role};
use virtual_network::{Dice, NatId, NatKind, Network, Weather};

use super::link::{Link, Side};
use super::pair::{Pair, one_socket};

const MS: Duration = Duration::from_millis(1);

/// Both sides are connected or failed by then: ICE gives up after 39.5 s, DTLS after 30 s more,
/// and consent lasts 30 s.
const SETTLED: Duration = Duration::from_secs(100);

/// Media flows both ways by then, or a side has failed. Consent lasts 30 s from the last answer,
/// and the other side's again as long.
const DECIDED: Duration = Duration::from_secs(65);

/// The same where a restart was not answered: ICE waits for that for three minutes.
const DECIDED_ALONE: Duration = Duration::from_secs(190);

/// What changes its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Nothing does.
    Nothing,
    /// The NAT in front of one side forgets its mappings.
    Rebinding,
    /// The NAT in front of one side gets another IP address.
    NewNatAddress,
    /// One side's own IP address goes, and its socket with it.
    NewHostAddress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// Within two round trips of the start.
    Before,
    /// Within two round trips of the first path that ICE finds.
    During,
    /// When both have been connected for a while.
    After,
}

/// What is drawn for one run.
#[derive(Debug, Clone)]
pub(crate) struct Journey {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) roles: [Role; 2],
    /// The side that is behind a NAT, or that moves.
    pub(crate) side: usize,
    pub(crate) nat: Option<NatKind>,
    pub(crate) change: Change,
    pub(crate) when: When,
    /// The side that restarts ICE within ten seconds of a change after the connection.
    pub(crate) restart: Option<usize>,
    /// Whether the other side hears of the restart.
    pub(crate) signalled: bool,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// When both were connected, from the start.
    pub(crate) connected: Option<Duration>,
    /// How long it took from the change until both heard each other, in calm weather.
    pub(crate) interrupted: Option<Duration>,
    /// Why each side failed, if it did.
    pub(crate) failures: [Option<Failure>; 2],
}

impl Outcome {
    /// Whether both sides talk at the end.
    pub(crate) fn talks(&self) -> bool {
        self.failures.iter().all(Option::is_none)
    }
}

impl Journey {
    /// The life that a seed stands for.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let kinds = [
            NatKind::FULL_CONE,
            NatKind::RESTRICTED,
            NatKind::PORT_RESTRICTED,
            NatKind::SYMMETRIC,
        ];
        let changes = [
            Change::Nothing,
            Change::Rebinding,
            Change::NewNatAddress,
            Change::NewHostAddress,
        ];
        let change = changes[dice.below(4) as usize];
        let nat = Some(kinds[dice.below(4) as usize]);
        let nat = nat.filter(|_| match change {
            Change::Nothing => dice.chance(50.0),
            Change::Rebinding | Change::NewNatAddress => true,
            Change::NewHostAddress => false,
        });
        let weather = Weather {
            loss: dice.below(5) as f64 * 8.0,
            duplication: dice.below(3) as f64 * 10.0,
            delay: (5 + dice.below(150)) as u32 * MS,
            jitter: dice.below(100) as u32 * MS,
            outage: [0.0, 0.0, 0.5][dice.below(3) as usize],
            outage_length: dice.time(2000 * MS),
            // The elliptic curves have randomness of their own: with this, a seed may end otherwise
            // the next time.
            corruption: [0.0, 0.0, 0.0, 2.0][dice.below(4) as usize],
        };
        let leader = dice.below(2) as usize;
        let mut roles = [Role::Controlled; 2];
        roles[leader] = Role::Controlling;
        Self {
            seed,
            weather,
            roles,
            side: dice.below(2) as usize,
            nat,
            change,
            when: [When::Before, When::During, When::After][dice.below(3) as usize],
            restart: [None, None, Some(0), Some(1)][dice.below(4) as usize],
            signalled: dice.chance(80.0),
        }
    }

    /// A round trip, on the average.
    pub(crate) fn round_trip(&self) -> Duration {
        self.weather.delay * 2 + self.weather.jitter
    }

    /// Lives it.
    ///
    /// # Panics
    /// When it does not end, or a packet comes changed or twice, or is missing in calm weather.
    pub(crate) fn live(&self, start: Instant, identities: &[Identity; 2]) -> Outcome {
        let mut traveller = Traveller::new(self, start, identities);
        traveller.set_out();
        let both = |sides: &[Side; 2]| sides.iter().all(Side::is_connected);
        let connected = both(&traveller.link.sides).then(|| {
            let at = traveller.link.sides.each_ref().map(Side::connected_at);
            at.into_iter().flatten().max().unwrap() - start
        });
        traveller.end();
        let (changed, heard) = (traveller.changed, traveller.heard);
        let failures = traveller.link.sides.each_ref().map(Side::failure);
        Outcome {
            connected,
            interrupted: changed.zip(heard).map(|(from, to)| to - from),
            failures: failures.map(Option::<&Failure>::cloned),
        }
    }
}

/// The two of one journey under way.
struct Traveller<'a> {
    journey: &'a Journey,
    link: Link,
    addresses: [SocketAddr; 2],
    nat: Option<NatId>,
    dice: Dice,
    next: u16,
    changed: Option<Instant>,
    heard: Option<Instant>,
    /// A side waits for the answer to its restart, and none will come.
    alone: bool,
}

fn is_settled(sides: &[Side; 2]) -> bool {
    let settled = |side: &Side| side.is_connected() || side.has_failed();
    sides.iter().all(settled)
}

fn any_failed(sides: &[Side; 2]) -> bool {
    sides.iter().any(Side::has_failed)
}

fn all_failed(sides: &[Side; 2]) -> bool {
    sides.iter().all(Side::has_failed)
}

impl<'a> Traveller<'a> {
    fn new(journey: &'a Journey, start: Instant, identities: &'a [Identity; 2]) -> Self {
        let mut network = Network::new(start, journey.seed, journey.weather);
        let mut addresses = [1, 2].map(|host| ([192, 0, 2, host], 4000).into());
        let public = [203, 0, 113, 1].into();
        let nat = journey.nat.map(|kind| network.add_nat(public, kind));
        if nat.is_some() {
            addresses[journey.side] = ([10, 0, 0, 1], 4000).into();
        }
        let hosts = [0, 1].map(|side| match nat {
            Some(nat) if side == journey.side => network.add_host_behind(nat, &[addresses[side]]),
            _ => network.add_host(&[addresses[side]]),
        });
        let pair = Pair {
            identities,
            sockets: addresses.map(one_socket),
            roles: journey.roles,
            profiles: &[0x0007, 0x0001],
            seed: journey.seed,
        };
        Self {
            journey,
            link: Link::new(network, pair.sessions(start), hosts),
            addresses,
            nat,
            dice: Dice::new(!journey.seed),
            next: 0,
            changed: None,
            heard: None,
            alone: false,
        }
    }

    /// Until each side is connected or failed, and all has moved that does.
    fn set_out(&mut self) {
        let soon = 2 * self.journey.round_trip();
        match self.journey.when {
            When::Before => {
                self.pass(soon);
                self.shift();
            }
            When::During => {
                let path = |(_, event): &(Instant, Event)| matches!(event, Event::Path { .. });
                let found = |side: &Side| side.has_failed() || side.events.iter().any(path);
                self.link.run(SETTLED, |sides| sides.iter().any(found));
                self.pass(soon);
                self.shift();
            }
            When::After => {}
        }
        let settled = self.link.run(SETTLED, is_settled);
        assert!(settled, "neither connected nor failed: {:?}", self.journey);
        if self.journey.when == When::After && !any_failed(&self.link.sides) {
            self.talk(25);
            self.pass(3000 * MS);
            self.shift();
            if let Some(side) = self.journey.restart {
                self.pass(10_000 * MS);
                self.restart(side);
            }
        }
    }

    /// Until they talk in calm weather, or both have failed.
    fn end(&mut self) {
        self.talk(10);
        // What is still under way arrives first.
        let Weather { delay, jitter, .. } = self.journey.weather;
        self.link.network.set_weather(Weather::calm(delay));
        self.pass_exactly(delay + jitter);
        let decided = if self.alone { DECIDED_ALONE } else { DECIDED };
        let (end, journey) = (self.link.now() + decided, self.journey);
        while !any_failed(&self.link.sides) && self.heard.is_none() {
            assert!(self.link.now() < end, "connected and mute: {journey:?}");
            if self.arrivals_of(1).iter().all(|arrived| *arrived > 0) {
                self.heard = Some(self.link.now());
                assert_eq!(self.arrivals_of(20), [20; 2], "{journey:?}");
            }
        }
        if any_failed(&self.link.sides) {
            let told = self.link.run(decided, all_failed);
            assert!(told, "one failed and the other did not: {journey:?}");
        }
        self.check_heard();
    }

    /// How many packets each side hears while each sends so many.
    fn arrivals_of(&mut self, packets: u16) -> [usize; 2] {
        let before = self.link.sides.each_ref().map(|side| side.heard.len());
        self.talk(packets);
        self.pass_exactly(500 * MS);
        [0, 1].map(|side| self.link.sides[side].heard.len() - before[side])
    }

    /// Whatever was heard is what was sent, and was heard once.
    fn check_heard(&self) {
        let journey = self.journey;
        for (at, side) in self.link.sides.iter().enumerate() {
            let mut known = BTreeSet::new();
            for packet in &side.heard {
                let sequence = u16::from_be_bytes([packet[2], packet[3]]);
                assert_eq!(*packet, rtp(1 - at, sequence), "changed: {journey:?}");
                assert!(sequence < self.next, "never sent: {journey:?}");
                assert!(known.insert(sequence), "heard twice: {journey:?}");
            }
        }
    }

    /// One side asks the other to begin ICE anew; signalling takes as long as the network.
    fn restart(&mut self, side: usize) {
        let (now, answerer) = (self.link.now(), 1 - side);
        let Ok(offer) = self.link.sides[side].session.restart_ice(now, None) else {
            return; // It has failed meanwhile.
        };
        self.alone = true;
        if !self.journey.signalled {
            return;
        }
        self.pass_exactly(self.journey.round_trip());
        let now = self.link.now();
        let session = &mut self.link.sides[answerer].session;
        let Ok(answer) = session.restart_ice(now, Some(offer.credentials)) else {
            return; // It is the other that has failed.
        };
        self.alone = false;
        self.learn(answerer, offer.candidates);
        self.pass_exactly(self.journey.round_trip());
        let now = self.link.now();
        let session = &mut self.link.sides[side].session;
        if session
            .set_remote_credentials(now, answer.credentials)
            .is_ok()
        {
            self.learn(side, answer.candidates);
        }
    }

    fn learn(&mut self, side: usize, candidates: Vec<Candidate>) {
        let (now, session) = (self.link.now(), &mut self.link.sides[side].session);
        for candidate in candidates {
            session.add_remote_candidate(now, candidate);
        }
        session.end_of_remote_candidates(now);
    }

    /// Each side sends so many packets, 20 ms apart.
    fn talk(&mut self, packets: u16) {
        for sequence in self.next..self.next + packets {
            for side in 0..2 {
                self.link.send_rtp(side, &rtp(side, sequence));
            }
            self.pass_exactly(20 * MS);
        }
        self.next += packets;
    }

    fn pass_exactly(&mut self, time: Duration) {
        self.link.run(time, |_| false);
    }

    /// Lets some time go by.
    fn pass(&mut self, most: Duration) {
        let time = self.dice.time(most);
        self.pass_exactly(time);
    }

    /// What moves does so.
    fn shift(&mut self) {
        self.changed = Some(self.link.now());
        let network = &mut self.link.network;
        match (self.journey.change, self.nat) {
            (Change::Rebinding, Some(nat)) => network.rebind(nat),
            (Change::NewNatAddress, Some(nat)) => network.move_nat(nat, [203, 0, 113, 2].into()),
            (Change::NewHostAddress, _) => {
                let side = self.journey.side;
                let new = ([192, 0, 2, 100], 4000).into();
                network.move_address(self.link.sides[side].host, self.addresses[side], new);
            }
            _ => {}
        }
    }
}

/// A packet that tells who sent it and which one it is, in each of its bytes.
pub(crate) fn rtp(side: usize, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, side as u8];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend([sequence as u8 ^ (side as u8) << 7; 160]);
    packet
}
