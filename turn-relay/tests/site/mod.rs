//! A server at work without a network: its driver, which opens every socket that is asked for, and users
//! who write their requests by hand.
#![allow(dead_code)] // each test file uses its own part
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)] // as in the tests it serves

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::attribute::{
    ErrorCode, Lifetime, Nonce, Realm, RequestedTransport, Username, XorPeerAddress,
    XorRelayedAddress,
};
use stun_codec::{
    AttributeType, Builder, Class, Decode, Encode, EncodeError, IntegrityKey, Message, Method,
    Open, TransactionId, ValueWriter, Wanted,
};
use turn_relay::server::{Config, Credentials, Event, PeerPolicy, Relay, Relayed, TAILROOM};
use turn_relay::{HEADROOM, Local, OpenError, Path, Port, SocketId, Transport};

pub(crate) const SERVER: &str = "192.0.2.1:3478";
pub(crate) const RELAY_V6: &str = "2001:db8::1";
pub(crate) const CLIENT: &str = "198.51.100.1:5000";
pub(crate) const PEER: &str = "203.0.113.7:7000";
pub(crate) const PEER_V6: &str = "[2001:db8:7::7]:7000";
/// The socket that the driver listens at.
pub(crate) const LISTENER: SocketId = SocketId(1);

#[allow(clippy::disallowed_methods)] // an origin for virtual time
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect(text)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

pub(crate) fn users() -> Credentials {
    let users = Credentials::new().with_user("alice", "secret").unwrap();
    users.with_user("bob", "terces").unwrap()
}

/// Both families, and peers of the ranges for documentation.
pub(crate) fn config() -> Config {
    let policy = PeerPolicy::internet()
        .allow(ip("203.0.113.0"), 24, 0..=65535)
        .allow(ip("2001:db8:7::"), 48, 0..=65535);
    Config::new("example.org", users())
        .with_listener(addr(SERVER))
        .with_relay_address(ip("192.0.2.1"))
        .with_relay_address(ip(RELAY_V6))
        .with_policy(policy)
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) path: Path,
    pub(crate) data: Vec<u8>,
    pub(crate) is_whole: bool,
}

pub(crate) struct Site {
    pub(crate) relay: Relay,
    pub(crate) now: Instant,
    /// Sockets that are open.
    pub(crate) bound: BTreeMap<SocketId, SocketAddr>,
    pub(crate) events: Vec<Event>,
    /// The next sockets cannot be opened.
    pub(crate) failing: usize,
    /// Asked for and not answered, if the driver is slow.
    pub(crate) waiting: Option<Vec<Open>>,
    pub(crate) last: Relayed,
    next_port: u16,
}

impl Site {
    pub(crate) fn new(config: Config) -> Self {
        let now = origin();
        Self::at(now, config)
    }

    pub(crate) fn at(now: Instant, config: Config) -> Self {
        Self {
            relay: Relay::new(now, config, [7; 32]).expect("a configuration"),
            now,
            bound: BTreeMap::new(),
            events: Vec::new(),
            failing: 0,
            waiting: None,
            last: Relayed::Dropped,
            next_port: 50_000,
        }
    }

    /// A frame of a client over UDP, and what the server sends.
    pub(crate) fn client_says(&mut self, from: SocketAddr, data: &[u8]) -> Vec<Out> {
        let path = Path {
            id: LISTENER,
            local: addr(SERVER),
            remote: from,
            transport: Transport::Udp,
        };
        self.hand(path, data)
    }

    /// A datagram of a peer to a relayed address.
    pub(crate) fn peer_says(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) -> Vec<Out> {
        let bound = self.bound.iter().find(|(_, local)| **local == to);
        let Some((&id, &local)) = bound else {
            return Vec::new();
        };
        let path = Path {
            id,
            local,
            remote: from,
            transport: Transport::Udp,
        };
        self.hand(path, data)
    }

    pub(crate) fn hand(&mut self, path: Path, data: &[u8]) -> Vec<Out> {
        let mut buf = vec![0xee; HEADROOM];
        buf.extend_from_slice(data);
        buf.extend_from_slice(&[0xee; TAILROOM]);
        let frame = HEADROOM..HEADROOM + data.len();
        self.last = self.relay.handle_packet(self.now, path, &mut buf, frame);
        let mut out: Vec<_> = match &self.last {
            Relayed::To(sent) | Relayed::ToWhole(sent) => vec![Out {
                path: sent.path,
                data: buf[sent.range.clone()].to_vec(),
                is_whole: matches!(self.last, Relayed::ToWhole(_)),
            }],
            _ => Vec::new(),
        };
        out.extend(self.drain());
        for one in &out {
            let is_open = one.path.id == LISTENER
                || !one.path.id.is_asked()
                || self.bound.get(&one.path.id) == Some(&one.path.local);
            assert!(is_open, "a socket that is open: {one:?}");
        }
        out
    }

    /// Takes what the server tells and sends; opens what it wants opened.
    pub(crate) fn drain(&mut self) -> Vec<Out> {
        let mut sent = Vec::new();
        loop {
            let mut out = BytesMut::new();
            while let Some(transmit) = self.relay.poll_transmit(&mut out) {
                sent.push(Out {
                    path: transmit.path,
                    data: out[transmit.range].to_vec(),
                    is_whole: false,
                });
            }
            let Some(event) = self.relay.poll_event() else {
                return sent;
            };
            match &event {
                Event::Open(open) => match &mut self.waiting {
                    Some(waiting) => waiting.push(open.clone()),
                    None => self.open(open),
                },
                Event::Close(close) => {
                    let was_open = self.bound.remove(&close.id).is_some();
                    assert!(was_open || !close.id.is_asked() || self.waiting.is_some());
                }
                _ => {}
            }
            self.events.push(event);
        }
    }

    pub(crate) fn open(&mut self, open: &Open) {
        let (ip, port) = match open.what {
            Wanted::Udp {
                local: Local::Ip(ip),
                port,
            } => (ip, port),
            Wanted::TcpListener {
                local: Local::Ip(ip),
            } => (ip, Port::Any),
            Wanted::TcpFrom { local, .. } => {
                if self.failing > 0 {
                    self.failing -= 1;
                    let error = OpenError::Refused;
                    return self.relay.handle_open_failed(self.now, open.id, error);
                }
                self.bound.insert(open.id, local);
                return self.relay.handle_opened(self.now, open.id, local);
            }
            _ => panic!("{open:?}"),
        };
        let is_free = |bound: &BTreeMap<SocketId, SocketAddr>, port| {
            !bound
                .values()
                .any(|taken| *taken == SocketAddr::new(ip, port))
        };
        let port = match port {
            Port::Within { least, most } => {
                assert_eq!(least, most);
                least
            }
            wanted => loop {
                self.next_port += 1;
                let is_even = self.next_port.is_multiple_of(2);
                if (wanted == Port::Any || is_even) && is_free(&self.bound, self.next_port) {
                    break self.next_port;
                }
            },
        };
        if self.failing > 0 || !is_free(&self.bound, port) {
            self.failing = self.failing.saturating_sub(1);
            let error = OpenError::NoPort;
            return self.relay.handle_open_failed(self.now, open.id, error);
        }
        let local = SocketAddr::new(ip, port);
        assert!(self.bound.insert(open.id, local).is_none(), "opened twice");
        self.relay.handle_opened(self.now, open.id, local);
    }

    /// Lets time go by, from one due moment to the next.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Out> {
        let end = self.now + time;
        let mut out = Vec::new();
        loop {
            let due = self.relay.poll_timeout().filter(|due| *due <= end);
            self.now = due.unwrap_or(end).max(self.now);
            self.relay.handle_timeout(self.now);
            if let Some(again) = self.relay.poll_timeout() {
                assert!(again > self.now, "a timeout that is handled is over");
            }
            out.extend(self.drain());
            if due.is_none() {
                return out;
            }
        }
    }

    pub(crate) fn told(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is(event)).count()
    }
}

/// Somebody who writes requests.
pub(crate) struct User {
    pub(crate) at: SocketAddr,
    /// The connection that it comes on; over UDP none.
    pub(crate) stream: Option<SocketId>,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) nonce: Vec<u8>,
    pub(crate) requests: u8,
}

/// An answer, read.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) code: Option<u16>,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    pub(crate) fn get<'a, A: Decode<'a>>(&'a self) -> Option<A> {
        self.message().attribute().unwrap()
    }

    #[track_caller]
    pub(crate) fn granted(self) -> Self {
        assert_eq!(self.code, None);
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: u16) -> Self {
        assert_eq!(self.code, Some(code));
        self
    }
}

impl User {
    pub(crate) fn new(at: &str, name: &str, password: &str) -> Self {
        Self {
            at: addr(at),
            stream: None,
            name: name.into(),
            password: password.into(),
            nonce: Vec::new(),
            requests: 0,
        }
    }

    pub(crate) fn alice() -> Self {
        Self::new(CLIENT, "alice", "secret")
    }

    pub(crate) fn key(&self) -> IntegrityKey {
        IntegrityKey::long_term(&self.name, "example.org", &self.password)
    }

    /// A request under another id each time.
    pub(crate) fn request(&mut self, method: Method, attributes: &[&dyn Encode]) -> Vec<u8> {
        self.requests += 1;
        let mut out = BytesMut::new();
        let id = TransactionId([self.requests; 12]);
        let mut builder = Builder::request(&mut out, method, id);
        for attribute in attributes {
            builder = builder.attribute(*attribute);
        }
        if self.nonce.is_empty() {
            builder.finish().unwrap();
        } else {
            builder
                .attribute(&Username(&self.name))
                .attribute(&Realm("example.org"))
                .attribute(&Nonce(&self.nonce))
                .integrity(&self.key())
                .finish()
                .unwrap();
        }
        out.to_vec()
    }

    /// Hands in a request and reads the answer, if there is one.
    pub(crate) fn hand(&mut self, site: &mut Site, request: &[u8]) -> Option<Answer> {
        let path = Path {
            id: self.stream.unwrap_or(LISTENER),
            local: addr(SERVER),
            remote: self.at,
            transport: match self.stream {
                Some(_) => Transport::Tcp,
                None => Transport::Udp,
            },
        };
        let out = site.hand(path, request);
        let answer = out.into_iter().find(|one| one.path.remote == self.at)?;
        let message = Message::parse(&answer.data).unwrap();
        let code = match message.class() {
            Class::Success => None,
            _ => Some(message.attribute::<ErrorCode<'_>>().unwrap().unwrap().code),
        };
        if let Some(Nonce(nonce)) = message.attribute().unwrap() {
            self.nonce = nonce.to_vec();
        } else if code != Some(400) && !(code == Some(300) && self.nonce.is_empty()) {
            assert!(
                message.verify(&self.key()).is_ok(),
                "answers keep their integrity"
            );
        }
        Some(Answer {
            code,
            bytes: answer.data,
        })
    }

    /// Sends a request, again where the server wants credentials.
    #[track_caller]
    pub(crate) fn ask(
        &mut self,
        site: &mut Site,
        method: Method,
        attributes: &[&dyn Encode],
    ) -> Answer {
        let had_nonce = !self.nonce.is_empty();
        let request = self.request(method, attributes);
        let answer = self.hand(site, &request).expect("an answer");
        match answer.code {
            Some(438) => {}
            Some(401) if !had_nonce => {}
            _ => return answer,
        }
        let request = self.request(method, attributes);
        self.hand(site, &request).expect("an answer")
    }

    #[track_caller]
    pub(crate) fn try_allocate(&mut self, site: &mut Site, more: &[&dyn Encode]) -> Answer {
        let attributes = [&[&RequestedTransport::UDP as &dyn Encode], more].concat();
        self.ask(site, Method::ALLOCATE, &attributes)
    }

    /// Allocates, and says where.
    #[track_caller]
    pub(crate) fn allocate(&mut self, site: &mut Site) -> SocketAddr {
        let answer = self.try_allocate(site, &[]).granted();
        answer.get::<XorRelayedAddress>().unwrap().0
    }

    #[track_caller]
    pub(crate) fn refresh(&mut self, site: &mut Site, seconds: u32) -> Answer {
        self.ask(site, Method::REFRESH, &[&Lifetime(seconds)])
    }
}

/// An attribute as it should not be.
pub(crate) struct Raw(pub(crate) AttributeType, pub(crate) &'static [u8]);

impl Encode for Raw {
    fn attribute_type(&self) -> AttributeType {
        self.0
    }

    fn encode(&self, value: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        value.bytes(self.1);
        Ok(())
    }
}

pub(crate) fn peer(text: &str) -> XorPeerAddress {
    XorPeerAddress(addr(text))
}
