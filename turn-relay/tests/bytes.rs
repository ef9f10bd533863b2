//! What goes over the wire, byte by byte, as RFC 8656 and RFC 6062 have it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use turn_relay::client::{Allocation, Cause, Config, Event, Icmp, PeerError, SendError, TAILROOM};
use turn_relay::{Framing, HEADROOM, Handled, Path, Received, SocketId, Transport, Wanted};

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

struct Side {
    client: Allocation,
    path: Path,
    now: Instant,
}

impl Side {
    /// A client whose socket is open. Nobody asks it for credentials.
    fn new(config: Config, transport: Transport) -> Self {
        #[allow(clippy::disallowed_methods)] // an origin for virtual time
        let now = Instant::now();
        let mut client = Allocation::new(config, [7; 32]).unwrap();
        let Some(Event::Open(open)) = client.poll_event() else {
            panic!("a socket")
        };
        let local = addr("10.0.0.1:5000");
        client.handle_opened(now, open.id, local);
        let path = Path {
            id: open.id,
            local,
            remote: addr("192.0.2.1:3478"),
            transport,
        };
        Self { client, path, now }
    }

    fn sent(&mut self) -> Vec<u8> {
        let mut out = BytesMut::new();
        let sent = self.client.poll_transmit(&mut out).unwrap();
        out[sent.range].to_vec()
    }

    fn hand(&mut self, frame: &[u8]) -> Handled {
        let mut data = frame.to_vec();
        let rx = Received {
            path: self.path,
            data: &mut data,
        };
        self.client.handle_datagram(self.now, rx)
    }

    /// Answers a request with these first two bytes and attributes.
    fn answer(&mut self, request: &[u8], kind: [u8; 2], attributes: &[u8]) -> Handled {
        let length = (attributes.len() as u16).to_be_bytes();
        self.hand(&[&kind[..], &length, &request[4..20], attributes].concat())
    }

    /// Grants what was asked for: a relayed address 192.0.2.1:50000.
    fn allocate(&mut self) {
        let request = self.sent();
        let granted = [
            &b"\x00\x16\x00\x08\x00\x01\xe2\x42\xe1\x12\xa6\x43"[..],
            b"\x00\x20\x00\x08\x00\x01\x32\x9a\x2b\x12\xa4\x43",
            b"\x00\x0d\x00\x04\x00\x00\x02\x58",
        ]
        .concat();
        assert_eq!(
            self.answer(&request, [0x01, 0x03], &granted),
            Handled::Consumed
        );
        let Some(Event::Allocated(allocated)) = self.client.poll_event() else {
            panic!("allocated");
        };
        assert_eq!(allocated.relayed, addr("192.0.2.1:50000"));
        assert_eq!(allocated.mapped, addr("10.0.0.1:5000"));
    }

    fn permit(&mut self, peer: SocketAddr) {
        self.client.permit(self.now, peer.ip()).unwrap();
        let request = self.sent();
        let _ = self.answer(&request, [0x01, 0x08], b"");
        assert_eq!(self.client.poll_event(), Some(Event::Permitted(peer.ip())));
    }
}

fn udp() -> Side {
    Side::new(Config::udp(addr("192.0.2.1:3478")), Transport::Udp)
}

#[test]
fn an_allocate_request() {
    let config = Config::udp(addr("192.0.2.1:3478"))
        .with_dont_fragment()
        .with_mobility()
        .with_lifetime(std::time::Duration::from_secs(900))
        .with_port(turn_relay::Port::Pair);
    let request = Side::new(config, Transport::Udp).sent();
    assert_eq!(request[..8], *b"\x00\x03\x00\x20\x21\x12\xa4\x42");
    let expected = [
        &b"\x00\x19\x00\x04\x11\0\0\0"[..],
        b"\x00\x0d\x00\x04\0\0\x03\x84",
        b"\x00\x1a\x00\x00",
        b"\x80\x30\x00\x00",
        b"\x00\x18\x00\x01\x80\0\0\0",
    ]
    .concat();
    assert_eq!(request[20..], expected);
}

#[test]
fn permission_channel_and_data() {
    let mut side = udp();
    side.allocate();
    let peer = addr("203.0.113.7:7000");
    side.client.bind_channel(side.now, peer).unwrap();
    let permission = side.sent();
    assert_eq!(permission[..4], *b"\x00\x08\x00\x0c");
    assert_eq!(
        permission[20..],
        *b"\x00\x12\x00\x08\x00\x01\x21\x12\xea\x12\xd5\x45"
    );
    let channel = side.sent();
    assert_eq!(channel[..4], *b"\x00\x09\x00\x14");
    let expected = b"\x00\x0c\x00\x04\x40\x00\0\0\x00\x12\x00\x08\x00\x01\x3a\x4a\xea\x12\xd5\x45";
    assert_eq!(channel[20..], *expected);
    let _ = side.answer(&permission, [0x01, 0x08], b"");

    // By indication as long as the channel is not bound.
    let mut buf = [0xee; HEADROOM + 5 + TAILROOM];
    buf[HEADROOM..][..5].copy_from_slice(b"hello");
    let sent = side
        .client
        .send(side.now, &mut buf, HEADROOM..HEADROOM + 5, peer)
        .unwrap();
    let frame = &buf[sent.range];
    assert_eq!(frame[..8], *b"\x00\x16\x00\x18\x21\x12\xa4\x42");
    assert_eq!(
        frame[20..32],
        *b"\x00\x12\x00\x08\x00\x01\x3a\x4a\xea\x12\xd5\x45"
    );
    assert_eq!(frame[32..], *b"\x00\x13\x00\x05hello\0\0\0");

    let _ = side.answer(&channel, [0x01, 0x09], b"");
    let sent = side
        .client
        .send(side.now, &mut buf, HEADROOM..HEADROOM + 5, peer)
        .unwrap();
    assert_eq!(buf[sent.range], *b"\x40\x00\x00\x05hello");
    assert_eq!(
        side.hand(b"\x40\x00\x00\x02hi\0\0"),
        Handled::Data {
            from: peer,
            range: 4..6
        }
    );
    // Of a channel that nobody bound, cut off, or of nobody.
    assert_eq!(side.hand(b"\x40\x01\x00\x02hi"), Handled::Dropped);
    assert_eq!(side.hand(b"\x40\x00\x00\x03hi"), Handled::Dropped);
    assert_eq!(side.hand(b"\x80nobody"), Handled::Dropped);
    assert_eq!(side.hand(b""), Handled::Dropped);
    let stats = side.client.stats();
    assert_eq!((stats.unknown_channel, stats.malformed), (1, 3));
}

#[test]
fn the_longest_header_fills_the_headroom() {
    let config = Config::udp(addr("192.0.2.1:3478"))
        .with_dont_fragment()
        .with_families(turn_relay::client::Families::One(turn_relay::Family::V6));
    let mut side = Side::new(config, Transport::Udp);
    let request = side.sent();
    let granted = [
        &b"\x00\x16\x00\x14\x00\x02\xe2\x42"[..],
        &[0; 16],
        b"\x00\x20\x00\x08\x00\x01\x32\x9a\x2b\x12\xa4\x43",
        b"\x00\x0d\x00\x04\x00\x00\x02\x58",
    ]
    .concat();
    let _ = side.answer(&request, [0x01, 0x03], &granted);
    let _ = side.client.poll_event();
    let peer = addr("[2001:db8::7]:7000");
    side.permit(peer);
    let mut buf = [0; HEADROOM + 1 + TAILROOM];
    let sent = side
        .client
        .send(side.now, &mut buf, HEADROOM..HEADROOM + 1, peer)
        .unwrap();
    assert_eq!(sent.range, 0..HEADROOM + 4);
    // Too little room before or behind is told, and nothing is written.
    for range in [HEADROOM - 1..HEADROOM, HEADROOM + 3..HEADROOM + 4, 9..70] {
        let sent = side.client.send(side.now, &mut buf, range, peer);
        assert!(
            matches!(sent, Err(SendError::OutOfRange { .. })),
            "{sent:?}"
        );
    }
    let v4 = side.client.permit(side.now, addr("203.0.113.7:1").ip());
    assert_eq!(v4, Err(PeerError::Family(turn_relay::Family::V4)));
}

#[test]
fn data_and_icmp_of_peers() {
    let mut side = udp();
    side.allocate();
    let peer = addr("203.0.113.7:7000");
    let data = [
        &b"\x00\x17\x00\x14\x21\x12\xa4\x42"[..],
        &[9; 12],
        b"\x00\x12\x00\x08\x00\x01\x3a\x4a\xea\x12\xd5\x45\x00\x13\x00\x02hi\0\0",
    ]
    .concat();
    // RFC 8656 §11.4: not of those who were never let in.
    assert_eq!(side.hand(&data), Handled::Dropped);
    side.permit(peer);
    assert_eq!(
        side.hand(&data),
        Handled::Data {
            from: peer,
            range: 36..38
        }
    );
    let icmp = [
        &b"\x00\x17\x00\x18\x21\x12\xa4\x42"[..],
        &[9; 12],
        b"\x00\x12\x00\x08\x00\x01\x3a\x4a\xea\x12\xd5\x45",
        b"\x80\x04\x00\x08\0\0\x03\x04\0\0\x05\x00",
    ]
    .concat();
    assert_eq!(side.hand(&icmp), Handled::Consumed);
    let icmp = Icmp {
        kind: 3,
        code: 4,
        data: 1280,
    };
    assert_eq!(
        side.client.poll_event(),
        Some(Event::PeerUnreachable { peer, icmp })
    );
    // On another socket, or of another sender, nothing is ours.
    let mut data = data.clone();
    for path in [
        Path {
            id: SocketId(3),
            ..side.path
        },
        Path {
            remote: addr("192.0.2.9:3478"),
            ..side.path
        },
    ] {
        let handled = side.client.handle_datagram(
            side.now,
            Received {
                path,
                data: &mut data,
            },
        );
        assert_eq!(handled, Handled::NotMine);
    }
}

#[test]
fn an_answer_that_lacks_what_it_must_have_ends_it() {
    let mut side = udp();
    let request = side.sent();
    let _ = side.answer(&request, [0x01, 0x03], b"\x00\x0d\x00\x04\x00\x00\x02\x58");
    assert!(matches!(side.client.poll_event(), Some(Event::Close(_))));
    assert_eq!(
        side.client.poll_event(),
        Some(Event::Ended(Cause::BadAnswer("Allocate")))
    );
}

#[test]
fn a_connection_to_a_peer() {
    let config = Config::tcp(addr("192.0.2.1:3478")).with_tcp_relay();
    let mut side = Side::new(config, Transport::Tcp);
    let peer = addr("203.0.113.7:7000");
    assert_eq!(
        side.client.connect(side.now, peer),
        Err(PeerError::NotAllocated)
    );
    side.allocate();
    side.client.connect(side.now, peer).unwrap();
    assert_eq!(
        side.client.connect(side.now, peer),
        Err(PeerError::Exists(peer))
    );
    let request = side.sent();
    assert_eq!(request[..4], *b"\x00\x0a\x00\x0c");
    let _ = side.answer(&request, [0x01, 0x0a], b"\x00\x2a\x00\x04\xde\xad\xbe\xef");
    let Some(Event::Open(open)) = side.client.poll_event() else {
        panic!("a connection")
    };
    let remote = addr("192.0.2.1:3478");
    let framing = Framing::TurnData;
    assert_eq!(open.what, Wanted::Tcp { remote, framing });
    let local = addr("10.0.0.1:5001");
    side.client.handle_opened(side.now, open.id, local);
    let request = side.sent();
    assert_eq!(request[..4], *b"\x00\x0b\x00\x08");
    assert_eq!(request[20..], *b"\x00\x2a\x00\x04\xde\xad\xbe\xef");
    side.path = Path {
        id: open.id,
        local,
        ..side.path
    };
    let _ = side.answer(&request, [0x01, 0x0b], b"");
    let socket = open.id;
    assert_eq!(
        side.client.poll_event(),
        Some(Event::Connected { peer, socket })
    );
    // From here on it is the peer's stream, in both directions as it is.
    assert_eq!(
        side.hand(b"\x00\x01 bytes"),
        Handled::Data {
            from: peer,
            range: 0..8
        }
    );
    let mut buf = *b"bytes";
    let sent = side.client.send(side.now, &mut buf, 0..5, peer).unwrap();
    assert_eq!((sent.path, sent.range), (side.path, 0..5));
    side.client.handle_closed(side.now, socket);
    assert_eq!(side.client.poll_event(), Some(Event::Disconnected { peer }));
}
