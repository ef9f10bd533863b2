//! A side of ours.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use dtls_handshake::{Config, Connection, Event, Identity, Version};

use crate::link::{Role, Verdict};

#[allow(clippy::disallowed_methods)] // a program: certificates have dates
pub(crate) fn config() -> Arc<Config> {
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
    let identity = Identity::generate(yesterday).expect("an identity");
    Arc::new(
        Config::new(identity)
            .with_versions(&[Version::Dtls12])
            .with_peer_verifier(|_| Ok(())),
    )
}

pub(crate) struct Ours {
    connection: Connection,
    verdict: Verdict,
}

impl Ours {
    pub(crate) fn new(config: Arc<Config>, role: Role, seed: [u8; 32], now: Instant) -> Self {
        Self {
            connection: match role {
                Role::Client => Connection::client(config, seed, now),
                Role::Server => Connection::server(config, seed, now),
            },
            verdict: Verdict::Silent,
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        let _ = self.connection.handle_datagram(now, &mut datagram);
        self.take_events();
    }

    pub(crate) fn transmits(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut out = BytesMut::new();
        while let Some(range) = self.connection.poll_transmit(&mut out) {
            all.push(out[range].to_vec());
        }
        all
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Lets the next timeout come. `false` when there is none.
    pub(crate) fn time_out(&mut self, now: &mut Instant) -> bool {
        let Some(at) = self.connection.poll_timeout() else {
            return false;
        };
        *now = at;
        self.connection.handle_timeout(at);
        self.take_events();
        true
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if self.verdict == Verdict::Silent {
                self.verdict = match event {
                    Event::Connected(_) => Verdict::Accepted,
                    _ => Verdict::Refused,
                };
            }
        }
    }
}
