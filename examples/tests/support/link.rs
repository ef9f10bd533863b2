//! Two sessions on a simulated link, in virtual time.

use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use examples::session::{Event, Handled, Session};
use ice_agent::{Path, Received, SocketId, Transport};

/// What a link does to datagrams: percent, and milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Datagrams lost.
    pub(crate) loss: u64,
    /// Datagrams that arrive twice.
    pub(crate) duplication: u64,
    /// Time on the way.
    pub(crate) delay: u64,
    /// Time on the way on top, up to this, which also reorders.
    pub(crate) jitter: u64,
}

/// One side: its session, its address and what it told.
pub(crate) struct Side {
    /// The session.
    pub(crate) session: Session,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// What it told, in order.
    pub(crate) events: Vec<Event>,
    /// The RTP packets that arrived, decrypted.
    pub(crate) heard: Vec<Vec<u8>>,
}

impl Side {
    /// A side at `address`.
    pub(crate) fn new(session: Session, address: SocketAddr) -> Self {
        Self {
            session,
            address,
            events: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Whether it can send media.
    pub(crate) fn is_connected(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Connected { .. }))
    }

    /// Whether it is over.
    pub(crate) fn has_failed(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Failed(_)))
    }
}

/// The two sides and what is on its way between them.
pub(crate) struct Link {
    /// Virtual time.
    pub(crate) now: Instant,
    /// The sides.
    pub(crate) sides: [Side; 2],
    weather: Weather,
    random: u64,
    air: BinaryHeap<Flight>,
    sent: u64,
}

/// A datagram on its way.
#[derive(PartialEq, Eq)]
struct Flight {
    at: Instant,
    order: u64,
    to: usize,
    data: Vec<u8>,
}

impl Ord for Flight {
    /// The earliest arrival is the greatest.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Link {
    /// A link between two sides.
    pub(crate) fn new(now: Instant, sides: [Side; 2], weather: Weather, seed: u64) -> Self {
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self {
            now,
            sides,
            weather,
            random,
            air: BinaryHeap::new(),
            sent: 0,
        }
    }

    /// Runs until `done` or the time is over. Answers whether it was done.
    pub(crate) fn run(&mut self, span: Duration, mut done: impl FnMut(&[Side; 2]) -> bool) -> bool {
        let end = self.now + span;
        loop {
            (0..2).for_each(|side| self.drain(side));
            if done(&self.sides) {
                return true;
            }
            let timers = self
                .sides
                .iter()
                .filter_map(|side| side.session.poll_timeout());
            let arrival = self.air.peek().map(|flight| flight.at);
            let Some(next) = timers.chain(arrival).min().filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            self.arrive();
            for side in &mut self.sides {
                if side.session.poll_timeout().is_some_and(|at| at <= self.now) {
                    side.session.handle_timeout(self.now);
                    let next = side.session.poll_timeout();
                    assert!(next.is_none_or(|at| at > self.now), "a timeout in the past");
                }
            }
        }
    }

    /// Sends an RTP packet from a side. Answers whether its session took it.
    pub(crate) fn send_rtp(&mut self, from: usize, packet: &[u8]) -> bool {
        let headroom = ice_agent::HEADROOM;
        let mut buf = vec![0; headroom];
        buf.extend_from_slice(packet);
        buf.resize(buf.len() + examples::session::TAILROOM, 0);
        let range = headroom..headroom + packet.len();
        match self.sides[from].session.send_rtp(self.now, &mut buf, range) {
            Ok(transmit) => {
                self.launch(1 - from, &buf[transmit.range]);
                true
            }
            Err(_) => false,
        }
    }

    fn drain(&mut self, side: usize) {
        let mut out = BytesMut::new();
        while let Some(transmit) = self.sides[side].session.poll_transmit(&mut out) {
            let known = transmit.path.remote == self.sides[1 - side].address;
            if known {
                let frame = out[transmit.range].to_vec();
                self.launch(1 - side, &frame);
            }
            out.clear();
        }
        while let Some(event) = self.sides[side].session.poll_event() {
            self.sides[side].events.push(event);
        }
    }

    fn launch(&mut self, to: usize, data: &[u8]) {
        let copies = 1 + u64::from(self.percent(self.weather.duplication));
        for _ in 0..copies {
            if self.percent(self.weather.loss) {
                continue;
            }
            let jitter = self.below(self.weather.jitter + 1);
            let at = self.now + Duration::from_millis(self.weather.delay + jitter);
            self.sent += 1;
            self.air.push(Flight {
                at,
                order: self.sent,
                to,
                data: data.to_vec(),
            });
        }
    }

    fn arrive(&mut self) {
        while self.air.peek().is_some_and(|flight| flight.at <= self.now) {
            let Flight { to, mut data, .. } = self.air.pop().unwrap();
            let path = Path {
                id: SocketId(0),
                local: self.sides[to].address,
                remote: self.sides[1 - to].address,
                transport: Transport::Udp,
            };
            let side = &mut self.sides[to];
            let rx = Received {
                path,
                data: &mut data,
            };
            if let Handled::Rtp(range) = side.session.handle_datagram(self.now, rx) {
                side.heard.push(data[range].to_vec());
            }
            self.drain(to);
        }
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// xorshift64
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }
}
