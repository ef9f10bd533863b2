//! What an operator does to a running server: revoke, change credentials, drain.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stun_codec::attribute::{AlternateServer, ErrorCode};
use stun_codec::{AttributeType, Builder, Message, Method, Path, Transport};

use super::answer::{Asked, Refusal};
use super::credentials::{Credentials, Directory};
use super::event::{EndCause, Event};
use super::five_tuple::FiveTuple;
use super::relay::{Desk, Relay};
use super::relayed::Relayed;
use super::secrets::Timed;
use super::slots::Key;
use super::timers::Due;

/// Most revoked credentials that are remembered until they expire.
const MAX_REVOKED: usize = 65_536;

/// Where the time of the day is not known, a revoked credential is refused for so long.
const DAY: Duration = Duration::from_secs(86_400);

/// A server that makes no new allocations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draining {
    alternate: Option<SocketAddr>,
    is_told: bool,
}

/// The other server, if this client can go there: of its own family (RFC 8489 §14.15), and not over TLS,
/// which has another port and another name in its certificate.
pub(super) fn alternate_for(other: Option<SocketAddr>, path: &Path) -> Option<SocketAddr> {
    other.filter(|other| {
        path.transport != Transport::Tls
            && other.is_ipv4() == path.remote.ip().to_canonical().is_ipv4()
    })
}

impl Relay {
    /// Ends every allocation of a user, and says how many these were. The user is named as in his
    /// requests, or without the expiry in front.
    ///
    /// A name with its expiry in front makes no new allocations from then on. A bare name does, unless
    /// it is taken out of the [`Credentials`] or the store.
    pub fn revoke(&mut self, now: Instant, user: &str) -> usize {
        if let Some(timed) = Timed::read(user).filter(|_| self.directory.has_secrets()) {
            let clock = self.directory.clock;
            let until = match clock {
                Some(clock) => clock.instant_of(now, timed.expires),
                None => Some(now + DAY),
            };
            if let Some(until) = until {
                self.directory.revoked.remember(now, user, until);
            }
        }
        let is_meant = |key: &Key| {
            self.allocations.get(*key).is_some_and(|allocation| {
                let identity = &allocation.owner().identity;
                *identity.user == *user || *identity.account == *user
            })
        };
        let meant: Vec<Key> = self.keys().into_iter().filter(is_meant).collect();
        for &key in &meant {
            self.end(now, key, EndCause::Revoked);
        }
        meant.len()
    }

    /// Other credentials from now on. Allocations of users who are not among them live on until they are
    /// revoked or expire.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.server = credentials.announced_by(&self.plain, self.config.algorithms.as_deref());
        self.directory.hashes = credentials.hashes(&self.directory.realm);
        self.directory.credentials = Arc::new(credentials);
    }

    /// Makes no new allocations from now on: clients are sent to the other server (300), or refused
    /// (508). Those there are live on until they end or `deadline` comes; then [`Event::Drained`] tells
    /// that there is none.
    pub fn drain(&mut self, now: Instant, deadline: Instant, alternate: Option<SocketAddr>) {
        self.draining = Some(Draining {
            alternate,
            is_told: false,
        });
        self.timers.push(deadline.max(now), Due::Drain);
        self.tell_drained();
    }

    /// Where a stranger is sent who asks for an allocation while there are no new ones (RFC 8656 §7.2: at
    /// any point). Chromium brings the nonce of the server that sent it away to the next one, and takes
    /// 438 there for the end: who has none yet is better sent before there is one.
    pub(super) fn elsewhere_at_once(
        &self,
        path: &Path,
        message: &Message<'_>,
    ) -> Option<SocketAddr> {
        let other = alternate_for(self.draining?.alternate, path)?;
        let has_login = message.contains(AttributeType::MESSAGE_INTEGRITY)
            || message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256);
        let is_new = !has_login && !self.clients.contains_key(&FiveTuple::from(path));
        (message.method() == Method::ALLOCATE && is_new).then_some(other)
    }

    /// The answer to an Allocate request while there are no new allocations.
    pub(super) fn refuse_drained(&mut self, asked: &Asked, draining: Draining) -> Relayed {
        match alternate_for(draining.alternate, &asked.path) {
            Some(other) => {
                let other = AlternateServer(other);
                let refusal = Refusal::With(ErrorCode::TRY_ALTERNATE, &other);
                self.desk.refuse(asked, &refusal)
            }
            None => {
                let code = ErrorCode::INSUFFICIENT_CAPACITY;
                self.desk.refuse(asked, &code.into())
            }
        }
    }

    /// The time of a drained server is over.
    pub(super) fn end_all(&mut self, now: Instant) {
        for key in self.keys() {
            self.end(now, key, EndCause::Drained);
        }
    }

    /// Tells once that a drained server is empty.
    pub(super) fn tell_drained(&mut self) {
        let is_empty = self.allocations.len() == 0;
        if let Some(draining) = self.draining.as_mut()
            && is_empty
            && !draining.is_told
        {
            draining.is_told = true;
            self.desk.tell(Event::Drained);
        }
    }

    fn keys(&self) -> Vec<Key> {
        self.allocations.iter().map(|(key, _)| key).collect()
    }
}

impl Desk {
    /// 300, to a stranger.
    pub(super) fn send_away(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        other: SocketAddr,
    ) -> Relayed {
        let other = AlternateServer(other);
        let sent = self.answer_stranger(now, path, message.size(), |out| {
            let answer = Builder::error(out, message).attribute(&ErrorCode::TRY_ALTERNATE);
            let answer = answer.attribute(&other);
            let written = match message.has_fingerprint() {
                true => answer.fingerprint(),
                false => answer.finish(),
            };
            written.ok()
        });
        if sent {
            self.stats.refused += 1;
            self.stats.refusals.count(ErrorCode::TRY_ALTERNATE.code);
            return Relayed::Consumed;
        }
        Relayed::Dropped
    }
}

/// Credentials that are refused before they expire.
#[derive(Debug, Default)]
pub(super) struct Revoked(BTreeMap<Box<str>, Instant>);

impl Revoked {
    pub(super) fn contains(&self, now: Instant, user: &str) -> bool {
        self.0.get(user).is_some_and(|until| now < *until)
    }

    fn remember(&mut self, now: Instant, user: &str, until: Instant) {
        if self.0.len() >= MAX_REVOKED {
            self.0.retain(|_, until| now < *until);
        }
        if self.0.len() < MAX_REVOKED {
            self.0.insert(user.into(), until);
        }
    }
}

impl Directory {
    fn has_secrets(&self) -> bool {
        self.credentials.secrets.is_some()
    }
}
