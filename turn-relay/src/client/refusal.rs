//! Requests that were refused, or that nobody answered.

use std::net::SocketAddr;
use std::time::Instant;

use stun_codec::attribute::{AlternateDomain, AlternateServer, ErrorCode, UnknownAttributes};
use stun_codec::{AttributeType, Message};

use super::allocation::{AGAIN, Allocation};
use super::answer::read;
use super::config::{Link, Server};
use super::event::{Cause, Event, Redirect};
use super::login::Login;
use super::phase::Phase;
use super::requests::{Pending, Purpose, TRIES, Unanswered};

/// How many other servers are asked.
const REDIRECTS: usize = 4;

const TRY_ALTERNATE: u16 = ErrorCode::TRY_ALTERNATE.code;
const UNAUTHENTICATED: u16 = ErrorCode::UNAUTHENTICATED.code;
const MOBILITY_FORBIDDEN: u16 = ErrorCode::MOBILITY_FORBIDDEN.code;
const UNKNOWN_ATTRIBUTE: u16 = ErrorCode::UNKNOWN_ATTRIBUTE.code;
const ALLOCATION_MISMATCH: u16 = ErrorCode::ALLOCATION_MISMATCH.code;
const STALE_NONCE: u16 = ErrorCode::STALE_NONCE.code;
const WRONG_CREDENTIALS: u16 = ErrorCode::WRONG_CREDENTIALS.code;
const QUOTA: u16 = ErrorCode::ALLOCATION_QUOTA_REACHED.code;

impl Allocation {
    pub(super) fn on_error(&mut self, now: Instant, pending: &Pending, answer: &Message<'_>) {
        let purpose = pending.purpose;
        let Some(error) = read::<ErrorCode<'_>>(answer) else {
            self.conclude(now, purpose, Cause::BadAnswer("a request"));
            return;
        };
        // Whoever left waits for no more than a word from the server.
        if purpose == Purpose::Release && !matches!(error.code, UNAUTHENTICATED | STALE_NONCE) {
            self.conclude(now, purpose, Cause::Released);
            return;
        }
        match error.code {
            UNAUTHENTICATED | STALE_NONCE => self.on_challenge(now, pending, answer, error.code),
            TRY_ALTERNATE if purpose == Purpose::Allocate => self.on_redirect(pending, answer),
            ALLOCATION_MISMATCH if purpose == Purpose::Allocate => self.on_mismatch(now, pending),
            UNKNOWN_ATTRIBUTE if self.can_do_without_dont_fragment(purpose, answer) => {
                self.config.dont_fragment = false;
                self.begin(now, purpose, pending.tries + 1);
            }
            // RFC 8016 §3.1.2: again without a ticket.
            MOBILITY_FORBIDDEN if purpose == Purpose::Allocate && self.config.mobility => {
                self.config.mobility = false;
                self.begin(now, purpose, pending.tries + 1);
            }
            code => {
                let reason = error.reason.to_owned();
                let cause = match code {
                    QUOTA => Cause::Quota,
                    ALLOCATION_MISMATCH => Cause::AllocationMismatch,
                    code => Cause::Refused { code, reason },
                };
                self.conclude(now, purpose, cause);
            }
        }
    }

    /// 401 or 438: again with what the server has told, unless that is of no use.
    fn on_challenge(&mut self, now: Instant, pending: &Pending, answer: &Message<'_>, code: u16) {
        let Pending {
            purpose,
            tries,
            edition,
            ..
        } = *pending;
        // Nobody waits any more for what would be allocated now.
        if matches!(self.phase, Phase::Allocating { unwanted: true, .. }) {
            self.conclude(now, purpose, Cause::Released);
            return;
        }
        if code == STALE_NONCE {
            self.stats.stale_nonces += 1;
        }
        let outcome = match &mut self.login {
            None => Err(Cause::CredentialsWanted),
            Some(_) if tries >= TRIES => Err(Cause::StaleNonceLoop),
            Some(login) => login.try_again(edition, answer),
        };
        match outcome {
            Ok(()) => self.begin(now, purpose, tries + 1),
            Err(cause) => self.conclude(now, purpose, cause),
        }
    }

    /// The same answer could come again: only once, for it is asked without the attribute then.
    fn can_do_without_dont_fragment(&self, purpose: Purpose, answer: &Message<'_>) -> bool {
        purpose == Purpose::Allocate
            && self.config.dont_fragment
            && read::<UnknownAttributes<'_>>(answer)
                .is_some_and(|list| list.iter().any(|one| one == AttributeType::DONT_FRAGMENT))
    }

    /// Another local port, and so another five-tuple (RFC 8656 §7.4).
    fn on_mismatch(&mut self, now: Instant, pending: &Pending) {
        if self.mismatches >= MISMATCHES {
            self.conclude(now, pending.purpose, Cause::AllocationMismatch);
            return;
        }
        self.mismatches += 1;
        self.open_another(pending.path.id);
    }

    /// Another server (RFC 8489 §10).
    fn on_redirect(&mut self, pending: &Pending, answer: &Message<'_>) {
        let Some(AlternateServer(server)) = read(answer) else {
            self.close(pending.path.id);
            self.link_ended(Cause::BadAnswer("Allocate"));
            return;
        };
        self.tried.push(self.server.address);
        if self.tried.contains(&server) || self.tried.len() > REDIRECTS || !is_usable(server) {
            self.close(pending.path.id);
            self.link_ended(Cause::RedirectLoop(server));
            return;
        }
        let domain = read::<AlternateDomain<'_>>(answer).map(|domain| domain.0.to_owned());
        let link = match (self.server.link.clone(), &domain) {
            (Link::Tls { .. }, Some(domain)) => Link::Tls {
                server_name: domain.clone(),
            },
            (link, _) => link,
        };
        self.server = Server {
            address: server,
            link,
        };
        // What we know of one server is nothing to another.
        self.login = self
            .config
            .credentials
            .as_ref()
            .and_then(|credentials| Login::new(credentials).ok());
        self.tell(Event::Redirected(Redirect { server, domain }));
        self.open_another(pending.path.id);
    }

    pub(super) fn on_unanswered(&mut self, now: Instant, unanswered: Unanswered) {
        let Unanswered {
            pending,
            requests,
            waited,
        } = unanswered;
        // A server that was started anew cannot prove that it knows no allocation, or none of ours.
        // Whoever could both write its answer and keep a better one away could keep away everything.
        if matches!(
            pending.unproved,
            Some(ALLOCATION_MISMATCH | WRONG_CREDENTIALS)
        ) && self.phase.live().is_some()
            && pending.purpose != Purpose::Move
        {
            self.end(Cause::AllocationMismatch);
            return;
        }
        if self.renews_again(now, pending.purpose) {
            return;
        }
        let cause = Cause::TimedOut {
            requests,
            waited,
            unproved: pending.unproved,
        };
        self.conclude(now, pending.purpose, cause);
    }

    /// Whether something is still granted that nobody renewed: it is asked for again then.
    fn renews_again(&mut self, now: Instant, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Permission(peer) => self.permissions.renew_again(now, peer, now + AGAIN),
            Purpose::Channel(number, _) => self.channels.renew_again(now, number, now + AGAIN),
            _ => false,
        }
    }

    /// A request will not be granted.
    pub(super) fn conclude(&mut self, now: Instant, purpose: Purpose, cause: Cause) {
        match purpose {
            Purpose::Allocate => {
                let unwanted = matches!(self.phase, Phase::Allocating { unwanted: true, .. });
                self.end(if unwanted { Cause::Released } else { cause });
            }
            Purpose::Refresh => match cause {
                // The server may be itself again before the allocation is over.
                Cause::TimedOut { .. }
                | Cause::Refused {
                    code: 500..=599, ..
                } => {
                    self.retry_refresh(now);
                }
                cause => self.end(cause),
            },
            Purpose::Release => self.end(Cause::Released),
            Purpose::Move => {
                let socket = self.telling().map(|path| path.id);
                self.move_failed(cause, socket);
            }
            Purpose::Permission(peer) => {
                self.permissions.forget(peer);
                self.channels.forget(|other| other.ip() == peer);
                self.requests.take(
                    |pending| matches!(pending.purpose, Purpose::Channel(_, other) if other.ip() == peer),
                );
                self.tell(Event::PermissionRefused { peer, cause });
            }
            Purpose::Channel(_, peer) => {
                self.channels.forget(|other| other == peer);
                self.tell(Event::ChannelRefused { peer, cause });
            }
            Purpose::Connect(peer) => {
                self.streams.give_up(peer);
                self.tell(Event::ConnectFailed { peer, cause });
            }
            Purpose::Attach(socket) => {
                if let Some(peer) = self.streams.remove(socket) {
                    self.close(socket);
                    self.tell(Event::ConnectFailed { peer, cause });
                }
            }
        }
    }
}

/// How many local ports are tried after the first.
pub(super) const MISMATCHES: u8 = 3;

fn is_usable(server: SocketAddr) -> bool {
    server.port() != 0 && !server.ip().is_unspecified() && !server.ip().is_multicast()
}
