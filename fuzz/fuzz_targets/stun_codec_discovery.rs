//! Any order of calls on a behaviour discovery, over any answers: it ends, once, in bounded time, closes its
//! sockets and goes quiet. The responder answers any request, never with much more than it was sent.
//!
//! Input: steps of three bytes: what happens, to which socket, and how.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stun_codec::discovery::{Discovery, Event, Responder};
use stun_codec::{Message, OpenError, Path, Received, SocketId, Transport};

fn responder() -> Responder {
    let ips = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().expect("an address"));
    Responder::new(ips, [3478, 3479]).expect("four addresses")
}

fn path(socket: u8, remote: SocketAddr) -> Path {
    Path {
        id: SocketId::asked(u32::from(socket % 3)),
        local: "10.0.0.1:5000".parse().expect("an address"),
        remote,
        transport: Transport::Udp,
    }
}

fuzz_target!(|data: &[u8]| {
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    let mut now = Instant::now();
    let four = responder().sockets();
    let mut discovery = Discovery::new([7; 32], four[0]);
    let (mut ends, mut sent) = (0, 0);
    let mut requests: Vec<(Path, Vec<u8>)> = Vec::new();
    for step in data.chunks_exact(3) {
        let &[what, which, how] = step else { return };
        let id = SocketId::asked(u32::from(which % 3));
        match what % 8 {
            0 => now += Duration::from_millis(u64::from(how) * 10),
            1 => discovery.handle_timeout(now),
            2 => {
                let mut out = BytesMut::new();
                if let Some(transmit) = discovery.poll_transmit(&mut out) {
                    sent += 1;
                    requests.push((transmit.path, out[transmit.range].to_vec()));
                }
            }
            3 => ends += u32::from(matches!(discovery.poll_event(), Some(Event::Finished(_)))),
            4 => discovery.handle_opened(now, id, path(which, four[0]).local),
            5 => discovery.handle_open_failed(now, id, OpenError::NoPort),
            6 => {
                let at = four[usize::from(how) % 4];
                let _ = discovery.handle_datagram(
                    now,
                    Received {
                        path: path(which, at),
                        data: &mut data.to_vec(),
                    },
                );
            }
            _ => {
                let Some((path, request)) = requests.pop() else {
                    continue;
                };
                let request_message = Message::parse(&request).expect("our own message");
                let from = SocketAddr::from(([203, 0, 113, 1], 4000 + u16::from(how)));
                let mut out = BytesMut::new();
                let at = path.remote;
                if let Some(reply) = responder().respond(&request_message, at, from, &mut out) {
                    assert!(reply.range.len() <= request.len() + 100);
                    let remote = if which & 0x80 == 0 { reply.from } else { at };
                    let _ = discovery.handle_datagram(
                        now,
                        Received {
                            path: Path { remote, ..path },
                            data: &mut out[reply.range],
                        },
                    );
                }
            }
        }
    }
    for id in [0, 1].map(SocketId::asked) {
        discovery.handle_closed(now, id);
    }
    while let Some(event) = discovery.poll_event() {
        ends += u32::from(matches!(event, Event::Finished(_)));
    }
    assert_eq!(ends, 1);
    assert!(sent <= 30, "{sent}");
    assert_eq!(discovery.poll_timeout(), None);
    assert!(discovery.poll_transmit(&mut BytesMut::new()).is_none());
});
