//! Two connections and a link between them, in virtual time.
#![allow(dead_code)] // each test program uses its part

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::{
    CloseCause, Config, Connected, Connection, Event, Fingerprint, Handled, Identity,
    SRTP_EXPORTER_LABEL,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub(crate) const LABEL: &str = SRTP_EXPORTER_LABEL;

#[allow(clippy::disallowed_methods)] // an origin for virtual time
pub(crate) fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Two identities for all tests of a program: making them is slow.
pub(crate) fn identities() -> &'static [Identity; 2] {
    static IDENTITIES: OnceLock<[Identity; 2]> = OnceLock::new();
    let make = || Identity::generate(UNIX_EPOCH + Duration::from_secs(1_780_000_000)).unwrap();
    IDENTITIES.get_or_init(|| [make(), make()])
}

pub(crate) fn configs() -> [Config; 2] {
    identities()
        .clone()
        .map(|identity| Config::new(identity).with_srtp_profiles(&[7, 1]))
}

pub(crate) fn fingerprint(side: usize) -> Fingerprint {
    identities()[side].fingerprint()
}

/// One end and what its owner knows of it.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) connected: Option<Connected>,
    pub(crate) connected_at: Option<Instant>,
    pub(crate) closed: Option<CloseCause>,
    pub(crate) closed_at: Option<Instant>,
    pub(crate) sent: usize,
}

impl End {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            connected: None,
            connected_at: None,
            closed: None,
            closed_at: None,
            sent: 0,
        }
    }

    pub(crate) fn transmits(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut out) {
            all.push(out[range].to_vec());
        }
        self.sent += all.len();
        all
    }

    pub(crate) fn take_events(&mut self, now: Instant) {
        while let Some(event) = self.connection.poll_event() {
            assert!(self.closed.is_none(), "an event after the end: {event:?}");
            match event {
                Event::Connected(connected) => {
                    assert!(self.connected.is_none());
                    self.connected = Some(connected);
                    self.connected_at = Some(now);
                }
                Event::Closed(cause) => {
                    self.closed = Some(cause);
                    self.closed_at = Some(now);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.connected.is_some() || self.closed.is_some()
    }

    pub(crate) fn exported(&self) -> [u8; 60] {
        let mut out = [0; 60];
        let peer = &self.connected.as_ref().unwrap().peer;
        self.connection
            .export_keying_material(peer, LABEL, None, &mut out)
            .unwrap();
        out
    }

    pub(crate) fn data(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_data(&mut out) {
            all.push(out[range].to_vec());
        }
        all
    }
}

/// How bad a link is: chances in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) loss: u32,
    pub(crate) duplication: u32,
    pub(crate) reordering: u32,
    pub(crate) corruption: u32,
    pub(crate) delay: Duration,
}

/// Client at index 0, server at index 1, and what is under way between them.
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    pub(crate) now: Instant,
    weather: Weather,
    rng: ChaCha8Rng,
    under_way: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    serial: u64,
    /// The largest datagram that was sent, in bytes.
    pub(crate) largest: usize,
    /// Everything that this side sends is lost.
    pub(crate) muted: Option<usize>,
}

impl Link {
    pub(crate) fn new(configs: [Config; 2], seed: u64, weather: Weather) -> Self {
        let [client, server] = configs.map(Arc::new);
        let now = origin();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut seed = || {
            let mut bytes = [0; 32];
            rng.fill_bytes(&mut bytes);
            bytes
        };
        let ends = [
            End::new(Connection::client(client, seed(), now)),
            End::new(Connection::server(server, seed(), now)),
        ];
        Self {
            ends,
            now,
            weather,
            rng,
            under_way: BTreeMap::new(),
            serial: 0,
            largest: 0,
            muted: None,
        }
    }

    /// Both ends know whom they speak with.
    pub(crate) fn introduced(mut self) -> Self {
        for side in 0..2 {
            let peer = vec![fingerprint(1 - side)];
            self.ends[side]
                .connection
                .set_peer_fingerprints(self.now, peer);
        }
        self
    }

    pub(crate) fn causes(&self) -> [Option<CloseCause>; 2] {
        self.ends.each_ref().map(|end| end.closed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// What is under way, and to which side.
    pub(crate) fn take_under_way(&mut self) -> Vec<(usize, Vec<u8>)> {
        core::mem::take(&mut self.under_way).into_values().collect()
    }

    /// Lets somebody change what is under way, told to which side.
    pub(crate) fn change_under_way(&mut self, mut change: impl FnMut(usize, &mut Vec<u8>)) {
        for (to, datagram) in self.under_way.values_mut() {
            change(*to, datagram);
        }
    }

    /// Delivers what is under way, without waiting for timeouts.
    pub(crate) fn deliver(&mut self) {
        self.drain();
        while self.is_busy() {
            self.step();
            self.drain();
        }
    }

    fn chance(&mut self, in_a_thousand: u32) -> bool {
        self.rng.next_u32() % 1000 < in_a_thousand
    }

    fn post(&mut self, from: usize, datagram: Vec<u8>) {
        let mut delay = self.weather.delay;
        if self.chance(self.weather.reordering) {
            delay += self
                .weather
                .delay
                .mul_f64(f64::from(self.rng.next_u32() % 300) / 100.0)
                + Duration::from_millis(3);
        }
        self.serial += 1;
        self.under_way
            .insert((self.now + delay, self.serial), (1 - from, datagram));
    }

    pub(crate) fn drain(&mut self) {
        for side in 0..2 {
            let now = self.now;
            self.ends[side].take_events(now);
            for mut datagram in self.ends[side].transmits() {
                self.largest = self.largest.max(datagram.len());
                if self.chance(self.weather.loss) || self.muted == Some(side) {
                    continue;
                }
                if self.chance(self.weather.duplication) {
                    self.post(side, datagram.clone());
                }
                if self.chance(self.weather.corruption) {
                    let at = self.rng.next_u32() as usize % datagram.len();
                    datagram[at] ^= 1 << (self.rng.next_u32() % 8);
                }
                self.post(side, datagram);
            }
            if let Some(at) = self.ends[side].connection.poll_timeout() {
                assert!(at > self.now, "a timeout in the past");
            }
        }
    }

    /// Goes on to the next arrival or timeout. `false` when nothing will ever happen again.
    pub(crate) fn step(&mut self) -> bool {
        self.drain();
        let arrival = self.under_way.keys().next().map(|key| key.0);
        let timeout = self
            .ends
            .iter()
            .filter_map(|end| end.connection.poll_timeout())
            .min();
        let Some(next) = arrival.into_iter().chain(timeout).min() else {
            return false;
        };
        self.now = self.now.max(next);
        while let Some(entry) = self.under_way.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (to, mut datagram) = entry.remove();
            let _: Handled = self.ends[to]
                .connection
                .handle_datagram(self.now, &mut datagram);
        }
        for end in &mut self.ends {
            if end
                .connection
                .poll_timeout()
                .is_some_and(|at| at <= self.now)
            {
                end.connection.handle_timeout(self.now);
            }
        }
        true
    }

    /// Until both ends are connected or closed and nothing is under way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.drain();
            if self.ends.iter().all(End::is_settled) && self.under_way.is_empty() {
                return;
            }
            if !self.step() {
                self.drain();
                return;
            }
        }
        panic!("no end in sight");
    }
}
