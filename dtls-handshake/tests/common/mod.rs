//! Two connections and a link between them, in virtual time.
#![allow(dead_code)] // each test program uses its part

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::{
    Admission, CloseCause, Config, Connected, Connection, Event, Fingerprint, Handled, Identity,
    Listener, SRTP_EXPORTER_LABEL, Version,
};
use virtual_network::{Datagram, Dice, HostId, Network, Weather};

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

/// Both sides with DTLS 1.2 alone.
pub(crate) fn configs() -> [Config; 2] {
    configs_of(&[Version::Dtls12])
}

pub(crate) fn configs_of(versions: &[Version]) -> [Config; 2] {
    identities().clone().map(|identity| {
        Config::new(identity)
            .with_versions(versions)
            .with_srtp_profiles(&[7, 1])
    })
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

/// Client at index 0, server at index 1, and the network between them.
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    network: Network,
    hosts: [HostId; 2],
    /// The largest datagram that was sent, in bytes.
    pub(crate) largest: usize,
    /// In front of the server, until the client has brought back its cookie.
    door: Option<Listener>,
    /// Bytes that came to it, less those that it answered with.
    unanswered: usize,
}

fn address(side: usize) -> SocketAddr {
    ([192, 0, 2, side as u8 + 1], 4000).into()
}

impl Link {
    pub(crate) fn new(configs: [Config; 2], seed: u64, weather: Weather) -> Self {
        let [client, server] = configs.map(Arc::new);
        let now = origin();
        let mut dice = Dice::new(seed);
        let ends = [
            End::new(Connection::client(client, dice.seed(), now)),
            End::new(Connection::server(server, dice.seed(), now)),
        ];
        let mut network = Network::new(now, seed, weather);
        let hosts = [0, 1].map(|side| network.add_host(&[address(side)]));
        Self {
            ends,
            network,
            hosts,
            largest: 0,
            door: None,
            unanswered: 0,
        }
    }

    /// The server is reached through a listener.
    pub(crate) fn with_listener(configs: [Config; 2], seed: u64, weather: Weather) -> Self {
        let door = Listener::new(configs[1].clone(), Dice::new(!seed).seed());
        Self {
            door: Some(door),
            ..Self::new(configs, seed, weather)
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.network.now()
    }

    /// Both ends know whom they speak with.
    pub(crate) fn introduced(self) -> Self {
        self.introduced_as([0, 1].map(fingerprint))
    }

    /// Both ends know each other by these fingerprints, that of the client first.
    pub(crate) fn introduced_as(mut self, fingerprints: [Fingerprint; 2]) -> Self {
        for side in 0..2 {
            let (now, peer) = (self.now(), vec![fingerprints[1 - side]]);
            let connection = &mut self.ends[side].connection;
            connection.set_peer_fingerprints(now, peer);
        }
        self
    }

    pub(crate) fn causes(&self) -> [Option<CloseCause>; 2] {
        self.ends.each_ref().map(|end| end.closed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.network.next_arrival().is_some()
    }

    /// Everything that this side sends is lost, and nothing of the other's.
    pub(crate) fn mute(&mut self, side: usize) {
        let muted = address(side);
        self.network.block(move |datagram| datagram.from == muted);
    }

    /// All are heard again.
    pub(crate) fn unmute(&mut self) {
        self.network.unblock();
    }

    /// What is under way, and to which side.
    pub(crate) fn take_under_way(&mut self) -> Vec<(usize, Vec<u8>)> {
        let datagrams = self.network.take_under_way().into_iter();
        datagrams
            .map(|datagram| (side_of(&datagram), datagram.data))
            .collect()
    }

    /// Lets somebody change what is under way, told to which side.
    pub(crate) fn change_under_way(&mut self, mut change: impl FnMut(usize, &mut Vec<u8>)) {
        self.network
            .tamper(|datagram| change(side_of(datagram), &mut datagram.data));
    }

    /// Delivers what is under way, without waiting for timeouts.
    pub(crate) fn deliver(&mut self) {
        self.drain();
        while self.is_busy() {
            self.step();
            self.drain();
        }
    }

    pub(crate) fn drain(&mut self) {
        let now = self.now();
        for (side, end) in self.ends.iter_mut().enumerate() {
            end.take_events(now);
            for datagram in end.transmits() {
                self.largest = self.largest.max(datagram.len());
                let (from, to) = (address(side), address(1 - side));
                self.network.send(self.hosts[side], from, to, &datagram);
            }
            if let Some(at) = end.connection.poll_timeout() {
                assert!(at > now, "a timeout in the past");
            }
        }
    }

    /// Goes on to the next arrival or timeout. `false` when nothing will ever happen again.
    pub(crate) fn step(&mut self) -> bool {
        self.drain();
        let timeouts = self
            .ends
            .each_ref()
            .map(|end| end.connection.poll_timeout());
        let arrival = self.network.next_arrival();
        let Some(next) = timeouts.into_iter().chain([arrival]).flatten().min() else {
            return false;
        };
        self.network.advance(next);
        let now = self.now();
        while let Some((_, mut datagram)) = self.network.receive() {
            let side = side_of(&datagram);
            if side == 1 && self.door.is_some() {
                self.knock(now, &mut datagram.data);
                continue;
            }
            let connection = &mut self.ends[side].connection;
            let _: Handled = connection.handle_datagram(now, &mut datagram.data);
        }
        for end in &mut self.ends {
            if end.connection.poll_timeout().is_some_and(|at| at <= now) {
                end.connection.handle_timeout(now);
            }
        }
        true
    }

    /// A datagram of the client comes to the listener. A server that has given up opens no more.
    fn knock(&mut self, now: Instant, datagram: &mut [u8]) {
        let Some(door) = self.door.as_mut().filter(|_| !self.ends[1].is_settled()) else {
            return;
        };
        self.unanswered += datagram.len();
        let mut out = BytesMut::new();
        match door.handle_datagram(now, address(0), datagram, &mut out) {
            Admission::Reply(range) => {
                self.unanswered = self.unanswered.checked_sub(range.len()).unwrap();
                self.network
                    .send(self.hosts[1], address(1), address(0), &out[range]);
            }
            Admission::Accepted(mut connection) => {
                connection.set_peer_fingerprints(now, vec![fingerprint(0)]);
                self.ends[1].connection = *connection;
                self.door = None;
            }
            Admission::Dropped(_) | Admission::Waiting => {}
        }
    }

    /// Until both ends are connected or closed and nothing is under way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.drain();
            if self.ends.iter().all(End::is_settled) && !self.is_busy() {
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

/// The side that a datagram goes to.
fn side_of(datagram: &Datagram) -> usize {
    usize::from(datagram.to == address(1))
}
