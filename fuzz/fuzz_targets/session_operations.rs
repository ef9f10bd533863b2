//! A bridge with its browser and its phone, and between them somebody who delivers, loses,
//! changes, repeats and invents datagrams, moves the phone and lets time pass: no panic, no
//! timeout in the past, bounded output, none of it to a stranger, payloads that arrive as they
//! were sent and once, nothing after the end, and an end when nobody is heard.
//!
//! Input: a byte that sets the scene, then operations, one byte each, with their arguments behind
//! them.
#![no_main]

// The gateway's modules without the gateway: they know no sockets, and its HTTP and SIP would
// make every build of the fuzz targets many times longer.
#[allow(dead_code, unused_imports)]
#[path = "../../examples/src/bridge/mod.rs"]
mod bridge;
#[allow(dead_code, unused_imports)]
#[path = "../../examples/src/session/mod.rs"]
mod session;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bridge::rtp::Header;
use bridge::{
    Bridge, BridgeConfig, Formats, FromBrowser, NtpOrigin, PhoneMedia, ReportConfig, Rewriter,
};
use bytes::BytesMut;
use dtls_handshake::Identity;
use ice_agent::{Agent, Candidate, Config, HEADROOM, Path, Received, Role, SocketId, Transport};
use libfuzzer_sys::fuzz_target;
use sdp::negotiate::{PayloadTypes, TelephoneEvent};
use session::{DtlsRole, Handled, Session, SessionConfig, TAILROOM};

const BRIDGE: SocketAddr = address(1, 4000);
const BROWSER: SocketAddr = address(2, 4000);
/// The browser behind another mapping.
const MAPPED: SocketAddr = address(2, 4001);
const PHONES: [SocketAddr; 2] = [address(3, 4000), address(4, 4000)];
/// Somebody who has only garbage to send.
const STRANGER: SocketAddr = address(66, 4000);

/// Candidates that the browser may signal beside its own.
const CANDIDATES: [&str; 8] = [
    "1 1 udp 2130706431 192.0.2.2 4000 typ host",
    "2 1 udp 1694498815 192.0.2.2 4001 typ srflx raddr 0.0.0.0 rport 0",
    "3 1 udp 2130706431 2001:db8::2 4000 typ host",
    "4 1 udp 2130706431 5a1b2c3d-0000-4000-8000-000000000000.local 4000 typ host",
    "5 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active",
    "6 1 udp 41885695 198.51.100.1 50000 typ relay raddr 0.0.0.0 rport 0",
    "7 2 udp 2130706430 192.0.2.2 4002 typ host",
    "8 1 udp 1 127.0.0.1 9 typ host",
];

/// Most datagrams held back on their way to one side.
const HELD: usize = 64;
/// Most datagrams that one input draws out of one side.
const DRAWN: usize = 16;
/// Most bytes of one of them.
const DATAGRAM: usize = 1500;

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), port)
}

/// What was seen of one side from outside.
#[derive(Default)]
struct Seen {
    /// Datagrams that it sent, on their way to the other.
    datagrams: VecDeque<Vec<u8>>,
    /// Payloads that it has protected and nobody has heard.
    unheard: Vec<Vec<u8>>,
    connected: bool,
    over: bool,
}

impl Seen {
    fn datagram(&mut self, remote: SocketAddr, datagram: &[u8]) {
        assert_ne!(remote, STRANGER);
        assert!(datagram.len() <= DATAGRAM);
        if self.datagrams.len() < HELD {
            self.datagrams.push_back(datagram.to_vec());
        }
    }

    fn event(&mut self, event: &session::Event) {
        assert!(!self.over, "{event:?} after the end");
        match event {
            session::Event::Connected(_) => {
                assert!(!self.connected, "connected twice");
                self.connected = true;
            }
            session::Event::Failed(_) => self.over = true,
            _ => {}
        }
    }

    /// A payload came out at the far end.
    fn heard(&mut self, payload: &[u8]) {
        let at = self.unheard.iter().position(|unheard| unheard == payload);
        self.unheard
            .swap_remove(at.expect("never sent, or heard twice"));
    }
}

struct Call {
    now: Instant,
    bridge: Bridge,
    browser: Session,
    from_bridge: Seen,
    from_browser: Seen,
    spoken: u32,
}

impl Call {
    fn new(scene: u8) -> Self {
        #[allow(clippy::disallowed_methods)] // an origin for virtual time
        let now = Instant::now();
        let (roles, dtls) = match scene & 1 {
            0 => (
                [Role::Controlled, Role::Controlling],
                [DtlsRole::Server, DtlsRole::Client],
            ),
            _ => (
                [Role::Controlling, Role::Controlled],
                [DtlsRole::Client, DtlsRole::Server],
            ),
        };
        let mut agents = [
            agent(now, roles[0], BRIDGE, 1),
            agent(now, roles[1], BROWSER, 2),
        ];
        let credentials = agents
            .each_ref()
            .map(|agent| agent.local_credentials().clone());
        let candidates = agents.each_mut().map(local_candidates);
        for side in 0..2 {
            let credentials = credentials[1 - side].clone();
            agents[side]
                .set_remote_credentials(now, credentials)
                .expect("for the first time");
            // The other scene: the candidates trickle, or are found out by checks.
            if scene & 2 == 0 {
                for candidate in &candidates[1 - side] {
                    let _ = agents[side].add_remote_candidate(now, candidate.clone());
                }
            }
        }
        let [bridge_agent, browser_agent] = agents;
        let [bridge_role, browser_role] = dtls;
        let config = BridgeConfig {
            session: session(now, bridge_agent, bridge_role, 0),
            browser: formats(0, Some(126)),
            to_browser: Rewriter::new(1, 8000, [1; 6]),
            to_phone: Rewriter::new(2, 8000, [2; 6]),
            reports: ReportConfig {
                cname: "fuzz".into(),
                clock: NtpOrigin::new(now, Duration::ZERO),
                seed: scene.into(),
            },
            learn_phone_address: scene & 4 != 0,
            silence: Duration::from_secs(30),
        };
        let bridge = Bridge::new(config, now);
        Self {
            now,
            bridge,
            browser: session(now, browser_agent, browser_role, 1),
            from_bridge: Seen::default(),
            from_browser: Seen::default(),
            spoken: 0,
        }
    }

    /// Hands a datagram to the bridge as the browser's.
    fn hand_to_bridge(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        let rx = Received {
            path: path(BRIDGE, from),
            data: &mut datagram,
        };
        if let FromBrowser::ToPhone { remote, range } = self.bridge.handle_browser(self.now, rx) {
            assert!(self.from_bridge.connected && !self.from_bridge.over);
            assert!(PHONES.contains(&remote));
            let (_, payload) = Header::parse(&datagram[range.clone()]).expect("RTP");
            self.from_browser.heard(&datagram[range][payload]);
        }
        self.drain();
    }

    /// Hands a datagram to the browser as the bridge's.
    fn hand_to_browser(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        let rx = Received {
            path: path(BROWSER, from),
            data: &mut datagram,
        };
        if let Handled::Rtp(range) = self.browser.handle_datagram(self.now, rx) {
            assert!(self.from_browser.connected && !self.from_browser.over);
            let (_, payload) = Header::parse(&datagram[range.clone()]).expect("RTP");
            self.from_bridge.heard(&datagram[range][payload]);
        }
        self.drain();
    }

    /// The bridge receives a datagram at the phone's port.
    fn phone_speaks(&mut self, from: SocketAddr, datagram: &[u8]) {
        let (mut buf, range) = with_room(datagram);
        if let Some(transmit) = self.bridge.handle_phone(self.now, from, &mut buf, range) {
            assert!(self.from_bridge.connected && !self.from_bridge.over);
            let (_, payload) = Header::parse(datagram).expect("what was not RTP has not passed");
            self.from_bridge.unheard.push(datagram[payload].to_vec());
            self.from_bridge
                .datagram(transmit.path.remote, &buf[transmit.range]);
        }
    }

    fn browser_speaks(&mut self, packet: &[u8]) {
        let (mut buf, range) = with_room(packet);
        if let Ok(transmit) = self.browser.send_rtp(self.now, &mut buf, range) {
            assert!(self.from_browser.connected && !self.from_browser.over);
            let (_, payload) = Header::parse(packet).expect("our own packet");
            self.from_browser.unheard.push(packet[payload].to_vec());
            self.from_browser
                .datagram(transmit.path.remote, &buf[transmit.range]);
        }
    }

    /// The next packet of a stream, none of whose payloads are equal.
    fn packet(&mut self, payload_type: u8, jump: u8) -> Vec<u8> {
        self.spoken += 1;
        let header = Header {
            marker: false,
            payload_type,
            sequence: (self.spoken as u16).wrapping_add(u16::from(jump) << 8),
            timestamp: self.spoken * 160,
            ssrc: u32::from(jump >> 6),
        };
        let mut packet = header.to_bytes().to_vec();
        packet.extend(self.spoken.to_be_bytes());
        packet.extend([0xd5; 156]);
        packet
    }

    /// Drains both sides, and tells the time to those that are due.
    fn settle(&mut self) {
        self.drain();
        let now = self.now;
        if self.bridge.poll_timeout().is_some_and(|at| at <= now) {
            self.bridge.handle_timeout(now);
            assert!(self.bridge.poll_timeout().is_none_or(|at| at > now));
        }
        if self.browser.poll_timeout().is_some_and(|at| at <= now) {
            self.browser.handle_timeout(now);
            assert!(self.browser.poll_timeout().is_none_or(|at| at > now));
        }
        self.drain();
    }

    fn drain(&mut self) {
        let mut out = BytesMut::new();
        let mut drawn = [0; 2];
        while let Some(transmit) = self.bridge.poll_transmit(&mut out) {
            drawn[0] += 1;
            self.from_bridge
                .datagram(transmit.path.remote, &out[transmit.range]);
        }
        while let Some(to_phone) = self.bridge.poll_phone(&mut out) {
            drawn[0] += 1;
            assert!(PHONES.contains(&to_phone.remote));
            let compound = &out[to_phone.range];
            assert!(bridge::rtcp::read(compound).is_some(), "{compound:?}");
        }
        while let Some(transmit) = self.browser.poll_transmit(&mut out) {
            drawn[1] += 1;
            self.from_browser
                .datagram(transmit.path.remote, &out[transmit.range]);
        }
        assert!(drawn.iter().all(|drawn| *drawn <= DRAWN), "{drawn:?}");
        while let Some(event) = self.bridge.poll_event() {
            if let bridge::Event::Session(event) = event {
                self.from_bridge.event(&event);
            }
        }
        while let Some(event) = self.browser.poll_event() {
            self.from_browser.event(&event);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.bridge.poll_timeout(), self.browser.poll_timeout()];
        deadlines.into_iter().flatten().min()
    }

    fn wait_for_a_deadline(&mut self) {
        if let Some(at) = self.next_deadline() {
            self.now = self.now.max(at);
        }
    }

    /// Everything arrives for a while.
    fn calm(&mut self, rounds: u8) {
        for _ in 0..rounds {
            self.settle();
            if self.from_bridge.datagrams.is_empty() && self.from_browser.datagrams.is_empty() {
                self.wait_for_a_deadline();
            }
            while let Some(datagram) = self.from_browser.datagrams.pop_front() {
                self.hand_to_bridge(BROWSER, datagram);
            }
            while let Some(datagram) = self.from_bridge.datagrams.pop_front() {
                self.hand_to_browser(BRIDGE, datagram);
            }
        }
    }

    fn step(&mut self, operation: u8, mut argument: impl FnMut() -> u8) {
        let to_bridge = operation & 1 == 0;
        let held = match to_bridge {
            true => &mut self.from_browser.datagrams,
            false => &mut self.from_bridge.datagrams,
        };
        match operation >> 1 & 15 {
            0 => self.calm(argument() % 64),
            1 | 2 => {
                if let Some(datagram) = held.pop_front() {
                    self.deliver(to_bridge, operation & 0x80 != 0, datagram);
                }
            }
            3 => drop(held.pop_front()),
            4 => {
                if let Some(datagram) = held.front().cloned() {
                    self.deliver(to_bridge, operation & 0x80 != 0, datagram);
                }
            }
            5 => held.rotate_left(held.len().min(1)),
            6 => {
                if let Some(mut datagram) = held.front().cloned() {
                    let at = usize::from(u16::from_be_bytes([argument(), argument()]));
                    let length = datagram.len();
                    datagram[at % length] ^= argument().max(1);
                    self.deliver(to_bridge, operation & 0x80 != 0, datagram);
                }
            }
            7 => {
                let from = [STRANGER, BROWSER, MAPPED, BRIDGE][usize::from(argument() & 3)];
                let length = argument();
                let garbage = (0..length).map(|_| argument()).collect();
                match to_bridge {
                    true => self.hand_to_bridge(from, garbage),
                    false => self.hand_to_browser(from, garbage),
                }
            }
            8 => self.wait_for_a_deadline(),
            9 => {
                let square = u64::from(argument()).pow(2);
                self.now += Duration::from_millis(square);
            }
            10 => match to_bridge {
                true => self.bridge.handle_timeout(self.now),
                false => self.browser.handle_timeout(self.now),
            },
            11 => match argument() {
                240.. => self.restart_ice(to_bridge),
                choice => self.signal(to_bridge, choice),
            },
            12 => {
                let moved = usize::from(operation >> 7);
                let event = (operation & 0x40 != 0).then_some(101);
                let codec = argument() % 32;
                let media = PhoneMedia {
                    remote: PHONES[moved],
                    rtcp: PHONES[usize::from(codec & 1)],
                    formats: formats(codec, event),
                    listens: codec != 31,
                    speaks: codec != 30,
                    takes_reports: codec != 29,
                };
                self.bridge.set_phone(self.now, media);
            }
            13 => {
                let from = [PHONES[0], PHONES[1], STRANGER][usize::from(argument()) % 3];
                let packet = self.packet(argument() % 128, argument());
                self.phone_speaks(from, &packet);
            }
            14 if to_bridge => {
                let packet = self.packet(argument() & 0x7e, argument());
                self.browser_speaks(&packet);
            }
            14 => {
                let length = argument();
                let garbage: Vec<u8> = (0..length).map(|_| argument()).collect();
                self.phone_speaks(PHONES[0], &garbage);
                let from = PHONES[usize::from(garbage.len() & 1 == 1)];
                self.bridge.handle_phone_rtcp(self.now, from, &garbage);
            }
            _ => match to_bridge {
                true => {
                    self.bridge.close(self.now);
                    self.from_bridge.over = true;
                }
                false => {
                    self.browser.close(self.now);
                    self.from_browser.over = true;
                }
            },
        }
    }

    /// A genuine datagram, perhaps changed, from where it comes or through another mapping.
    fn deliver(&mut self, to_bridge: bool, mapped: bool, datagram: Vec<u8>) {
        match (to_bridge, mapped) {
            (true, false) => self.hand_to_bridge(BROWSER, datagram),
            (true, true) => self.hand_to_bridge(MAPPED, datagram),
            (false, _) => self.hand_to_browser(BRIDGE, datagram),
        }
    }

    /// A candidate, or the end of them.
    fn signal(&mut self, to_bridge: bool, choice: u8) {
        let line = CANDIDATES.get(usize::from(choice % 9));
        match (line, to_bridge) {
            (Some(line), true) => self.bridge.add_remote_candidate(self.now, candidate(line)),
            (None, true) => self.bridge.end_of_remote_candidates(self.now),
            (Some(_), false) => {
                let line = "1 1 udp 2130706431 192.0.2.1 4000 typ host";
                self.browser.add_remote_candidate(self.now, candidate(line));
            }
            (None, false) => self.browser.end_of_remote_candidates(self.now),
        }
    }

    /// The browser restarts ICE, and the bridge follows if it hears of it.
    fn restart_ice(&mut self, told: bool) {
        let now = self.now;
        let Ok(asked) = self.browser.restart_ice(now, None) else {
            return;
        };
        if told && let Ok(answer) = self.bridge.restart_ice(now, asked.credentials) {
            let known = self.browser.set_remote_credentials(now, answer.credentials);
            known.expect("the bridge has new ones too");
            for (ours, theirs) in asked.candidates.into_iter().zip(answer.candidates) {
                self.bridge.add_remote_candidate(now, ours);
                self.browser.add_remote_candidate(now, theirs);
            }
        }
    }

    /// From now on everything is lost.
    fn end(&mut self) {
        for _ in 0..4096 {
            self.settle();
            if self.next_deadline().is_none() {
                return;
            }
            self.wait_for_a_deadline();
        }
        panic!("timers without end: {:?} {:?}", self.bridge, self.browser);
    }
}

fn agent(now: Instant, role: Role, host: SocketAddr, seed: u8) -> Agent {
    let config = Config {
        role,
        max_pairs: 8,
        ..Config::default()
    };
    let mut agent = Agent::new(config, [seed; 32]).expect("in range");
    agent.add_host(now, SocketId(0), host).expect("a host");
    agent
}

fn local_candidates(agent: &mut Agent) -> Vec<Candidate> {
    let events = std::iter::from_fn(|| agent.poll_event());
    let candidates = events.filter_map(|event| match event {
        ice_agent::Event::LocalCandidate(candidate) => Some(candidate),
        _ => None,
    });
    candidates.collect()
}

fn session(now: Instant, ice: Agent, role: DtlsRole, side: usize) -> Session {
    static IDENTITIES: OnceLock<[Identity; 2]> = OnceLock::new();
    let identities = IDENTITIES.get_or_init(|| {
        [(); 2].map(|()| {
            let not_before = UNIX_EPOCH + Duration::from_secs(1_780_000_000);
            Identity::generate(not_before).expect("a key")
        })
    });
    let config = SessionConfig {
        ice,
        dtls: dtls_handshake::Config::new(identities[side].clone())
            .with_srtp_profiles(&[0x0007, 0x0001]),
        role,
        fingerprints: vec![identities[1 - side].fingerprint()],
        seed: [10 + side as u8; 32].into(),
    };
    Session::new(config, now)
}

fn formats(codec: u8, event: Option<u8>) -> Formats {
    let same = |number| PayloadTypes {
        send: number,
        receive: number,
    };
    Formats {
        codec: same(codec),
        telephone_event: event.map(|number| TelephoneEvent {
            payload_types: same(number),
            clock_rate: 8000,
        }),
        comfort_noise: Some(same(13)),
    }
}

fn candidate(line: &str) -> Candidate {
    line.parse().expect("a candidate")
}

fn path(local: SocketAddr, remote: SocketAddr) -> Path {
    Path {
        id: SocketId(0),
        local,
        remote,
        transport: Transport::Udp,
    }
}

/// A packet in a buffer as the bridge and the session want it.
fn with_room(packet: &[u8]) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut buf = vec![0; HEADROOM];
    buf.extend_from_slice(packet);
    buf.resize(buf.len() + TAILROOM, 0);
    (buf, HEADROOM..HEADROOM + packet.len())
}

fuzz_target!(|data: &[u8]| {
    let mut input = data.iter().copied();
    let mut call = Call::new(input.next().unwrap_or_default());
    while let Some(operation) = input.next() {
        call.step(operation, || input.next().unwrap_or_default());
        call.settle();
    }
    call.end();
});
