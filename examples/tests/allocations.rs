//! No allocation per media packet in a bridge, counted by the allocator itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

#[path = "support/counting.rs"]
mod counting;
#[path = "support/link.rs"]
#[allow(dead_code)] // this link is a quiet one
mod link;
#[path = "support/pair.rs"]
mod pair;

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use counting::Counting;
use dtls_handshake::Identity;
use examples::bridge::{
    Bridge, BridgeConfig, Formats, FromBrowser, NtpOrigin, PhoneMedia, ReportConfig, Rewriter,
};
use examples::session::{Handled, Session, TAILROOM};
use ice_agent::{HEADROOM, Path, Received, Role, SocketId, Transport};
use link::{Link, Side};
use pair::{Pair, one_socket};
use sdp::negotiate::{PayloadTypes, TelephoneEvent};
use virtual_network::{Network, Weather};

const BRIDGE: usize = 0;
const BROWSER: usize = 1;
/// Packets counted in each direction, after those that warm up: the first of a stream may make
/// room for it.
const PACKETS: u16 = 1000;
const WARM_UP: u16 = 5;

thread_local! {
    /// Of this thread, so that a test that runs beside does no harm.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may free and allocate after its counter is gone.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` answers, and the allocations it took on this thread.
fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = ALLOCATIONS.with(Cell::get);
    let answer = work();
    (answer, ALLOCATIONS.with(Cell::get) - before)
}

#[allow(clippy::disallowed_methods)] // an origin for virtual time
fn origin() -> Instant {
    Instant::now()
}

fn address(host: u8) -> SocketAddr {
    ([192, 0, 2, host], 4000).into()
}

/// Two sessions that are connected with one SRTP profile.
fn connected(profile: u16) -> Link {
    let now = origin();
    let addresses = [1, 2].map(address);
    let pair = Pair {
        identities: &[1, 2].map(|_| Identity::generate(UNIX_EPOCH).unwrap()),
        sockets: addresses.map(one_socket),
        roles: [Role::Controlled, Role::Controlling],
        profiles: &[profile],
        seed: 1,
    };
    let network = Network::new(now, 1, Weather::default());
    let mut link = Link::public(network, pair.sessions(now), addresses);
    let all = |sides: &[Side; 2]| sides.iter().all(Side::is_connected);
    assert!(link.run(Duration::from_secs(5), all));
    link
}

const fn same(number: u8) -> PayloadTypes {
    PayloadTypes {
        send: number,
        receive: number,
    }
}

const fn keys(number: u8) -> TelephoneEvent {
    TelephoneEvent {
        payload_types: same(number),
        clock_rate: 8000,
    }
}

/// A bridge in a call: its browser is a session, its phone is this test.
struct Call {
    now: Instant,
    bridge: Bridge,
    browser: Session,
}

impl Call {
    fn new(profile: u16) -> Self {
        let Link { network, sides } = connected(profile);
        let (now, [bridge, browser]) = (network.now(), sides);
        let config = BridgeConfig {
            session: bridge.session,
            browser: Formats {
                codec: same(0),
                telephone_event: Some(keys(126)),
                comfort_noise: None,
            },
            to_browser: Rewriter::new(1, 8000, [1; 6]),
            to_phone: Rewriter::new(2, 8000, [2; 6]),
            reports: ReportConfig {
                cname: "bridge".into(),
                clock: NtpOrigin::new(now, Duration::ZERO),
                seed: 1,
            },
            learn_phone_address: false,
            silence: Duration::from_secs(30),
        };
        let mut bridge = Bridge::new(config, now);
        let phone = PhoneMedia {
            remote: address(3),
            rtcp: address(3),
            formats: Formats {
                codec: same(8),
                telephone_event: Some(keys(101)),
                comfort_noise: None,
            },
            listens: true,
            speaks: true,
            takes_reports: true,
        };
        bridge.set_phone(now, phone);
        Self {
            now,
            bridge,
            browser: browser.session,
        }
    }

    /// 20 ms go by, with the checks of ICE that fall due. A call lives on them; they are not media.
    fn pass(&mut self) {
        self.now += Duration::from_millis(20);
        self.bridge.handle_timeout(self.now);
        self.browser.handle_timeout(self.now);
        let mut out = BytesMut::new();
        loop {
            if let Some(transmit) = self.bridge.poll_transmit(&mut out) {
                let rx = received(BROWSER, &mut out[transmit.range]);
                let _ = self.browser.handle_datagram(self.now, rx);
            } else if let Some(transmit) = self.browser.poll_transmit(&mut out) {
                let rx = received(BRIDGE, &mut out[transmit.range]);
                let _ = self.bridge.handle_browser(self.now, rx);
            } else {
                break;
            }
            out.clear();
        }
        while self.bridge.poll_event().is_some() || self.browser.poll_event().is_some() {}
    }

    /// The browser sends a packet to the phone. Answers the allocations in the bridge.
    fn browser_speaks(&mut self, sequence: u16) -> u64 {
        let (mut buf, packet) = packet(sequence, [0, 126]);
        let sent = self.browser.send_rtp(self.now, &mut buf, packet).unwrap();
        let (now, bridge) = (self.now, &mut self.bridge);
        let (handled, allocations) =
            counted(|| bridge.handle_browser(now, received(BRIDGE, &mut buf[sent.range.clone()])));
        let FromBrowser::ToPhone { remote, range } = handled else {
            panic!("{handled:?}");
        };
        let handed = &buf[sent.range];
        assert_eq!(remote, address(3));
        assert_eq!(handed[range.start + 1] & 0x7f, number(sequence, [8, 101]));
        assert_eq!(handed[range.start + 12..range.end], payload(sequence));
        allocations + self.nothing_waits()
    }

    /// The phone sends a packet to the browser. Answers the allocations in the bridge.
    fn phone_speaks(&mut self, sequence: u16) -> u64 {
        let (mut buf, packet) = packet(sequence, [8, 101]);
        let (now, bridge) = (self.now, &mut self.bridge);
        let (transmit, allocations) =
            counted(|| bridge.handle_phone(now, address(3), &mut buf, packet));
        let data = &mut buf[transmit.unwrap().range];
        let handled = self
            .browser
            .handle_datagram(self.now, received(BROWSER, data));
        let Handled::Rtp(range) = handled else {
            panic!("{handled:?}");
        };
        assert_eq!(data[range.start + 1] & 0x7f, number(sequence, [0, 126]));
        assert_eq!(data[range.start + 12..range.end], payload(sequence));
        allocations + self.nothing_waits()
    }

    /// A stranger sends what only the phone may, another forges SRTP. Answers the allocations.
    fn strangers_speak(&mut self, sequence: u16) -> u64 {
        let (mut buf, packet) = packet(sequence, [8, 101]);
        let (now, bridge) = (self.now, &mut self.bridge);
        let (stranger, first) =
            counted(|| bridge.handle_phone(now, address(66), &mut buf, packet.clone()));
        let (forged, second) =
            counted(|| bridge.handle_browser(now, received(BRIDGE, &mut buf[packet])));
        assert_eq!((stranger, forged), (None, FromBrowser::Dropped));
        first + second + self.nothing_waits()
    }

    /// What the media loop asks after a packet. Answers the allocations.
    fn nothing_waits(&mut self) -> u64 {
        let mut out = BytesMut::with_capacity(2048);
        let bridge = &mut self.bridge;
        let (waits, allocations) = counted(|| {
            let waits = bridge.poll_transmit(&mut out).is_some() || bridge.poll_event().is_some();
            (waits, bridge.poll_timeout())
        });
        assert!(!waits.0, "media left something to drain");
        allocations
    }
}

fn received(at: usize, data: &mut [u8]) -> Received<'_> {
    let path = Path {
        id: SocketId(0),
        local: address(at as u8 + 1),
        remote: address(2 - at as u8),
        transport: Transport::Udp,
    };
    Received { path, data }
}

/// Speech, and now and then a digit.
fn number(sequence: u16, [speech, digit]: [u8; 2]) -> u8 {
    if sequence.is_multiple_of(50) {
        digit
    } else {
        speech
    }
}

fn payload(sequence: u16) -> [u8; 160] {
    [sequence as u8; 160]
}

/// A packet with a header extension in every other one, as browsers send it, in its buffer.
fn packet(sequence: u16, numbers: [u8; 2]) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut buf = vec![0; HEADROOM];
    buf.extend([0x80, number(sequence, numbers)]);
    buf.extend(sequence.to_be_bytes());
    buf.extend((u32::from(sequence) * 160).to_be_bytes());
    buf.extend([0, 0, 0, 7]);
    if sequence.is_multiple_of(2) {
        buf[HEADROOM] |= 0x10;
        buf.extend([0xbe, 0xde, 0, 1, 0x10, 0x7f, 0, 0]);
    }
    buf.extend(payload(sequence));
    let packet = HEADROOM..buf.len();
    buf.resize(buf.len() + TAILROOM, 0);
    (buf, packet)
}

#[test]
fn a_media_packet_costs_a_bridge_no_allocation() {
    for profile in [0x0007, 0x0001] {
        let (mut call, setup) = counted(|| Call::new(profile));
        assert_ne!(setup, 0, "the allocator counts");
        for sequence in 0..WARM_UP {
            call.pass();
            call.browser_speaks(sequence);
            call.phone_speaks(sequence);
        }
        let mut cost = [0; 3];
        for sequence in WARM_UP..WARM_UP + PACKETS {
            call.pass();
            cost[0] += call.browser_speaks(sequence);
            cost[1] += call.phone_speaks(sequence);
            cost[2] += call.strangers_speak(sequence);
        }
        let stats = call.bridge.stats();
        let passed = [
            stats.to_phone.counts.sent.packets,
            stats.to_browser.counts.sent.packets,
        ];
        assert_eq!(passed, [u64::from(WARM_UP + PACKETS); 2]);
        assert_eq!(
            cost, [0; 3],
            "to the phone, to the browser, refused; profile {profile:#06x}"
        );
    }
}
