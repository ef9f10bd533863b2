//! An agent of ours on real sockets: one thread, real time.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // as in the tests it serves

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{
    Agent, Candidate, Config, Event, HEADROOM, Handled, Path, Received, SocketId, State, TAILROOM,
    Transport,
};

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The address of this machine that others reach: none is sent to for it.
pub(crate) fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("192.0.2.200:9").expect("a route");
    socket.local_addr().expect("bound").ip()
}

/// One agent with one socket.
pub(crate) struct Node {
    pub(crate) agent: Agent,
    socket: UdpSocket,
    local: SocketAddr,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) received: Vec<Vec<u8>>,
}

impl Node {
    pub(crate) fn new(config: Config, ip: IpAddr) -> Self {
        let agent = Agent::new(config, [1; 32]).expect("a configuration");
        Self::with(agent, ip)
    }

    pub(crate) fn with(mut agent: Agent, ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a socket");
        let local = socket.local_addr().expect("bound");
        let timeout = Some(Duration::from_millis(5));
        socket.set_read_timeout(timeout).expect("a timeout");
        let now = Instant::now();
        agent.add_host(now, SocketId(0), local).expect("a host");
        agent.end_of_local_candidates(now);
        let mut node = Self {
            agent,
            socket,
            local,
            candidates: Vec::new(),
            received: Vec::new(),
        };
        node.drain();
        node
    }

    pub(crate) fn add_remote(&mut self, line: &str) {
        let candidate = line.parse().expect(line);
        let added = self.agent.add_remote_candidate(Instant::now(), candidate);
        added.expect(line);
    }

    fn drain(&mut self) {
        let mut out = BytesMut::new();
        while let Some(sent) = self.agent.poll_transmit(&mut out) {
            let _ = self.socket.send_to(&out[sent.range], sent.path.remote);
        }
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => self.candidates.push(candidate),
                Event::Failed(failure) => panic!("{failure}"),
                _ => {}
            }
        }
    }

    /// Hears for some milliseconds, and does what is due.
    pub(crate) fn turn(&mut self) {
        let mut buffer = [0; 2048];
        match self.socket.recv_from(&mut buffer) {
            Ok((length, remote)) => {
                let path = Path {
                    id: SocketId(0),
                    local: self.local,
                    remote,
                    transport: Transport::Udp,
                };
                let data = &mut buffer[..length];
                let rx = Received { path, data };
                if let Handled::Data { range, .. } = self.agent.handle_datagram(Instant::now(), rx)
                {
                    self.received.push(buffer[range].to_vec());
                }
            }
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                "{error}"
            ),
        }
        self.drain();
        self.agent.handle_timeout(Instant::now());
        self.drain();
    }

    pub(crate) fn send(&mut self, payload: &[u8]) {
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(payload);
        let range = HEADROOM..buffer.len();
        buffer.extend_from_slice(&[0; TAILROOM]);
        let sent = self.agent.send(Instant::now(), &mut buffer, range);
        let sent = sent.expect("a pair");
        let _ = self.socket.send_to(&buffer[sent.range], sent.path.remote);
    }
}

/// Turns all until `done`; how long it took.
pub(crate) fn run(nodes: &mut [&mut Node], done: impl Fn(&[&mut Node]) -> bool) -> Duration {
    let start = Instant::now();
    while !done(nodes) {
        let states: Vec<State> = nodes.iter().map(|node| node.agent.state()).collect();
        assert!(start.elapsed() < PATIENCE, "{states:?}");
        for node in nodes.iter_mut() {
            node.turn();
        }
    }
    start.elapsed()
}
