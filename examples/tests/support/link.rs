//! Two sessions on a simulated network.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use examples::session::{Event, Failure, Handled, Session, TAILROOM};
use ice_agent::{HEADROOM, Path, Received, SocketId, Transport};
use virtual_network::{HostId, Network};

/// More steps than any run takes that comes to an end.
const MOST_STEPS: usize = 200_000;

/// One side: its session, where it is, and what it told.
pub(crate) struct Side {
    /// The session.
    pub(crate) session: Session,
    /// The host that it runs on.
    pub(crate) host: HostId,
    /// What it told, in order, and when.
    pub(crate) events: Vec<(Instant, Event)>,
    /// The RTP packets that arrived, decrypted.
    pub(crate) heard: Vec<Vec<u8>>,
}

impl Side {
    /// A side on a host of the network.
    pub(crate) fn new(session: Session, host: HostId) -> Self {
        Self {
            session,
            host,
            events: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// When it could send media for the first time.
    pub(crate) fn connected_at(&self) -> Option<Instant> {
        let mut events = self.events.iter();
        events.find_map(|(at, event)| matches!(event, Event::Connected(_)).then_some(*at))
    }

    /// Whether it could ever send media.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected_at().is_some()
    }

    /// Why it is over, if it is.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        let mut events = self.events.iter();
        events.find_map(|(_, event)| match event {
            Event::Failed(failure) => Some(failure),
            _ => None,
        })
    }

    /// Whether it is over.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure().is_some()
    }
}

/// The two sides and the network between them.
pub(crate) struct Link {
    /// Virtual time, and what is under way.
    pub(crate) network: Network,
    /// The sides.
    pub(crate) sides: [Side; 2],
}

impl Link {
    /// Two sessions on hosts that the network has.
    pub(crate) fn new(network: Network, sessions: [Session; 2], hosts: [HostId; 2]) -> Self {
        let [first, second] = sessions;
        let sides = [Side::new(first, hosts[0]), Side::new(second, hosts[1])];
        Self { network, sides }
    }

    /// Two sessions on public hosts with these addresses.
    pub(crate) fn public(
        mut network: Network,
        sessions: [Session; 2],
        addresses: [SocketAddr; 2],
    ) -> Self {
        let hosts = addresses.map(|address| network.add_host(&[address]));
        Self::new(network, sessions, hosts)
    }

    /// Virtual time.
    pub(crate) fn now(&self) -> Instant {
        self.network.now()
    }

    /// Runs until `done` or the time is over. Answers whether it was done.
    pub(crate) fn run(&mut self, span: Duration, mut done: impl FnMut(&[Side; 2]) -> bool) -> bool {
        let end = self.now() + span;
        for _ in 0..MOST_STEPS {
            (0..2).for_each(|side| self.drain(side));
            if done(&self.sides) {
                return true;
            }
            let timeouts = self
                .sides
                .each_ref()
                .map(|side| side.session.poll_timeout());
            let arrival = self.network.next_arrival();
            let next = timeouts.into_iter().chain([arrival]).flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.network.advance(end);
                return false;
            };
            self.network.advance(next);
            self.receive();
            self.tell_time();
        }
        panic!("{MOST_STEPS} steps without an end");
    }

    /// Sends an RTP packet from a side. Answers whether its session took it.
    pub(crate) fn send_rtp(&mut self, from: usize, packet: &[u8]) -> bool {
        let mut buf = vec![0; HEADROOM];
        buf.extend_from_slice(packet);
        buf.resize(buf.len() + TAILROOM, 0);
        let range = HEADROOM..HEADROOM + packet.len();
        let now = self.now();
        let Side { session, host, .. } = &mut self.sides[from];
        let Ok(sent) = session.send_rtp(now, &mut buf, range) else {
            return false;
        };
        let Path { local, remote, .. } = sent.path;
        self.network.send(*host, local, remote, &buf[sent.range]);
        true
    }

    fn drain(&mut self, side: usize) {
        let now = self.now();
        let side = &mut self.sides[side];
        let mut out = BytesMut::new();
        while let Some(sent) = side.session.poll_transmit(&mut out) {
            let Path { local, remote, .. } = sent.path;
            self.network
                .send(side.host, local, remote, &out[sent.range]);
            out.clear();
        }
        while let Some(event) = side.session.poll_event() {
            assert!(!side.has_failed(), "{event:?} after the end");
            side.events.push((now, event));
        }
    }

    fn receive(&mut self) {
        let now = self.now();
        while let Some((host, mut datagram)) = self.network.receive() {
            let at = self.sides.iter().position(|side| side.host == host);
            let at = at.expect("no other host");
            let path = Path {
                id: SocketId(0),
                local: datagram.to,
                remote: datagram.from,
                transport: Transport::Udp,
            };
            let side = &mut self.sides[at];
            let data = &mut datagram.data;
            if let Handled::Rtp(range) = side.session.handle_datagram(now, Received { path, data })
            {
                side.heard.push(datagram.data[range].to_vec());
            }
            self.drain(at);
        }
    }

    fn tell_time(&mut self) {
        let now = self.now();
        for side in &mut self.sides {
            if side.session.poll_timeout().is_some_and(|at| at <= now) {
                side.session.handle_timeout(now);
                let next = side.session.poll_timeout();
                assert!(next.is_none_or(|at| at > now), "a timeout in the past");
            }
        }
    }
}
