//! Against coturn, over UDP and TCP. TLS is tested where the driver for it is, in `examples`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // helpers of tests

mod coturn;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use coturn::{Client, Coturn, PATIENCE};
use turn_relay::Port;
use turn_relay::client::{Cause, Config, Event};

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A peer that answers what it hears.
fn echo() -> SocketAddr {
    let socket = UdpSocket::bind(HERE).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buf = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buf) {
            if socket.send_to(&buf[..length], from).is_err() || &buf[..length] == b"bye" {
                return;
            }
        }
    });
    address
}

fn talk_through(config: Config) {
    let peer = echo();
    let mut client = Client::new(config);
    let allocated = client.allocate();
    assert_eq!(allocated.relayed.ip(), HERE.ip());
    client.permit(peer.ip());
    client.wait("permitted", |event| *event == Event::Permitted(peer.ip()));
    for length in [0, 1, 2, 3, 4, 5, 172, 1200] {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        assert!(
            client.send(&payload, peer) >= 36 + payload.len(),
            "an indication"
        );
        assert_eq!(client.hear(), (peer, payload));
    }
    client.bind_channel(peer);
    client.wait("bound", |event| *event == Event::ChannelBound(peer));
    for length in [0, 1, 2, 3, 4, 5, 172, 1200] {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        assert_eq!(
            client.send(&payload, peer),
            4 + payload.len(),
            "ChannelData"
        );
        assert_eq!(client.hear(), (peer, payload));
    }
    client.send(b"bye", peer);
    client.release();
    assert_eq!(client.end(), Cause::Released);
}

#[test]
fn real_coturn_over_udp() {
    let server = Coturn::start(&[]);
    talk_through(server.udp());
}

#[test]
fn real_coturn_over_tcp() {
    let server = Coturn::start(&[]);
    talk_through(server.tcp());
}

#[test]
fn real_coturn_refuses_a_wrong_password() {
    let server = Coturn::start(&[]);
    for config in [server.udp(), server.tcp()] {
        let mut client = Client::new(config.with_credentials("alice", "wrong"));
        let realm = "first.test".into();
        assert_eq!(client.end(), Cause::WrongPassword { realm });
    }
}

#[test]
fn real_coturn_limits_a_user() {
    let server = Coturn::start(&["--user-quota=1"]);
    let mut first = Client::new(server.udp());
    first.allocate();
    assert_eq!(Client::new(server.udp()).end(), Cause::Quota);
    // What is given back is free again, soon.
    first.release();
    assert_eq!(first.end(), Cause::Released);
    let end = coturn::now() + PATIENCE;
    while Client::new(server.udp()).allocates() == Some(Cause::Quota) {
        assert!(coturn::now() < end);
    }
}

#[test]
fn real_coturn_forbids_a_peer() {
    let server = Coturn::start(&["--denied-peer-ip=192.0.2.0-192.0.2.255"]);
    let mut client = Client::new(server.udp());
    client.allocate();
    let peer = "192.0.2.7".parse().unwrap();
    client.permit(peer);
    client.wait("refused", |event| {
        matches!(
            event,
            Event::PermissionRefused {
                cause: Cause::Refused { code: 403, .. },
                ..
            }
        )
    });
}

#[test]
fn real_coturn_keeps_an_allocation_through_stale_nonces_and_refreshes() {
    // Nonces of one second, and lifetimes as short as coturn makes them.
    let server = Coturn::start(&["--stale-nonce=1", "--max-allocate-lifetime=6"]);
    let peer = echo();
    for config in [server.udp(), server.tcp()] {
        let mut client = Client::new(config);
        let allocated = client.allocate();
        assert!(
            allocated.lifetime <= Duration::from_secs(6),
            "{allocated:?}"
        );
        client.bind_channel(peer);
        client.wait("bound", |event| *event == Event::ChannelBound(peer));
        client.idle(Duration::from_secs(14));
        client.send(b"still here", peer);
        assert_eq!(client.hear(), (peer, b"still here".to_vec()));
        assert!(client.stats().stale_nonces > 0, "{:?}", client.stats());
    }
}

#[test]
fn real_coturn_reserves_a_port() {
    let server = Coturn::start(&[]);
    let mut first = Client::new(server.udp().with_port(Port::Pair));
    let allocated = first.allocate();
    assert_eq!(allocated.relayed.port() % 2, 0);
    let token = allocated.reservation.expect("a token");
    let mut second = Client::new(server.udp().with_reservation(token));
    assert_eq!(
        second.allocate().relayed.port(),
        allocated.relayed.port() + 1
    );
}

#[test]
fn real_coturn_does_without_or_with_dont_fragment() {
    let server = Coturn::start(&[]);
    let peer = echo();
    let mut client = Client::new(server.udp().with_dont_fragment());
    client.allocate();
    client.permit(peer.ip());
    client.wait("permitted", |event| *event == Event::Permitted(peer.ip()));
    client.send(b"whole", peer);
    assert_eq!(client.hear(), (peer, b"whole".to_vec()));
}

#[test]
fn real_coturn_moves_an_allocation() {
    let server = Coturn::start(&["--mobility"]);
    let peer = echo();
    let mut client = Client::new(server.udp().with_mobility());
    let allocated = client.allocate();
    assert!(allocated.mobile);
    client.bind_channel(peer);
    client.wait("bound", |event| *event == Event::ChannelBound(peer));
    client.move_to();
    client.wait("moved", |event| matches!(event, Event::Moved { .. }));
    client.send(b"from elsewhere", peer);
    assert_eq!(client.hear(), (peer, b"from elsewhere".to_vec()));
    client.release();
    assert_eq!(client.end(), Cause::Released);
}

#[test]
fn real_coturn_is_started_anew_with_another_realm() {
    let server = Coturn::start(&[]);
    let mut client = Client::new(server.udp().with_rto(Duration::from_millis(20)));
    client.allocate();
    let server = server.again(&["--realm=second.test", "--user=alice:other"]);
    // It knows nothing of the allocation, and cannot prove that it is the same server.
    client.permit(HERE.ip());
    assert_eq!(client.end(), Cause::AllocationMismatch);
    let realm = "second.test".into();
    assert_eq!(
        Client::new(server.udp()).end(),
        Cause::WrongPassword { realm }
    );
    Client::new(server.udp().with_credentials("alice", "other")).allocate();
}

#[test]
fn real_coturn_is_killed() {
    // Over TCP it is seen at once.
    let server = Coturn::start(&[]);
    let mut client = Client::new(server.tcp());
    client.allocate();
    let udp = server.udp().with_rto(Duration::from_millis(20));
    let mut other = Client::new(udp.clone());
    other.allocate();
    server.kill();
    assert_eq!(client.end(), Cause::ConnectionLost);
    // Over UDP by what is not answered.
    other.permit("127.0.0.1".parse().unwrap());
    other.wait("refused", |event| {
        matches!(
            event,
            Event::PermissionRefused {
                cause: Cause::TimedOut { requests: 7, .. },
                ..
            }
        )
    });
    // And nobody is there for the next.
    assert!(matches!(Client::new(udp).end(), Cause::TimedOut { .. }));
}

#[test]
fn real_coturn_refuses_tcp_when_it_is_gone() {
    let server = Coturn::start(&[]);
    let config = server.tcp();
    server.kill();
    let cause = Client::new(config).end();
    assert!(
        matches!(
            cause,
            Cause::Unreachable {
                error: turn_relay::OpenError::Refused,
                ..
            }
        ),
        "{cause}"
    );
}

#[test]
fn real_coturn_connects_to_a_peer_over_tcp() {
    let server = Coturn::start(&[]);
    let listener = TcpListener::bind(HERE).unwrap();
    let peer = listener.local_addr().unwrap();
    let mut client = Client::new(server.tcp().with_tcp_relay());
    client.allocate();
    client.permit(peer.ip());
    client.wait("permitted", |event| *event == Event::Permitted(peer.ip()));
    client.connect(peer);
    let (mut stream, _) = listener.accept().unwrap();
    // The peer speaks first: its bytes may come with the answer to ConnectionBind.
    stream.write_all(b"hello, caller").unwrap();
    client.wait(
        "connected",
        |event| matches!(event, Event::Connected { peer: to, .. } if *to == peer),
    );
    assert_eq!(client.hear(), (peer, b"hello, caller".to_vec()));
    client.send(b"hello, peer", peer);
    let mut heard = [0; 11];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello, peer");
    drop(stream);
    client.wait("disconnected", |event| {
        *event == Event::Disconnected { peer }
    });
    client.release();
    assert_eq!(client.end(), Cause::Released);
}

#[test]
fn real_coturn_lets_a_peer_connect_over_tcp() {
    let server = Coturn::start(&[]);
    let mut client = Client::new(server.tcp().with_tcp_relay());
    let allocated = client.allocate();
    client.permit(HERE.ip());
    client.wait("permitted", |event| *event == Event::Permitted(HERE.ip()));
    let mut stream = TcpStream::connect(allocated.relayed).unwrap();
    let offered = client.wait("an attempt", |event| {
        matches!(event, Event::ConnectionAttempt { .. })
    });
    let Event::ConnectionAttempt { peer, connection } = offered else {
        unreachable!()
    };
    assert_eq!(peer, stream.local_addr().unwrap());
    client.accept(connection);
    client.wait("connected", |event| {
        matches!(event, Event::Connected { .. })
    });
    stream.write_all(b"let me in").unwrap();
    assert_eq!(client.hear(), (peer, b"let me in".to_vec()));
    client.send(b"come in", peer);
    let mut heard = [0; 7];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"come in");
}
