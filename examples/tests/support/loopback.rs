//! Media workers in this process, with calls over real sockets of this machine. The browsers are
//! sessions and the phones plain sockets, all driven by the test's thread.
#![allow(dead_code)] // each test file uses its part

#[path = "pair.rs"]
mod pair;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::Identity;
use examples::bridge::rtp::Header;
use examples::bridge::{
    Bridge, BridgeConfig, Event, Formats, NtpOrigin, PhoneMedia, ReportConfig, Rewriter, Stats,
};
use examples::media::{MediaConfig, Placed, Pool, Seat, Totals};
use examples::session::{self, Handled, Session, TAILROOM};
use ice_agent::{HEADROOM, Path, Received, Role, SocketId, Transport};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use pair::{Pair, one_socket};
use sdp::negotiate::PayloadTypes;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// 20 ms of PCMU.
pub(crate) const PAYLOAD: usize = 160;

/// No step takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_secs(60);

const FORMATS: Formats = Formats {
    codec: PayloadTypes {
        send: 0,
        receive: 0,
    },
    telephone_event: None,
    comfort_noise: None,
};

/// How often the browsers are asked what they have to do.
const SWEEP: Duration = Duration::from_millis(10);

/// The test's clock is the real one: the workers have no other.
#[allow(clippy::disallowed_methods)] // a driver
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Browser,
    Phone,
}

#[allow(clippy::disallowed_methods)] // a driver that keeps a beat
fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// Workers and their calls.
pub(crate) struct Loopback {
    runtime: Runtime,
    pool: Pool,
    poll: Poll,
    events: Events,
    calls: Vec<Call>,
    next_sweep: Instant,
}

/// One call: both ends of it.
struct Call {
    placed: Placed,
    told: mpsc::Receiver<Event>,
    browser: Browser,
    phone: Phone,
}

struct Browser {
    session: Session,
    socket: UdpSocket,
    local: SocketAddr,
    is_connected: bool,
    out: BytesMut,
    heard: u64,
}

struct Phone {
    socket: UdpSocket,
    /// Held, so that nobody else gets our reports.
    _rtcp: std::net::UdpSocket,
    leg: SocketAddr,
    heard: u64,
}

impl Loopback {
    /// One worker with so many calls, all connected and answered.
    pub(crate) fn start(calls: usize, gather: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let pool = Pool::start(&MediaConfig {
            addresses: vec![HERE],
            ports: 16384..=65535,
            workers: 1,
            gather,
        })
        .unwrap();
        let mut loopback = Self {
            runtime,
            pool,
            poll: Poll::new().unwrap(),
            events: Events::with_capacity(1024),
            calls: Vec::new(),
            next_sweep: now(),
        };
        let identities = [(); 2].map(|()| Identity::generate(UNIX_EPOCH).unwrap());
        for number in 0..calls {
            loopback.begin(number, &identities);
        }
        loopback.until(|calls| calls.iter().all(|call| call.browser.is_connected));
        loopback
    }

    fn begin(&mut self, number: usize, identities: &[Identity; 2]) {
        let seat = self.pool.place().unwrap();
        let (mut socket, local) = socket();
        let [bridge, browser] = sessions(number, &seat, local, identities);
        let ufrag = bridge.ice().local_credentials().ufrag().to_owned();
        let legs = self.pool.open_phone(HERE).unwrap();
        let (mut phone, rtcp, media) = phone();
        let phone_leg = legs.local;
        let bridge = Bridge::new(bridge_config(number, bridge), now());
        let (placed, told) = self.pool.add(&seat, ufrag, bridge, legs);
        self.runtime.block_on(self.pool.set_phone(placed, media));
        for (socket, token) in [(&mut socket, number * 2), (&mut phone, number * 2 + 1)] {
            let registry = self.poll.registry();
            registry
                .register(socket, Token(token), Interest::READABLE)
                .unwrap();
        }
        self.calls.push(Call {
            placed,
            told,
            browser: Browser {
                session: browser,
                socket,
                local,
                is_connected: false,
                out: BytesMut::with_capacity(4096),
                heard: 0,
            },
            phone: Phone {
                socket: phone,
                _rtcp: rtcp,
                leg: phone_leg,
                heard: 0,
            },
        });
    }

    /// How many calls there are.
    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// One end of a call sends its packet of this number.
    pub(crate) fn speak(&mut self, call: usize, end: End, number: u16) {
        let Call { browser, phone, .. } = &mut self.calls[call];
        let (mut buf, range) = packet(number);
        match end {
            End::Phone => {
                phone.socket.send_to(&buf[range], phone.leg).unwrap();
            }
            End::Browser => {
                let sent = browser.session.send_rtp(now(), &mut buf, range).unwrap();
                let (packet, remote) = (&buf[sent.range], sent.path.remote);
                browser.socket.send_to(packet, remote).unwrap();
            }
        }
    }

    /// The phone of one call sends a packet to the leg of another.
    pub(crate) fn cross(&mut self, from: usize, to: usize, number: u16) {
        let (buf, range) = packet(number);
        let phone = &self.calls[from].phone;
        phone
            .socket
            .send_to(&buf[range], self.calls[to].phone.leg)
            .unwrap();
    }

    /// Both ends of all calls send a packet each, and all of them hear it.
    pub(crate) fn round(&mut self, number: u16) {
        let before = self.heard();
        for call in 0..self.calls.len() {
            self.speak(call, End::Browser, number);
            self.speak(call, End::Phone, number);
        }
        let all = self.calls.len() as u64;
        self.until(|calls| heard(calls) == before.map(|before| before + all));
    }

    /// Serves both ends of all calls until `time`.
    pub(crate) fn serve_until(&mut self, time: Instant) {
        loop {
            let left = time.saturating_duration_since(now());
            // A poll waits for whole milliseconds only.
            match left.checked_sub(Duration::from_millis(2)) {
                Some(left) => self.turn(left),
                None => {
                    self.turn(Duration::ZERO);
                    return sleep(time.saturating_duration_since(now()));
                }
            }
        }
    }

    /// Packets that have been heard by browsers, and by phones.
    pub(crate) fn heard(&self) -> [u64; 2] {
        heard(&self.calls)
    }

    /// What has passed each call.
    pub(crate) fn stats(&self) -> Vec<Stats> {
        let calls = self.calls.iter();
        let stats = calls.map(|call| self.runtime.block_on(self.pool.stats(call.placed)));
        stats.map(Option::unwrap).collect()
    }

    /// What has passed the worker.
    pub(crate) fn totals(&self) -> Totals {
        self.runtime.block_on(self.pool.totals())
    }

    /// Ends all calls.
    pub(crate) fn stop(self) {
        for call in &self.calls {
            self.runtime.block_on(self.pool.remove(call.placed));
        }
        self.pool.stop();
    }

    fn until(&mut self, done: impl Fn(&[Call]) -> bool) {
        let deadline = now() + PATIENCE;
        while !done(&self.calls) {
            assert!(now() < deadline, "{:?} heard", self.heard());
            self.turn(Duration::from_millis(20));
        }
    }

    /// Waits for datagrams and takes them. Tells the browsers the time, but not on each turn: to
    /// ask a hundred of them when they want to know it takes longer than to send a packet.
    fn turn(&mut self, most: Duration) {
        self.poll
            .poll(&mut self.events, Some(most.min(SWEEP)))
            .unwrap();
        for token in self.events.iter().map(|event| event.token().0) {
            let call = &mut self.calls[token / 2];
            match token % 2 {
                0 => call.browser.receive(),
                _ => call.phone.receive(),
            }
        }
        if now() < self.next_sweep {
            return;
        }
        self.next_sweep = now() + SWEEP;
        for call in &mut self.calls {
            call.browser.tell_time();
            while let Ok(event) = call.told.try_recv() {
                let is_good = matches!(
                    event,
                    Event::Session(session::Event::Connected(_) | session::Event::Path { .. })
                );
                assert!(is_good, "{event:?}");
            }
        }
    }
}

fn heard(calls: &[Call]) -> [u64; 2] {
    [
        calls.iter().map(|call| call.browser.heard).sum(),
        calls.iter().map(|call| call.phone.heard).sum(),
    ]
}

impl Browser {
    fn receive(&mut self) {
        let mut buf = [0; 2048];
        while let Some((len, remote)) = received(&self.socket, &mut buf) {
            let path = Path {
                id: SocketId(0),
                local: self.local,
                remote,
                transport: Transport::Udp,
            };
            let data = &mut buf[..len];
            let handled = self.session.handle_datagram(now(), Received { path, data });
            self.heard += u64::from(matches!(handled, Handled::Rtp(_)));
        }
        self.drain();
    }

    fn tell_time(&mut self) {
        if self.session.poll_timeout().is_some_and(|at| at <= now()) {
            self.session.handle_timeout(now());
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            self.out.clear();
            let Some(sent) = self.session.poll_transmit(&mut self.out) else {
                break;
            };
            let frame = &self.out[sent.range];
            self.socket.send_to(frame, sent.path.remote).unwrap();
        }
        while let Some(event) = self.session.poll_event() {
            self.is_connected |= matches!(event, session::Event::Connected(_));
        }
    }
}

impl Phone {
    fn receive(&mut self) {
        let mut buf = [0; 2048];
        while let Some((len, from)) = received(&self.socket, &mut buf) {
            assert_eq!(from, self.leg);
            assert_eq!(len, PAYLOAD + 12);
            self.heard += 1;
        }
    }
}

fn received(socket: &UdpSocket, buf: &mut [u8]) -> Option<(usize, SocketAddr)> {
    match socket.recv_from(buf) {
        Ok(received) => Some(received),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((HERE, 0).into()).unwrap();
    let local = socket.local_addr().unwrap();
    (socket, local)
}

/// A phone's RTP and RTCP sockets, and what it tells of itself.
fn phone() -> (UdpSocket, std::net::UdpSocket, PhoneMedia) {
    let (rtp, remote) = socket();
    let rtcp = std::net::UdpSocket::bind((HERE, 0)).unwrap();
    let media = PhoneMedia {
        remote,
        rtcp: rtcp.local_addr().unwrap(),
        formats: FORMATS,
        listens: true,
        speaks: true,
        takes_reports: true,
    };
    (rtp, rtcp, media)
}

/// The sessions of the bridge and of its browser, which know each other.
fn sessions(
    number: usize,
    seat: &Seat,
    browser: SocketAddr,
    identities: &[Identity; 2],
) -> [Session; 2] {
    let pair = Pair {
        identities,
        sockets: [seat.hosts.to_vec(), one_socket(browser)],
        roles: [Role::Controlled, Role::Controlling],
        profiles: &[0x0007],
        seed: number as u64,
    };
    pair.sessions(now())
}

fn bridge_config(number: usize, session: Session) -> BridgeConfig {
    BridgeConfig {
        session,
        browser: FORMATS,
        to_browser: Rewriter::new(1, 8000, [1; 6]),
        to_phone: Rewriter::new(2, 8000, [2; 6]),
        reports: ReportConfig {
            cname: "loopback".into(),
            clock: NtpOrigin::new(now(), Duration::ZERO),
            seed: number as u64,
        },
        learn_phone_address: false,
        silence: PATIENCE,
    }
}

/// A packet in its buffer, with room around.
fn packet(number: u16) -> (Vec<u8>, Range<usize>) {
    let header = Header {
        marker: false,
        payload_type: 0,
        sequence: number,
        timestamp: u32::from(number) * 160,
        ssrc: 7,
    };
    let mut buf = vec![0; HEADROOM];
    buf.extend(header.to_bytes());
    buf.resize(buf.len() + PAYLOAD, 0xd5);
    let range = HEADROOM..buf.len();
    buf.resize(buf.len() + TAILROOM, 0);
    (buf, range)
}
