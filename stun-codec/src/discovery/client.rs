//! The asking side (RFC 5780 §4).

use core::net::SocketAddr;
use std::time::{Duration, Instant};

use alloc::collections::VecDeque;

use bytes::BytesMut;

use super::Behaviour;
use super::ids::Ids;
use super::probe::{Inconclusive, Probe, Question};
use crate::{
    Close, Family, Handled, Local, Message, Open, OpenError, Port, Received, SocketId, Timing,
    Transmit, Wanted,
};

/// Finds out how the NAT on the way to a server maps and filters.
///
/// It keeps the [contract](crate::path): drain [`poll_transmit`](Self::poll_transmit), then
/// [`poll_event`](Self::poll_event), then read [`poll_timeout`](Self::poll_timeout); any other order is
/// harmless. It asks for two UDP sockets by [`Event::Open`], and ends with [`Event::Finished`]: after half
/// a minute at the latest, and at once where all is open.
#[derive(Debug)]
pub struct Discovery {
    probes: [Probe; 2],
    ids: Ids,
    events: VecDeque<Event>,
    is_finished: bool,
    stats: Stats,
}

/// What a discovery has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A socket is wanted.
    Open(Open),
    /// A socket is wanted no more.
    Close(Close),
    /// What was found out. Nothing comes after it.
    Finished(Result<Report, Failure>),
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Our address.
    pub local: SocketAddr,
    /// Our address as the server sees it.
    pub mapped: SocketAddr,
    /// What the outer port depends on. Without a NAT: on nothing.
    pub mapping: Result<Behaviour, Inconclusive>,
    /// Whose datagrams are let in. Without a NAT this is a firewall's doing.
    pub filtering: Result<Behaviour, Inconclusive>,
}

impl Report {
    /// Whether there is a NAT on the way: the server sees another address.
    #[must_use]
    pub fn is_translated(&self) -> bool {
        self.local != self.mapped
    }
}

/// Why nothing was found out at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(#[source] pub Inconclusive);

/// What became of the datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Answered a request that was under way.
    pub taken: u64,
    /// No STUN message, or a broken one.
    pub malformed: u64,
    /// A STUN message that was not awaited, or from elsewhere than it should have come.
    pub unexpected: u64,
}

/// Silence must be told from loss, and soon: five requests in eight and a half seconds.
const TIMING: Timing = Timing {
    rto: Duration::from_millis(500),
    requests: 5,
    final_wait: 2,
};

impl Discovery {
    /// Begins to ask a server at its primary address. The seed must be random.
    #[must_use]
    pub fn new(seed: [u8; 32], server: SocketAddr) -> Self {
        Self::with_timing(seed, server, TIMING)
    }

    /// With other times: each test takes as long as its transaction where nothing comes in.
    #[must_use]
    pub fn with_timing(seed: [u8; 32], server: SocketAddr, timing: Timing) -> Self {
        let probes = [
            Probe::new(Question::Mapping, 0, server, timing),
            Probe::new(Question::Filtering, 1, server, timing),
        ];
        let family = if server.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let what = Wanted::Udp {
            local: Local::Family(family),
            port: Port::Any,
        };
        let open = |probe: &Probe| {
            Event::Open(Open {
                id: probe.socket,
                what: what.clone(),
            })
        };
        Self {
            events: probes.iter().map(open).collect(),
            probes,
            ids: Ids::new(seed),
            is_finished: false,
            stats: Stats::default(),
        }
    }

    /// A socket is there.
    pub fn handle_opened(&mut self, now: Instant, id: SocketId, local: SocketAddr) {
        if let Some(probe) = self.probes.iter_mut().find(|probe| probe.socket == id) {
            probe.opened(now, local, &mut self.ids);
        }
        self.look_for_end();
    }

    /// A socket cannot be had.
    pub fn handle_open_failed(&mut self, _now: Instant, id: SocketId, error: OpenError) {
        if let Some(probe) = self.probes.iter_mut().find(|probe| probe.socket == id) {
            probe.failed(error);
        }
        self.look_for_end();
    }

    /// A socket has ended by itself.
    pub fn handle_closed(&mut self, now: Instant, id: SocketId) {
        self.handle_open_failed(now, id, OpenError::Other("the socket was closed".into()));
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, rx: Received<'_>) -> Handled {
        let probe = self
            .probes
            .iter_mut()
            .find(|probe| probe.socket == rx.path.id);
        let Some(probe) = probe else {
            return Handled::NotMine;
        };
        let Ok(message) = Message::parse(rx.data) else {
            self.stats.malformed += 1;
            return Handled::Dropped;
        };
        if !probe.handle(now, rx.path.remote, &message, &mut self.ids) {
            self.stats.unexpected += 1;
            return Handled::Dropped;
        }
        self.stats.taken += 1;
        self.look_for_end();
        Handled::Consumed
    }

    /// Tells the time. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        for probe in &mut self.probes {
            probe.handle_timeout(now, &mut self.ids);
        }
        self.look_for_end();
    }

    /// Appends a request that is due.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Transmit> {
        (self.probes.iter_mut()).find_map(|probe| probe.poll_transmit(out))
    }

    /// What it wants or has found out.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once it has ended, or waits for its
    /// sockets.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.probes.iter().filter_map(Probe::poll_timeout).min()
    }

    /// What became of the datagrams so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Once both questions have their answers.
    fn look_for_end(&mut self) {
        let [mapping, filtering] = &self.probes;
        let (Some(mapped), Some(filtered)) = (mapping.result(), filtering.result()) else {
            return;
        };
        if core::mem::replace(&mut self.is_finished, true) {
            return;
        }
        let seen = [mapping, filtering]
            .into_iter()
            .find_map(|probe| probe.local().zip(probe.mapped));
        let result = match (seen, mapped) {
            (Some((local, mapped_address)), _) => Ok(Report {
                local,
                mapped: mapped_address,
                mapping: mapped.clone(),
                filtering: filtered.clone(),
            }),
            (None, Err(cause)) => Err(Failure(cause.clone())),
            // A verdict without an address does not happen: the first test brings one.
            (None, Ok(_)) => Err(Failure(Inconclusive::NoAddress)),
        };
        for probe in &self.probes {
            let id = probe.socket;
            self.events.push_back(Event::Close(Close { id }));
        }
        self.events.push_back(Event::Finished(result));
    }
}
