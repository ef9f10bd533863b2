//! Behaviour discovery over NATs of every kind, in virtual time, against our own responder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly
#![cfg(feature = "std")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::attribute::{
    ChangeRequest, ErrorCode, MappedAddress, OtherAddress, Padding, ResponseOrigin, ResponsePort,
    XorMappedAddress,
};
use stun_codec::discovery::{
    Behaviour, Discovery, Event, Failure, Inconclusive, Report, Responder,
};
use stun_codec::{
    Builder, Class, Encode, Handled, Message, Method, OpenError, Path, Received, SocketId,
    TransactionId, Transport, respond,
};
use virtual_network::{Dependence, HostId, NatKind, Network, Weather};

const SEED: [u8; 32] = [7; 32];
/// Five requests and the wait after the last, three times.
const LONGEST: Duration = Duration::from_secs(27);

#[allow(clippy::disallowed_methods)] // an origin for virtual time
fn origin() -> Instant {
    Instant::now()
}

fn responder() -> Responder {
    let ips = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
    Responder::new(ips, [3478, 3479]).unwrap()
}

fn server() -> SocketAddr {
    responder().sockets()[0]
}

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As RFC 5780 says.
    Full,
    /// It knows no discovery.
    Plain,
    /// It tells of another address and answers from there never.
    OneLegged,
    /// It ignores CHANGE-REQUEST: all answers come from where the request went.
    Deaf,
}

struct World {
    network: Network,
    client: HostId,
    server: HostId,
    kind: Kind,
}

/// Our addresses behind the NAT, one for each socket.
fn local(id: SocketId) -> SocketAddr {
    let port = if id == SocketId::asked(0) { 5000 } else { 5001 };
    SocketAddr::from(([10, 0, 0, 1], port))
}

impl World {
    fn new(now: Instant, seed: u64, weather: Weather, nat: Option<NatKind>, kind: Kind) -> Self {
        let mut network = Network::new(now, seed, weather);
        let locals = [local(SocketId::asked(0)), local(SocketId::asked(1))];
        let client = match nat {
            Some(nat) => {
                let nat = network.add_nat("203.0.113.1".parse().unwrap(), nat);
                network.add_host_behind(nat, &locals)
            }
            None => network.add_host(&locals),
        };
        let server = network.add_host(&responder().sockets());
        Self {
            network,
            client,
            server,
            kind,
        }
    }

    fn serve(&mut self, at: SocketAddr, from: SocketAddr, data: &[u8]) {
        let request = Message::parse(data).unwrap();
        let mut out = BytesMut::new();
        match self.kind {
            Kind::Plain => {
                if let Some(range) = respond(&request, from, &mut out) {
                    self.network.send(self.server, at, from, &out[range]);
                }
            }
            Kind::Full | Kind::Deaf | Kind::OneLegged => {
                let reply = responder().respond(&request, at, from, &mut out).unwrap();
                let origin = if self.kind == Kind::Deaf {
                    at
                } else {
                    reply.from
                };
                if self.kind == Kind::OneLegged && origin != server() {
                    return;
                }
                self.network
                    .send(self.server, origin, reply.to, &out[reply.range]);
            }
        }
    }

    /// Runs to the end, and says how long it took.
    fn run(&mut self, start: Instant) -> (Result<Report, Failure>, Duration) {
        let mut discovery = Discovery::new(SEED, server());
        let mut now = start;
        let mut closed = 0;
        loop {
            let mut out = BytesMut::new();
            while let Some(transmit) = discovery.poll_transmit(&mut out) {
                let Path { local, remote, .. } = transmit.path;
                self.network
                    .send(self.client, local, remote, &out[transmit.range]);
            }
            match discovery.poll_event() {
                Some(Event::Open(open)) => {
                    discovery.handle_opened(now, open.id, local(open.id));
                    continue;
                }
                Some(Event::Close(_)) => {
                    closed += 1;
                    continue;
                }
                Some(Event::Finished(result)) => {
                    assert_eq!((closed, discovery.poll_timeout()), (2, None));
                    assert_eq!(discovery.poll_event(), None);
                    return (result, now - start);
                }
                Some(other) => panic!("{other:?}"),
                None => {}
            }
            let deadline = discovery.poll_timeout().expect("not ended");
            assert!(deadline > now);
            now = self
                .network
                .next_arrival()
                .map_or(deadline, |at| at.min(deadline));
            self.network.advance(now);
            while let Some((host, datagram)) = self.network.receive() {
                if host == self.server {
                    self.serve(datagram.to, datagram.from, &datagram.data);
                    continue;
                }
                let id = [0, 1].map(SocketId::asked);
                let id = id.into_iter().find(|id| local(*id) == datagram.to).unwrap();
                let _ = discovery.handle_datagram(
                    now,
                    Received {
                        path: Path {
                            id,
                            local: datagram.to,
                            remote: datagram.from,
                            transport: Transport::Udp,
                        },
                        data: &mut datagram.data.clone(),
                    },
                );
            }
            discovery.handle_timeout(now);
        }
    }
}

const ALL: [(Dependence, Behaviour); 3] = [
    (
        Dependence::EndpointIndependent,
        Behaviour::EndpointIndependent,
    ),
    (Dependence::AddressDependent, Behaviour::AddressDependent),
    (
        Dependence::AddressAndPortDependent,
        Behaviour::AddressAndPortDependent,
    ),
];

fn calm() -> Weather {
    Weather::calm(Duration::from_millis(20))
}

#[test]
fn every_kind_of_nat_is_told() {
    for (mapping, maps) in ALL {
        for (filtering, filters) in ALL {
            let kind = NatKind::new(mapping, filtering);
            let start = origin();
            let mut world = World::new(start, 1, calm(), Some(kind), Kind::Full);
            let (report, took) = world.run(start);
            let report = report.unwrap();
            assert_eq!(report.mapping, Ok(maps), "{kind:?}");
            assert_eq!(report.filtering, Ok(filters), "{kind:?}");
            assert!(report.is_translated());
            assert_eq!(report.mapped.ip().to_string(), "203.0.113.1");
            assert!(took <= LONGEST, "{took:?}");
        }
    }
}

#[test]
fn without_a_nat_all_is_open_at_once() {
    let start = origin();
    let (report, took) = World::new(start, 1, calm(), None, Kind::Full).run(start);
    let report = report.unwrap();
    assert!(!report.is_translated());
    assert_eq!(report.mapping, Ok(Behaviour::EndpointIndependent));
    assert_eq!(report.filtering, Ok(Behaviour::EndpointIndependent));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn servers_that_cannot_or_lie_are_no_proof() {
    let full_cone = Some(NatKind::FULL_CONE);
    let run = |kind, nat| {
        let start = origin();
        World::new(start, 1, calm(), nat, kind)
            .run(start)
            .0
            .unwrap()
    };
    let report = run(Kind::Plain, full_cone);
    assert_eq!(report.mapping, Err(Inconclusive::Unsupported));
    assert_eq!(report.filtering, Err(Inconclusive::Unsupported));
    // It answers every request from where that went: nothing says that the filter is open.
    let report = run(Kind::Deaf, full_cone);
    assert_eq!(report.mapping, Ok(Behaviour::EndpointIndependent));
    assert_eq!(report.filtering, Ok(Behaviour::AddressAndPortDependent));
    let report = run(Kind::OneLegged, full_cone);
    let other = responder().sockets()[3];
    assert_eq!(report.mapping, Err(Inconclusive::OtherSilent(other)));
}

#[test]
fn silence_and_missing_sockets_are_causes() {
    let start = origin();
    let mut world = World::new(start, 1, calm(), None, Kind::Full);
    world.network.block(|_| true);
    let (result, took) = world.run(start);
    assert_eq!(result, Err(Failure(Inconclusive::NoAnswer)));
    assert!(took < Duration::from_secs(9), "{took:?}");

    let mut discovery = Discovery::new(SEED, server());
    for number in 0..2 {
        let id = SocketId::asked(number);
        assert!(matches!(discovery.poll_event(), Some(Event::Open(open)) if open.id == id));
    }
    discovery.handle_open_failed(start, SocketId::asked(0), OpenError::NoPort);
    assert_eq!(discovery.poll_event(), None);
    discovery.handle_closed(start, SocketId::asked(1));
    let last = std::iter::from_fn(|| discovery.poll_event()).last();
    let failure = Failure(Inconclusive::Socket(OpenError::NoPort));
    assert_eq!(last, Some(Event::Finished(Err(failure))));
}

/// A verdict over a bad link: never another than the right one, and nearly always one.
#[test]
fn loss_does_not_change_the_verdict() {
    let mut wrong = 0;
    for seed in 0..1000 {
        let (mapping, maps) = ALL[seed as usize % 3];
        let (filtering, filters) = ALL[seed as usize / 3 % 3];
        let start = origin();
        let mut weather = calm();
        weather.loss = 0.1;
        weather.duplication = 0.05;
        weather.jitter = Duration::from_millis(200);
        let kind = NatKind::new(mapping, filtering);
        let (report, took) = World::new(start, seed, weather, Some(kind), Kind::Full).run(start);
        assert!(took <= LONGEST, "{took:?}");
        let is_right = report
            .is_ok_and(|report| report.mapping == Ok(maps) && report.filtering == Ok(filters));
        wrong += usize::from(!is_right);
    }
    println!("{wrong} of 1000 without the right verdict");
    // Five requests are lost one way or the other with a chance of 0.19^5 = 1/4000, up to six times.
    assert!(wrong <= 8, "{wrong}");
}

#[test]
fn datagrams_that_answer_nothing_are_counted() {
    let now = origin();
    let mut discovery = Discovery::new(SEED, server());
    let id = SocketId::asked(0);
    let hand_in = |discovery: &mut Discovery, id, data: &mut [u8]| {
        let path = Path {
            id,
            local: local(id),
            remote: server(),
            transport: Transport::Udp,
        };
        discovery.handle_datagram(now, Received { path, data })
    };
    assert_eq!(
        hand_in(&mut discovery, SocketId::asked(2), &mut []),
        Handled::NotMine
    );
    assert_eq!(hand_in(&mut discovery, id, &mut [0; 3]), Handled::Dropped);
    let mut out = BytesMut::new();
    Builder::new(
        &mut out,
        Class::Success,
        Method::BINDING,
        TransactionId([0; 12]),
    )
    .finish()
    .unwrap();
    assert_eq!(hand_in(&mut discovery, id, &mut out), Handled::Dropped);
    let stats = discovery.stats();
    assert_eq!((stats.taken, stats.malformed, stats.unexpected), (0, 1, 1));
}

/// What the responder says to a request with these attributes: from where, where to, and what.
fn reply(at: SocketAddr, attributes: &[&dyn Encode]) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let mut wire = BytesMut::new();
    let builder = Builder::request(&mut wire, Method::BINDING, TransactionId([1; 12]));
    attributes
        .iter()
        .fold(builder, |builder, attribute| builder.attribute(*attribute))
        .finish()
        .unwrap();
    let mut out = BytesMut::new();
    let from = "203.0.113.9:6000".parse().unwrap();
    let request = Message::parse(&wire).unwrap();
    let reply = responder().respond(&request, at, from, &mut out).unwrap();
    (reply.from, reply.to, out[reply.range].to_vec())
}

/// RFC 5780 §6.1, table 1, for each of the four sockets.
#[test]
fn the_responder_answers_from_where_it_is_asked_to() {
    let [a, b, c, d] = responder().sockets();
    for (at, change_port, change_ip, both) in
        [(a, b, c, d), (b, a, d, c), (c, d, a, b), (d, c, b, a)]
    {
        for (ip, port, origin) in [
            (false, false, at),
            (true, false, change_ip),
            (false, true, change_port),
            (true, true, both),
        ] {
            let (from, to, wire) = reply(at, &[&ChangeRequest { ip, port }]);
            let message = Message::parse(&wire).unwrap();
            assert_eq!((from, to.port()), (origin, 6000));
            assert_eq!(message.attribute(), Ok(Some(ResponseOrigin(origin))));
            assert_eq!(message.attribute(), Ok(Some(OtherAddress(both))));
            assert_eq!(message.attribute(), Ok(Some(XorMappedAddress(to))));
            assert_eq!(message.attribute(), Ok(Some(MappedAddress(to))));
        }
    }
}

#[test]
fn ports_and_padding_are_not_mixed() {
    let (_, to, _) = reply(server(), &[&ResponsePort(7000)]);
    assert_eq!(to, "203.0.113.9:7000".parse().unwrap());
    let long = [b'.'; 4000];
    let (_, _, wire) = reply(server(), &[&Padding(&long)]);
    let message = Message::parse(&wire).unwrap();
    assert_eq!(message.attribute(), Ok(Some(Padding(&long[..1500]))));
    let (_, _, wire) = reply(server(), &[&Padding(b"...."), &ResponsePort(7000)]);
    let message = Message::parse(&wire).unwrap();
    assert_eq!(message.attribute(), Ok(Some(ErrorCode::BAD_REQUEST)));
}

#[test]
fn four_addresses_are_needed() {
    let ip = |text: &str| text.parse().unwrap();
    let (one, two, six) = (ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1"));
    assert!(Responder::new([one, one], [1, 2]).is_err());
    assert!(Responder::new([one, two], [1, 1]).is_err());
    assert!(Responder::new([one, six], [1, 2]).is_err());
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, TransactionId([1; 12]))
        .finish()
        .unwrap();
    let request = Message::parse(&out).unwrap();
    let elsewhere = "192.0.2.3:3478".parse().unwrap();
    let mut answer = BytesMut::new();
    assert_eq!(
        responder().respond(&request, elsewhere, elsewhere, &mut answer),
        None
    );
}
