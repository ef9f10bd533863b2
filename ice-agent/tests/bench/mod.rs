//! An agent, and a peer played by hand: one message at a time.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // as in the tests it serves

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ice_agent::{Agent, Config, Credentials, Handled, Path, Received, Role, SocketId, Transport};
use stun_codec::attribute::{
    ErrorCode, IceControlled, IceControlling, Priority, UseCandidate, Username, XorMappedAddress,
};
use stun_codec::{Builder, Class, IntegrityKey, Message, Method, TransactionId};

use crate::net::{addr, ms, origin, seed};

pub(crate) const PASSWORD: &str = "0123456789012345678901";

/// An agent, and the hand that plays its peer.
pub(crate) struct Bench {
    pub(crate) agent: Agent,
    pub(crate) now: Instant,
    pub(crate) serial: u8,
}

/// What a request of the peer says.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) nominate: bool,
}

pub(crate) const LEADER: Ask = Ask {
    role: Role::Controlling,
    tie_breaker: 5,
    nominate: false,
};
pub(crate) const NOMINATION: Ask = Ask {
    nominate: true,
    ..LEADER
};

pub(crate) fn one() -> SocketAddr {
    addr("198.51.100.1:6000")
}

pub(crate) fn two() -> SocketAddr {
    addr("198.51.100.2:6000")
}

impl Bench {
    pub(crate) fn new(config: Config) -> Self {
        let now = origin();
        let mut agent = Agent::new(config, seed(1)).expect("config");
        agent
            .add_host(now, SocketId(7), addr("192.0.2.1:5000"))
            .expect("host");
        Self {
            agent,
            now,
            serial: 0,
        }
    }

    /// An agent that knows the peer and one candidate of it.
    pub(crate) fn checking(config: Config) -> Self {
        let mut bench = Self::new(config);
        let credentials = Credentials::new("peer", PASSWORD).expect("valid");
        bench
            .agent
            .set_remote_credentials(bench.now, credentials)
            .expect("first");
        let candidate = "1 1 udp 2130706431 198.51.100.1 6000 typ host"
            .parse()
            .expect("one");
        bench
            .agent
            .add_remote_candidate(bench.now, candidate)
            .expect("one");
        bench
    }

    pub(crate) fn path(remote: SocketAddr) -> Path {
        let local = addr("192.0.2.1:5000");
        Path {
            id: SocketId(7),
            local,
            remote,
            transport: Transport::Udp,
        }
    }

    pub(crate) fn hand(&mut self, from: SocketAddr, data: &[u8]) -> Handled {
        let mut data = data.to_vec();
        let rx = Received {
            path: Self::path(from),
            data: &mut data,
        };
        self.agent.handle_datagram(self.now, rx)
    }

    pub(crate) fn id(&mut self) -> TransactionId {
        self.serial += 1;
        TransactionId([self.serial; 12])
    }

    pub(crate) fn key(&self) -> IntegrityKey {
        IntegrityKey::short_term(self.agent.local_credentials().password())
    }

    pub(crate) fn username(&self) -> String {
        format!("{}:peer", self.agent.local_credentials().ufrag())
    }

    pub(crate) fn request(&mut self, ask: Ask) -> Vec<u8> {
        let id = self.id();
        self.request_as(id, ask)
    }

    /// One of thousands.
    pub(crate) fn request_numbered(&self, ask: Ask, number: u32) -> Vec<u8> {
        let mut id = [0xee; 12];
        id[..4].copy_from_slice(&number.to_be_bytes());
        self.request_as(TransactionId(id), ask)
    }

    fn request_as(&self, id: TransactionId, ask: Ask) -> Vec<u8> {
        let (key, username) = (self.key(), self.username());
        let mut out = BytesMut::new();
        let mut request = Builder::request(&mut out, Method::BINDING, id)
            .attribute(&Username(&username))
            .attribute(&Priority(1_862_270_975));
        request = match ask.role {
            Role::Controlling => request.attribute(&IceControlling(ask.tie_breaker)),
            Role::Controlled => request.attribute(&IceControlled(ask.tie_breaker)),
        };
        if ask.nominate {
            request = request.attribute(&UseCandidate);
        }
        request.integrity(&key).fingerprint().expect("fits");
        out.to_vec()
    }

    /// The next frame of the agent, with where it goes.
    pub(crate) fn sent(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let mut out = BytesMut::new();
        let transmit = self.agent.poll_transmit(&mut out)?;
        Some((transmit.path.remote, out[transmit.range].to_vec()))
    }

    /// Lets time pass and drops what is sent.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.sent().is_some() {}
        while let Some(next) = self.agent.poll_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.agent.handle_timeout(next);
            while self.sent().is_some() {}
        }
        self.now = end;
    }

    /// The next request of the agent within a second.
    pub(crate) fn next_check(&mut self) -> (SocketAddr, Vec<u8>) {
        for _ in 0..100 {
            while let Some((to, data)) = self.sent() {
                if Message::parse(&data).expect("sound").class() == Class::Request {
                    return (to, data);
                }
            }
            self.now += ms(10);
            self.agent.handle_timeout(self.now);
        }
        panic!("no check");
    }

    pub(crate) fn grant(&self, request: &[u8], password: &str) -> Vec<u8> {
        let request = Message::parse(request).expect("sound");
        let mut out = BytesMut::new();
        Builder::success(&mut out, &request)
            .attribute(&XorMappedAddress(addr("192.0.2.1:5000")))
            .integrity(&IntegrityKey::short_term(password))
            .fingerprint()
            .expect("fits");
        out.to_vec()
    }

    pub(crate) fn deny(&self, request: &[u8], code: ErrorCode<'_>) -> Vec<u8> {
        let request = Message::parse(request).expect("sound");
        let mut out = BytesMut::new();
        Builder::error(&mut out, &request)
            .attribute(&code)
            .integrity(&IntegrityKey::short_term(PASSWORD))
            .fingerprint()
            .expect("fits");
        out.to_vec()
    }

    /// Checks and grants until the pair to `remote` works.
    pub(crate) fn make_valid(&mut self, remote: SocketAddr) {
        for _ in 0..8 {
            let (to, check) = self.next_check();
            if to == remote {
                let grant = self.grant(&check, PASSWORD);
                assert_eq!(self.hand(remote, &grant), Handled::Consumed);
                return;
            }
        }
        panic!("no check to {remote}");
    }

    /// The error code of the only answer that waits; 0 for success.
    pub(crate) fn answer(&mut self, to: SocketAddr) -> u16 {
        loop {
            let (remote, data) = self.sent().expect("an answer");
            let message = Message::parse(&data).expect("sound");
            if message.class() == Class::Request {
                continue;
            }
            assert_eq!(remote, to);
            assert!(message.has_fingerprint());
            let code: Option<ErrorCode<'_>> = message.attribute().expect("sound");
            let code = code.map_or(0, |error| error.code);
            // Only refusals of those who did not prove themselves are unprotected.
            let proved = message.verify(&self.key()).is_ok();
            assert_eq!(proved, ![400, 401].contains(&code));
            return code;
        }
    }

    pub(crate) fn selected(&self) -> Option<SocketAddr> {
        self.agent.selected_pair()?.remote.socket_addr()
    }
}
