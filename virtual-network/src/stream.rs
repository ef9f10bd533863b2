//! Connections: reliable and in order, as TCP is. A lost segment only takes longer.
//!
//! A connection has two ends, each with an id of its own. What the ends hear comes out of
//! [`Network::receive_stream`]; a write arrives as it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::network::Network;
use crate::topology::{HostId, NatId, Realm};

/// After so long a connection attempt is given up that nobody answers.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A lost segment is sent again after this time.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// A segment that was lost so often gets through.
const MOST_LOSSES: u32 = 6;

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(usize);

impl StreamId {
    fn peer(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// What an end of a connection hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// The connection that this end asked for is there.
    Connected(StreamId),
    /// Somebody has connected to a listening address.
    Accepted {
        /// The end here.
        id: StreamId,
        /// The listening address.
        local: SocketAddr,
        /// Where the connection comes from, as it is seen here.
        remote: SocketAddr,
    },
    /// The host is there, and nobody listens at this port.
    Refused(StreamId),
    /// Nobody answered.
    TimedOut(StreamId),
    /// What the other end has written.
    Data(StreamId, Vec<u8>),
    /// The other end, or something on the way, has ended the connection.
    Closed(StreamId),
}

impl StreamEvent {
    fn id(&self) -> StreamId {
        match self {
            Self::Connected(id)
            | Self::Accepted { id, .. }
            | Self::Refused(id)
            | Self::TimedOut(id)
            | Self::Data(id, _)
            | Self::Closed(id) => *id,
        }
    }

    fn is_end(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::TimedOut(_) | Self::Closed(_))
    }
}

/// What becomes of an attempt to connect.
enum Answer {
    Accepts(HostId),
    Refuses,
    Silence,
}

#[derive(Debug)]
struct End {
    host: HostId,
    local: SocketAddr,
    /// What stands in front of it and knows the connection.
    nat: Option<NatId>,
    open: bool,
    /// When what was sent to it last arrives: what follows does not overtake it.
    last: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Both ends of a connection stand side by side.
    ends: Vec<End>,
    listening: BTreeSet<(HostId, SocketAddr)>,
    under_way: BTreeMap<(Instant, u64), StreamEvent>,
    serial: u64,
}

impl Streams {
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    fn tell(&mut self, at: Instant, event: StreamEvent) {
        self.serial += 1;
        self.under_way.insert((at, self.serial), event);
    }

    fn end_mut(&mut self, id: StreamId) -> Option<&mut End> {
        self.ends.get_mut(id.0)
    }

    /// Ends all connections that `which` picks: both sides hear of it.
    fn cut(&mut self, now: Instant, which: impl Fn(&End) -> bool) {
        for at in 0..self.ends.len() {
            if self.ends.get(at).is_some_and(|end| end.open && which(end)) {
                let id = StreamId(at);
                self.tell(now, StreamEvent::Closed(id));
                self.tell(now, StreamEvent::Closed(id.peer()));
            }
        }
    }

    /// A host has lost an address, and all connections from it.
    pub(crate) fn cut_address(&mut self, now: Instant, host: HostId, local: SocketAddr) {
        self.cut(now, |end| end.host == host && end.local.ip() == local.ip());
    }

    /// A NAT has forgotten its connections.
    pub(crate) fn cut_nat(&mut self, now: Instant, nat: NatId) {
        self.cut(now, |end| end.nat == Some(nat));
    }
}

impl Network {
    /// Has a host accept connections at one of its addresses, on any port.
    pub fn listen(&mut self, host: HostId, local: SocketAddr) {
        self.streams.listening.insert((host, local));
    }

    /// Connects from an address of a host, on any port. The answer is [`StreamEvent::Connected`] after a
    /// round trip, [`StreamEvent::Refused`], or after [`CONNECT_TIMEOUT`]
    /// [`StreamEvent::TimedOut`].
    pub fn connect(&mut self, host: HostId, from: SocketAddr, to: SocketAddr) -> StreamId {
        let id = StreamId(self.streams.ends.len());
        let way = self.topology.connection_out(host, from, to);
        let answer = way.map_or(Answer::Silence, |way| self.answer(way.realm, to));
        let acceptor = match answer {
            Answer::Accepts(acceptor) => acceptor,
            Answer::Refuses | Answer::Silence => host,
        };
        let nat = way.and_then(|way| way.nat);
        for (host, local, nat) in [(host, from, nat), (acceptor, to, None)] {
            self.streams.ends.push(End {
                host,
                local,
                nat,
                open: true,
                last: self.now(),
            });
        }
        let there = self.now() + self.segment_time();
        let back = there + self.segment_time();
        match (answer, way) {
            (Answer::Accepts(_), Some(way)) => {
                let accepted = StreamEvent::Accepted {
                    id: id.peer(),
                    local: to,
                    remote: way.from,
                };
                self.deliver_stream(there, accepted);
                self.deliver_stream(back, StreamEvent::Connected(id));
            }
            (Answer::Refuses, _) => self.deliver_stream(back, StreamEvent::Refused(id)),
            _ => {
                let at = self.now() + CONNECT_TIMEOUT;
                self.deliver_stream(at, StreamEvent::TimedOut(id));
            }
        }
        id
    }

    fn answer(&self, realm: Realm, to: SocketAddr) -> Answer {
        let is_open = |host: &HostId| {
            let found = self.topology.host(*host);
            found.is_some_and(|host| host.is_in(realm) && host.firewall.lets_in())
        };
        let mut listening = self.streams.listening.iter();
        let listener = listening.find(|(host, local)| *local == to && is_open(host));
        match listener {
            Some((host, _)) => Answer::Accepts(*host),
            None if self
                .topology
                .host_with(realm, to.ip())
                .is_some_and(|host| is_open(&host)) =>
            {
                Answer::Refuses
            }
            None => Answer::Silence,
        }
    }

    /// Writes to a connection. What was written before it arrives first.
    pub fn write(&mut self, id: StreamId, data: &[u8]) {
        let open = self.streams.ends.get(id.0).is_some_and(|end| end.open);
        if open {
            let at = self.now() + self.segment_time();
            self.deliver_stream(at, StreamEvent::Data(id.peer(), data.to_vec()));
        }
    }

    /// Ends a connection: this end hears nothing any more.
    pub fn shut(&mut self, id: StreamId) {
        let at = self.now() + self.segment_time();
        if let Some(end) = self.streams.end_mut(id)
            && end.open
        {
            end.open = false;
            self.deliver_stream(at, StreamEvent::Closed(id.peer()));
        }
    }

    /// What the next end hears that has something to hear by now, with its host.
    pub fn receive_stream(&mut self) -> Option<(HostId, StreamEvent)> {
        let now = self.now();
        while let Some(entry) = self.streams.under_way.first_entry() {
            if entry.key().0 > now {
                return None;
            }
            let event = entry.remove();
            let Some(end) = self.streams.end_mut(event.id()) else {
                continue;
            };
            if end.open {
                end.open = !event.is_end();
                return Some((end.host, event));
            }
        }
        None
    }

    /// Nothing overtakes what was sent before.
    fn deliver_stream(&mut self, at: Instant, event: StreamEvent) {
        let Some(end) = self.streams.end_mut(event.id()) else {
            return;
        };
        end.last = end.last.max(at);
        let at = end.last;
        self.streams.tell(at, event);
    }

    /// How long a segment takes, with its repetitions.
    fn segment_time(&mut self) -> Duration {
        let mut time = self.weather.delay + self.dice.time(self.weather.jitter);
        for _ in 0..MOST_LOSSES {
            if !self.dice.chance(self.weather.loss) {
                break;
            }
            time += RETRANSMISSION;
        }
        time
    }
}
