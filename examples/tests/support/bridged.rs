//! A bridge in a call, in virtual time: its browser is a session, its phone is the test.
#![allow(dead_code)] // each test file uses its part

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::BytesMut;
use dtls_handshake::Identity;
use examples::bridge::rtp::Header;
use examples::bridge::{
    Bridge, BridgeConfig, Formats, FromBrowser, NtpOrigin, PhoneMedia, PhonePort, ReportConfig,
    Rewriter, Stats,
};
use examples::session::{Handled, Session, TAILROOM};
use ice_agent::{HEADROOM, Path, Received, Role, SocketId, Transport};
use sdp::negotiate::{PayloadTypes, TelephoneEvent};
use virtual_network::{Network, Weather};

use super::link::{Link, Side};
use super::pair::{Pair, one_socket};

/// The SSRCs of what the bridge sends.
pub(crate) const TO_BROWSER: u32 = 0xb1;
/// The same, towards the phone.
pub(crate) const TO_PHONE: u32 = 0xb2;
/// Our canonical name.
pub(crate) const CNAME: &str = "bridge";
/// Seconds since 1970 when the call began.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_780_000_000);

/// An address of the simulated network.
pub(crate) fn at(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

/// The phone's RTP address; its RTCP is at the next port.
pub(crate) fn phone() -> SocketAddr {
    at(3, 4000)
}

/// One number for both ways.
pub(crate) const fn same(number: u8) -> PayloadTypes {
    PayloadTypes {
        send: number,
        receive: number,
    }
}

/// Telephone-event under a number.
pub(crate) const fn keys(number: u8, clock_rate: u32) -> Option<TelephoneEvent> {
    Some(TelephoneEvent {
        payload_types: same(number),
        clock_rate,
    })
}

/// What a call is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Of the codec, in Hz.
    pub(crate) clock_rate: u32,
    /// Agreed with the browser.
    pub(crate) browser: Formats,
    /// Agreed with the phone.
    pub(crate) phone: Formats,
    /// Whether another port of the phone may be learned.
    pub(crate) learn: bool,
}

impl Terms {
    /// PCMU on both sides, with keys and comfort noise.
    pub(crate) fn pcmu() -> Self {
        let formats = |codec, event| Formats {
            codec: same(codec),
            telephone_event: keys(event, 8000),
            comfort_noise: Some(same(13)),
        };
        Self {
            clock_rate: 8000,
            browser: formats(0, 126),
            phone: formats(0, 101),
            learn: false,
        }
    }

    /// Opus on both sides, with keys of these clocks.
    pub(crate) fn opus(browser_keys: u32, phone_keys: u32) -> Self {
        let formats = |codec, event, clock_rate| Formats {
            codec: same(codec),
            telephone_event: keys(event, clock_rate),
            comfort_noise: None,
        };
        Self {
            clock_rate: 48_000,
            browser: formats(111, 110, browser_keys),
            phone: formats(96, 101, phone_keys),
            learn: false,
        }
    }
}

/// An RTCP compound that reached one side, and when.
pub(crate) struct Report {
    pub(crate) at: Instant,
    pub(crate) compound: Vec<u8>,
}

/// A call.
pub(crate) struct Bridged {
    pub(crate) now: Instant,
    pub(crate) bridge: Bridge,
    browser: Session,
    media: PhoneMedia,
    /// RTCP that has reached the browser.
    pub(crate) browser_reports: Vec<Report>,
    /// RTCP that has reached the phone, from which port of ours, and where.
    pub(crate) phone_reports: Vec<(PhonePort, SocketAddr, Report)>,
}

impl Bridged {
    /// A call whose browser is connected and whose phone has answered.
    pub(crate) fn new(terms: Terms) -> Self {
        let mut call = Self::ringing(terms);
        call.set_phone(call.media);
        call
    }

    /// A call whose browser is connected and whose phone has told nothing.
    pub(crate) fn ringing(terms: Terms) -> Self {
        let Link { network, sides } = connected();
        let (now, [bridge, browser]) = (network.now(), sides);
        let config = BridgeConfig {
            session: bridge.session,
            browser: terms.browser,
            to_browser: Rewriter::new(TO_BROWSER, terms.clock_rate, [0xff, 0xff, 1, 1, 1, 1]),
            to_phone: Rewriter::new(TO_PHONE, terms.clock_rate, [0xff, 0xf0, 2, 2, 2, 2]),
            reports: ReportConfig {
                cname: CNAME.into(),
                clock: NtpOrigin::new(now, EPOCH),
                seed: 7,
            },
            learn_phone_address: terms.learn,
            silence: Duration::from_secs(30),
        };
        let mut call = Self {
            now,
            bridge: Bridge::new(config, now),
            browser: browser.session,
            media: PhoneMedia {
                remote: phone(),
                rtcp: at(3, 4001),
                formats: terms.phone,
                listens: true,
                speaks: true,
                takes_reports: true,
            },
            browser_reports: Vec::new(),
            phone_reports: Vec::new(),
        };
        call.settle();
        call
    }

    /// What the phone's first description says.
    pub(crate) fn media(&self) -> PhoneMedia {
        self.media
    }

    /// The phone tells its media.
    pub(crate) fn set_phone(&mut self, media: PhoneMedia) {
        self.bridge.set_phone(self.now, media);
        self.settle();
    }

    /// Time goes by, with all that falls due in it.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let due = [self.bridge.poll_timeout(), self.browser.poll_timeout()];
            let Some(next) = due.into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.bridge.handle_timeout(self.now);
            self.browser.handle_timeout(self.now);
            self.settle();
            let next = self.bridge.poll_timeout();
            assert!(next.is_none_or(|at| at > self.now), "a timeout in the past");
        }
        self.now = end;
    }

    /// So many milliseconds go by.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    /// The browser sends an RTP packet. Answers what the phone gets.
    pub(crate) fn browser_says(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let (mut buf, range) = with_room(packet);
        let sent = self.browser.send_rtp(self.now, &mut buf, range).unwrap();
        let data = &mut buf[sent.range];
        self.reaches_bridge(data)
    }

    /// What the browser would send, protected.
    pub(crate) fn browser_protects(&mut self, packet: &[u8]) -> Vec<u8> {
        let (mut buf, range) = with_room(packet);
        let sent = self.browser.send_rtp(self.now, &mut buf, range).unwrap();
        buf[sent.range].to_vec()
    }

    /// A datagram of the browser arrives. Answers what the phone gets.
    pub(crate) fn reaches_bridge(&mut self, data: &mut [u8]) -> Option<Vec<u8>> {
        let rx = received(1, 2, data);
        match self.bridge.handle_browser(self.now, rx) {
            FromBrowser::ToPhone { range, .. } => Some(data[range].to_vec()),
            _ => None,
        }
    }

    /// The browser sends RTCP.
    pub(crate) fn browser_reports(&mut self, compound: &[u8]) {
        let (mut buf, range) = with_room(compound);
        let sent = self.browser.send_rtcp(self.now, &mut buf, range).unwrap();
        assert_eq!(self.reaches_bridge(&mut buf[sent.range]), None);
    }

    /// The phone sends an RTP packet from its own address. Answers what the browser gets.
    pub(crate) fn phone_says(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.says_from(self.media.remote, packet)
    }

    /// Somebody sends an RTP packet to the phone leg. Answers what the browser gets.
    pub(crate) fn says_from(&mut self, from: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
        let (mut buf, range) = with_room(packet);
        let sent = self.bridge.handle_phone(self.now, from, &mut buf, range)?;
        let data = &mut buf[sent.range];
        match self.browser.handle_datagram(self.now, received(2, 1, data)) {
            Handled::Rtp(range) => Some(data[range].to_vec()),
            other => panic!("the browser refused a packet: {other:?}"),
        }
    }

    /// The phone sends RTCP.
    pub(crate) fn phone_reports(&mut self, compound: &[u8]) {
        let from = self.media.rtcp;
        self.bridge.handle_phone_rtcp(self.now, from, compound);
    }

    /// Ends the call.
    pub(crate) fn close(&mut self) {
        self.bridge.close(self.now);
        self.settle();
    }

    /// What passed.
    pub(crate) fn stats(&self) -> Stats {
        self.bridge.stats()
    }

    fn settle(&mut self) {
        let mut out = BytesMut::new();
        loop {
            out.clear();
            if let Some(sent) = self.bridge.poll_transmit(&mut out) {
                let data = &mut out[sent.range];
                let handled = self.browser.handle_datagram(self.now, received(2, 1, data));
                if let Handled::Rtcp(range) = handled {
                    self.browser_reports.push(Report {
                        at: self.now,
                        compound: data[range].to_vec(),
                    });
                }
            } else if let Some(sent) = self.bridge.poll_phone(&mut out) {
                let report = Report {
                    at: self.now,
                    compound: out[sent.range].to_vec(),
                };
                self.phone_reports.push((sent.port, sent.remote, report));
            } else if let Some(sent) = self.browser.poll_transmit(&mut out) {
                let rx = received(1, 2, &mut out[sent.range]);
                let _ = self.bridge.handle_browser(self.now, rx);
            } else {
                break;
            }
        }
        while self.bridge.poll_event().is_some() || self.browser.poll_event().is_some() {}
    }
}

/// Two sessions that are connected: the bridge's and the browser's.
fn connected() -> Link {
    static IDENTITIES: OnceLock<[Identity; 2]> = OnceLock::new();
    let identities =
        IDENTITIES.get_or_init(|| [(); 2].map(|()| Identity::generate(UNIX_EPOCH).unwrap()));
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let now = Instant::now();
    let addresses = [at(1, 4000), at(2, 4000)];
    let pair = Pair {
        identities,
        sockets: addresses.map(one_socket),
        roles: [Role::Controlled, Role::Controlling],
        profiles: &[0x0007],
        seed: 1,
    };
    let network = Network::new(now, 1, Weather::default());
    let mut link = Link::public(network, pair.sessions(now), addresses);
    let all = |sides: &[Side; 2]| sides.iter().all(Side::is_connected);
    assert!(link.run(Duration::from_secs(5), all));
    link
}

fn received(local: u8, remote: u8, data: &mut [u8]) -> Received<'_> {
    let path = Path {
        id: SocketId(0),
        local: at(local, 4000),
        remote: at(remote, 4000),
        transport: Transport::Udp,
    };
    Received { path, data }
}

fn with_room(packet: &[u8]) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut buf = vec![0; HEADROOM];
    buf.extend_from_slice(packet);
    buf.resize(buf.len() + TAILROOM, 0);
    (buf, HEADROOM..HEADROOM + packet.len())
}

/// A source of RTP packets: it counts, and keeps the time of its stream.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// Of a packet, in the clock of the stream.
    pub(crate) step: u32,
}

impl Source {
    /// A source of 20 ms packets of PCMU.
    pub(crate) fn pcmu(ssrc: u32) -> Self {
        Self {
            ssrc,
            payload_type: 0,
            sequence: 60_000,
            timestamp: 0x8000_0000,
            step: 160,
        }
    }

    /// The next packet.
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        self.marked(false, payload)
    }

    /// The next packet, with its marker.
    pub(crate) fn marked(&mut self, marker: bool, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            marker,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.step);
        [&header.to_bytes(), payload].concat()
    }

    /// The same source under another number, at the same time.
    pub(crate) fn other(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        [&header.to_bytes(), payload].concat()
    }
}

/// Takes a plain packet apart.
pub(crate) fn read(packet: &[u8]) -> (Header, &[u8]) {
    let (header, payload) = Header::parse(packet).unwrap();
    assert_eq!(
        packet[0], 0x80,
        "no padding, extension or contributing source"
    );
    (header, &packet[payload])
}
