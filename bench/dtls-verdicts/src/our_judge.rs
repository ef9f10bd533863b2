//! Our crate, as the peer and as the judge.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::BytesMut;
use dtls_handshake::{Config, Connection, Event, Group, Identity, Version};

use crate::judge::{Judge, Role, State};

/// Our crate in one role.
#[derive(Debug)]
pub struct Ours {
    connection: Connection,
    now: Instant,
    state: State,
}

/// Longer than the pause that a side makes before it repeats its last flight once more.
const PAUSE: Duration = Duration::from_secs(5);

/// A fresh certificate and its key.
///
/// # Panics
/// There is no randomness.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "the date of a certificate, on which nothing depends"
)]
pub fn identity() -> Identity {
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    Identity::generate(yesterday).expect("an identity")
}

impl Ours {
    /// A side of DTLS 1.2 that believes every certificate, and what it says first.
    #[must_use]
    pub fn new(role: Role, identity: &Identity, now: Instant) -> (Self, Vec<Vec<u8>>) {
        let config = Config::new(identity.clone())
            .with_versions(&[Version::Dtls12])
            .with_groups(&[Group::X25519, Group::Secp256r1])
            .with_peer_verifier(|_| Ok(()));
        let config = Arc::new(config);
        let connection = match role {
            Role::Client => Connection::client(config, [1; 32], now),
            Role::Server => Connection::server(config, [2; 32], now),
        };
        let mut new = Self {
            connection,
            now,
            state: State::Waiting,
        };
        let mut first = Vec::new();
        new.drain(&mut first);
        (new, first)
    }

    /// Lets it wait for as long as it wants to, and appends what it repeats.
    pub fn wait(&mut self, out: &mut Vec<Vec<u8>>) {
        let at = self.connection.poll_timeout();
        self.now = at.unwrap_or(self.now + PAUSE).max(self.now);
        self.connection.handle_timeout(self.now);
        self.drain(out);
    }

    fn drain(&mut self, out: &mut Vec<Vec<u8>>) {
        let mut buffer = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut buffer) {
            out.push(buffer[range].to_vec());
        }
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Connected(_) => self.state = State::Connected,
                Event::Closed(cause) if self.state == State::Waiting => {
                    self.state = State::Failed(cause.to_string());
                }
                _ => {}
            }
        }
    }
}

impl Judge for Ours {
    fn take(&mut self, datagram: &[u8], answers: &mut Vec<Vec<u8>>) {
        let mut datagram = datagram.to_vec();
        let _ = self.connection.handle_datagram(self.now, &mut datagram);
        self.drain(answers);
    }

    fn state(&self) -> State {
        self.state.clone()
    }
}
