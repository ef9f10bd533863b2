//! Requests: who sent them, and to which part of the server they go.

use std::ops::Range;
use std::time::Instant;

use stun_codec::Usage;
use stun_codec::attribute::{ErrorCode, UnknownAttributes};
use stun_codec::credentials::{Authenticated, Challenge, Claim, User};
use stun_codec::{AttributeType, Class, Encode, Message, Method, Path, Transport, respond};

use super::allocation::Allocation;
use super::answer::{Asked, Refusal};
use super::credentials::{Identity, Verdict};
use super::event::{Event, LoginError, Refused};
use super::five_tuple::FiveTuple;
use super::relay::{Desk, Relay};
use super::relayed::Relayed;

/// Bytes that no challenge is shorter than: header, code, realm and nonce.
const LEAST: usize = 100;

/// A request whose sender is known, and what it says.
pub(super) struct Request<'a> {
    pub(super) now: Instant,
    pub(super) message: Message<'a>,
    pub(super) identity: Identity,
    pub(super) derivation: stun_codec::credentials::KeyDerivation,
    pub(super) asked: Asked,
}

/// The attributes that a relay takes, apart from those it must not ignore.
pub(super) fn understood(dont_fragment: bool) -> fn(AttributeType) -> bool {
    fn all(attribute: AttributeType) -> bool {
        let is_used = matches!(attribute.usage(), Some(Usage::Stun | Usage::Turn));
        is_used && attribute != AttributeType::ACCESS_TOKEN
    }
    fn without(attribute: AttributeType) -> bool {
        attribute != AttributeType::DONT_FRAGMENT && all(attribute)
    }
    if dont_fragment { all } else { without }
}

impl Relay {
    /// A STUN message of a client.
    pub(super) fn on_message(
        &mut self,
        now: Instant,
        path: &Path,
        buf: &[u8],
        frame: Range<usize>,
    ) -> Relayed {
        let bytes = buf.get(frame).unwrap_or_default();
        let Ok(message) = Message::parse(bytes) else {
            return self.dropped(|stats| &mut stats.malformed);
        };
        match (message.class(), message.method()) {
            (Class::Indication, Method::SEND) => self.on_send(now, path, &message, buf),
            // A client that keeps its NAT open (RFC 8489 §12).
            (Class::Indication, Method::BINDING) => Relayed::Consumed,
            (Class::Request, Method::BINDING) => self.on_binding(now, path, &message),
            (
                Class::Request,
                Method::ALLOCATE
                | Method::REFRESH
                | Method::CREATE_PERMISSION
                | Method::CHANNEL_BIND
                | Method::CONNECT
                | Method::CONNECTION_BIND,
            ) => self.on_request(now, path, &message, bytes),
            _ => self.dropped(|stats| &mut stats.unexpected_message),
        }
    }

    /// Every relay is a STUN server too (RFC 8656 §3).
    fn on_binding(&mut self, now: Instant, path: &Path, message: &Message<'_>) -> Relayed {
        let answered = self.desk.answer_stranger(now, path, message.size(), |out| {
            respond(message, path.remote, out)
        });
        if answered {
            self.desk.stats.granted += 1;
            return Relayed::Consumed;
        }
        Relayed::Dropped
    }

    /// A request that must be authenticated (RFC 8489 §9.2.4, RFC 8656 §5).
    fn on_request(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        bytes: &[u8],
    ) -> Relayed {
        let is_claim = message.contains(AttributeType::MESSAGE_INTEGRITY)
            || message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256);
        if !is_claim && !self.desk.can_answer_stranger(now, path, message.size()) {
            return Relayed::Dropped;
        }
        let claim = match self.server.claim(message, path.remote, now) {
            Ok(claim) if claim.is_fresh() => claim,
            // The password does not matter: there will be another request.
            Ok(_) => {
                let stale = self.server.stale(path.remote, now);
                return self.desk.challenge(now, path, message, &stale);
            }
            Err(challenge) => {
                return match self.elsewhere_at_once(path, message) {
                    Some(other) => self.desk.send_away(now, path, message, other),
                    None => self.desk.challenge(now, path, message, &challenge),
                };
            }
        };
        if let Some(worker) = self.foreign.worker_of(now, &FiveTuple::from(path)) {
            return Relayed::Elsewhere(worker);
        }
        // From here on the sender is where it says it is: it has read a nonce that was sent there. So what
        // comes from there pays for what strangers among its neighbours are told: many clients may begin
        // at once behind one NAT.
        if path.transport == Transport::Udp {
            self.desk
                .ration
                .credit(now, path.remote.ip(), message.size());
        }
        let known = self.clients.get(&FiveTuple::from(path));
        let known = known.and_then(|key| self.allocations.get(*key));
        if let Some(owner) = known.map(Allocation::owner)
            && let Some(proved) = owner.prove(&claim)
        {
            let identity = owner.identity.clone();
            return self.proved(now, path, &claim, proved, identity);
        }
        match self.directory.judge(now, &claim) {
            Verdict::Proved(proved) => {
                let (proved, identity) = *proved;
                self.proved(now, path, &claim, proved, identity)
            }
            Verdict::Wrong(cause) => self.wrong_login(now, path, message, &claim, cause),
            Verdict::Unknown(user) => self.look_up(now, path, bytes, user, &claim),
        }
    }

    /// Tells somebody who is where he says he is that he is not who he says he is.
    pub(super) fn wrong_login(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        claim: &Claim<'_>,
        cause: LoginError,
    ) -> Relayed {
        self.desk.stats.failed_logins += 1;
        let user = match claim.user() {
            User::Name(name) => name.into(),
            User::Hash(_) => String::new(),
        };
        self.desk.tell(Event::Refused(Box::new(Refused {
            user,
            client: *path,
            cause,
        })));
        let challenge = self.server.unauthenticated(path.remote, now);
        let written = self
            .desk
            .outbox
            .push(*path, |out| challenge.write(message, out));
        self.desk.count(written, |stats| &mut stats.challenges)
    }

    /// A request whose sender is known goes where it belongs.
    pub(super) fn proved(
        &mut self,
        now: Instant,
        path: &Path,
        claim: &Claim<'_>,
        proved: Authenticated<'_>,
        identity: Identity,
    ) -> Relayed {
        let message = proved.request().message();
        let request = Request {
            now,
            message,
            identity,
            derivation: claim.derivation(),
            asked: Asked::new(*path, proved),
        };
        // RFC 8489 §6.3.1.
        let unknown = message.unknown_required(understood(self.config.dont_fragment));
        if unknown.clone().next().is_some() {
            let list = UnknownAttributes::from(unknown);
            let refusal = Refusal::With(ErrorCode::UNKNOWN_ATTRIBUTE, &list);
            return self.desk.refuse(&request.asked, &refusal);
        }
        match message.method() {
            Method::ALLOCATE => self.on_allocate(request),
            Method::REFRESH => self.on_refresh(&request),
            Method::CREATE_PERMISSION => self.on_create_permission(&request),
            Method::CONNECT => self.on_connect(request),
            Method::CONNECTION_BIND => self.on_connection_bind(&request),
            _ => self.on_channel_bind(&request),
        }
    }
}

impl Desk {
    /// Answers somebody who has proved nothing: over UDP never with more than has come from there.
    pub(super) fn answer_stranger(
        &mut self,
        now: Instant,
        path: &Path,
        arrived: usize,
        write: impl FnOnce(&mut bytes::BytesMut) -> Option<Range<usize>>,
    ) -> bool {
        let ip = path.remote.ip();
        // Whoever has made a connection is where he says he is.
        let left = match path.transport {
            Transport::Udp => self.ration.credit(now, ip, arrived),
            _ => u32::MAX,
        };
        let mut is_rationed = false;
        let written = self.outbox.push(*path, |out| {
            let range = write(out)?;
            is_rationed = range.len() > left as usize;
            (!is_rationed).then_some(range)
        });
        match written {
            Some(length) if path.transport == Transport::Udp => self.ration.debit(ip, length),
            Some(_) => {}
            None if is_rationed => self.stats.rationed += 1,
            None => self.stats.answer_overflow += 1,
        }
        written.is_some()
    }

    /// Whether a challenge to somebody who has proved nothing may be worth its nonce, which costs more
    /// than all the rest of a flood.
    fn can_answer_stranger(&mut self, now: Instant, path: &Path, arrived: usize) -> bool {
        let ip = path.remote.ip();
        if path.transport != Transport::Udp || self.ration.left(ip) as usize + arrived >= LEAST {
            return true;
        }
        self.ration.credit(now, ip, arrived);
        self.stats.rationed += 1;
        false
    }

    /// 401, 438 or 400, to a stranger.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        path: &Path,
        message: &Message<'_>,
        challenge: &Challenge<'_>,
    ) -> Relayed {
        let size = message.size();
        if self.answer_stranger(now, path, size, |out| challenge.write(message, out)) {
            self.stats.challenges += 1;
            return Relayed::Consumed;
        }
        Relayed::Dropped
    }

    pub(super) fn grant(&mut self, asked: &Asked, attributes: &[&dyn Encode]) -> Relayed {
        let written = self
            .outbox
            .push(asked.path, |out| asked.grant(out, attributes));
        self.count(written, |stats| &mut stats.granted)
    }

    /// An answer that is written already.
    pub(super) fn send(&mut self, path: Path, answer: &[u8]) -> Relayed {
        let written = self.outbox.push(path, |out| {
            let start = out.len();
            out.extend_from_slice(answer);
            Some(start..out.len())
        });
        self.count(written, |stats| &mut stats.granted)
    }

    pub(super) fn refuse(&mut self, asked: &Asked, refusal: &Refusal<'_>) -> Relayed {
        let written = self
            .outbox
            .push(asked.path, |out| asked.refuse(out, refusal));
        if written.is_some() {
            self.stats.refusals.count(refusal.code());
        }
        self.count(written, |stats| &mut stats.refused)
    }

    fn count(
        &mut self,
        written: Option<usize>,
        counter: impl FnOnce(&mut super::Stats) -> &mut u64,
    ) -> Relayed {
        match written {
            Some(_) => {
                *counter(&mut self.stats) += 1;
                Relayed::Consumed
            }
            None => {
                self.stats.answer_overflow += 1;
                Relayed::Dropped
            }
        }
    }
}
