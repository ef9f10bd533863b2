//! Allocate (RFC 8656 §7.2): what is asked for, whether it can be had, and the answer.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use stun_codec::attribute::{
    AdditionalAddressFamily, AddressErrorCode, AlternateServer, ErrorCode, EvenPort, Lifetime,
    MobilityTicket, RequestedAddressFamily, RequestedTransport, ReservationToken, XorMappedAddress,
    XorRelayedAddress,
};
use stun_codec::{AttributeType, Decode, DecodeError, Encode, Family, Message, Transport};

use super::allocation::{Allocation, Door, DoorState, Kept, Live, Opening, PortWish, Side, Wish};
use super::answer::{Asked, Refusal};
use super::bandwidth::Bucket;
use super::config::Config;
use super::credentials::Owner;
use super::event::{Allocated, EndCause, Event};
use super::five_tuple::FiveTuple;
use super::operator::alternate_for;
use super::peers::Peers;
use super::quota::Full;
use super::relay::Relay;
use super::relayed::Relayed;
use super::request::Request;
use super::slots::Key;
use super::stats::Traffic;
use super::ticket::{Held, Tickets};
use super::timers::Due;

/// An attribute that may be missing, but not wrong.
pub(super) fn read<'a, A: Decode<'a>>(
    message: &Message<'a>,
) -> Result<Option<A>, ErrorCode<'static>> {
    message.attribute().map_err(|_| ErrorCode::BAD_REQUEST)
}

/// Reads a request in the order of RFC 8656 §7.2.
fn read_wish(config: &Config, request: &Request<'_>) -> Result<Wish, ErrorCode<'static>> {
    let message = &request.message;
    let is_stream = match read::<RequestedTransport>(message)? {
        None => return Err(ErrorCode::BAD_REQUEST),
        Some(RequestedTransport::UDP) => false,
        Some(RequestedTransport::TCP) if config.tcp => true,
        Some(_) => return Err(ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL),
    };
    // RFC 6062 §5.1: over a connection, and without what is about datagrams.
    let for_datagrams = [
        AttributeType::DONT_FRAGMENT,
        AttributeType::EVEN_PORT,
        AttributeType::RESERVATION_TOKEN,
        AttributeType::MOBILITY_TICKET,
    ];
    let contradicts = request.asked.path.transport == Transport::Udp
        || for_datagrams.iter().any(|one| message.contains(*one));
    if is_stream && contradicts {
        return Err(ErrorCode::BAD_REQUEST);
    }
    let family = match message.attribute::<RequestedAddressFamily>() {
        Ok(wanted) => wanted.map(|wanted| wanted.0),
        Err(DecodeError::AddressFamily { .. }) => {
            return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        }
        Err(_) => return Err(ErrorCode::BAD_REQUEST),
    };
    let additional = read::<AdditionalAddressFamily>(message)?.map(|wanted| wanted.0);
    let even = read::<EvenPort>(message)?;
    let is_reserved = message.contains(AttributeType::RESERVATION_TOKEN);
    if is_reserved && (family.is_some() || additional.is_some() || even.is_some()) {
        return Err(ErrorCode::BAD_REQUEST);
    }
    if additional.is_some() && (family.is_some() || additional != Some(Family::V6)) {
        return Err(ErrorCode::BAD_REQUEST);
    }
    let port = match even {
        None => PortWish::Any,
        Some(EvenPort {
            reserve_next: false,
        }) => PortWish::Even,
        Some(EvenPort { reserve_next: true }) if additional.is_some() => {
            return Err(ErrorCode::BAD_REQUEST);
        }
        Some(EvenPort { reserve_next: true }) => PortWish::Pair,
    };
    let is_mobile = read::<MobilityTicket<'_>>(message)?.is_some();
    if is_mobile && !config.mobility {
        return Err(ErrorCode::MOBILITY_FORBIDDEN);
    }
    let lifetime = read::<Lifetime>(message)?.map(|asked| asked.0);
    let family = family.unwrap_or(Family::V4);
    if !is_reserved && !config.relays_at(family) {
        return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
    }
    Ok(Wish {
        family,
        additional: additional.is_some(),
        port,
        lifetime: config.lifetime_for(lifetime),
        is_mobile,
        is_stream,
    })
}

impl Relay {
    pub(super) fn on_allocate(&mut self, request: Request<'_>) -> Relayed {
        let client = FiveTuple::from(&request.asked.path);
        if let Some(key) = self.clients.get(&client).copied() {
            return self.on_repeated_allocate(key, &request);
        }
        if let Some(draining) = self.draining {
            return self.refuse_drained(&request.asked, draining);
        }
        let wish = match read_wish(&self.config, &request) {
            Ok(wish) => wish,
            Err(code) => return self.desk.refuse(&request.asked, &code.into()),
        };
        let token = request.message.attribute::<ReservationToken>().ok();
        let reserved = match token.flatten().map(|token| self.sealer.open_token(token)) {
            None => None,
            Some(Held::Elsewhere(worker)) => return self.send_on(request.now, client, worker),
            Some(Held::Mine(token)) if self.reserved.contains_key(&token.0) => Some(token),
            Some(_) => {
                let full = ErrorCode::INSUFFICIENT_CAPACITY;
                return self.desk.refuse(&request.asked, &full.into());
            }
        };
        let admission = match self.config.quota.admit(&request.identity.account) {
            Ok(admission) => admission,
            Err(full) => return self.refuse_more(&request.asked, full),
        };
        let Request {
            now,
            identity,
            derivation,
            asked,
            ..
        } = request;
        let seal = asked.seal.clone();
        let first = match reserved.and_then(|token| self.reserved.remove(&token.0)) {
            Some(kept) => Some(kept.door),
            None => self.ask_for_door(wish.family, wish.port, wish.is_stream),
        };
        let Some(first) = first else {
            return self
                .desk
                .refuse(&asked, &ErrorCode::INSUFFICIENT_CAPACITY.into());
        };
        let second = match wish.additional {
            true => self.ask_for_door(Family::V6, PortWish::Any, wish.is_stream),
            false => None,
        };
        let opening = Allocation::Opening(Box::new(Opening {
            owner: Owner {
                identity,
                seal,
                derivation,
            },
            admission,
            asked,
            wish,
            first,
            second,
            next: None,
            tries: 0,
        }));
        let Some(key) = self.allocations.insert(opening) else {
            self.close(first.socket);
            return Relayed::Dropped;
        };
        self.clients.insert(client, key);
        self.assign(first.socket, key);
        if let Some(second) = second {
            self.assign(second.socket, key);
        }
        self.go_on(now, key);
        Relayed::Consumed
    }

    /// RFC 8656 §7.2: the five-tuple is taken, unless this is the request that took it.
    fn on_repeated_allocate(&mut self, key: Key, request: &Request<'_>) -> Relayed {
        let asked = &request.asked;
        let is_same_user = |one: &&Allocation| one.owner().identity.user == request.identity.user;
        match self.allocations.get(key).filter(is_same_user) {
            Some(Allocation::Opening(opening)) if opening.asked.id == asked.id => Relayed::Consumed,
            Some(Allocation::Live(live)) if live.answer.id == asked.id => {
                self.desk.send(asked.path, &live.answer.bytes)
            }
            _ => self
                .desk
                .refuse(asked, &ErrorCode::ALLOCATION_MISMATCH.into()),
        }
    }

    /// There are as many as may be.
    fn refuse_more(&mut self, asked: &Asked, full: Full) -> Relayed {
        match (full, alternate_for(self.config.alternate, &asked.path)) {
            (Full::User, _) => {
                let code = ErrorCode::ALLOCATION_QUOTA_REACHED;
                self.desk.refuse(asked, &code.into())
            }
            (Full::Total, Some(other)) => {
                let other = AlternateServer(other);
                let refusal = Refusal::With(ErrorCode::TRY_ALTERNATE, &other);
                self.desk.refuse(asked, &refusal)
            }
            (Full::Total, None) => {
                let code = ErrorCode::INSUFFICIENT_CAPACITY;
                self.desk.refuse(asked, &code.into())
            }
        }
    }

    /// Once every socket is there or known to be missing: the allocation, or the refusal.
    pub(super) fn go_on(&mut self, now: Instant, key: Key) {
        let Some(Allocation::Opening(opening)) = self.allocations.get_mut(key) else {
            return;
        };
        let is_waiting = |door: &Door| matches!(door.state, DoorState::Asked);
        if opening.doors().any(is_waiting) {
            return;
        }
        // Of two, one is enough (RFC 8656 §7.2).
        if opening.first.local().is_none()
            && let Some(second) = opening.second.filter(|second| second.local().is_some())
        {
            opening.second = Some(std::mem::replace(&mut opening.first, second));
        }
        if opening.first.local().is_none() {
            let code = ErrorCode::INSUFFICIENT_CAPACITY.into();
            let _ = self.desk.refuse(&opening.asked, &code);
            return self.end(now, key, EndCause::SocketLost);
        }
        if opening.wish.port == PortWish::Pair && !self.has_pair(now, key) {
            return;
        }
        if let Some(Allocation::Opening(opening)) = self.allocations.take(key) {
            self.go_live(now, key, *opening);
        }
    }

    fn go_live(&mut self, now: Instant, key: Key, opening: Opening) {
        let expires = self.deadline(now, &opening.owner, opening.wish.lifetime);
        let Some(first) = opening.first.side(expires) else {
            return;
        };
        let second = opening.second.and_then(|door| door.side(expires));
        let token = opening.next.map(|door| self.reserve(now, door));
        let tickets = opening.wish.is_mobile.then(|| Tickets {
            newest: self.sealer.ticket(key, self.random.bytes()),
            before: None,
        });
        let lifetime = expires.saturating_duration_since(now);
        let answer = Answer {
            asked: &opening.asked,
            first,
            second,
            // The family that was asked for and is not there.
            missing: (opening.wish.additional && second.is_none())
                .then(|| missing(&self.config, &first)),
            lifetime: Lifetime(u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)),
            token,
            tickets,
        };
        let bytes = answer.write();
        let _ = self.desk.send(opening.asked.path, &bytes);
        let id = self.next_id();
        self.desk.stats.allocations += 1;
        self.desk.tell(Event::Allocated(Box::new(Allocated {
            id,
            user: Arc::clone(&opening.owner.identity.user),
            client: opening.asked.path,
            relayed: first.relayed,
            additional: second.map(|side| side.relayed),
            lifetime,
        })));
        let live = Live {
            id,
            path: opening.asked.path,
            owner: opening.owner,
            admission: opening.admission,
            first,
            second,
            peers: Peers::default(),
            is_stream: opening.wish.is_stream,
            token,
            bandwidth: self.config.bandwidth.map(|rate| Bucket::new(now, rate)),
            traffic: Traffic::default(),
            since: now,
            look_at: expires,
            answer: Kept {
                id: opening.asked.id,
                bytes,
            },
            tickets,
        };
        self.allocations.put(key, Allocation::Live(Box::new(live)));
        self.timers.push(expires, Due::Allocation(key));
    }
}

/// The family of two that there is none of, and why (RFC 8656 §18.12).
fn missing(config: &Config, there: &Side) -> AddressErrorCode<'static> {
    let family = match Family::of(there.relayed.ip()) {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    let error = match config.relays_at(family) {
        true => ErrorCode::INSUFFICIENT_CAPACITY,
        false => ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED,
    };
    AddressErrorCode { family, error }
}

/// The success response (RFC 8656 §7.2, RFC 8016 §3.1).
struct Answer<'a> {
    asked: &'a Asked,
    first: Side,
    second: Option<Side>,
    missing: Option<AddressErrorCode<'static>>,
    lifetime: Lifetime,
    token: Option<ReservationToken>,
    tickets: Option<Tickets>,
}

impl Answer<'_> {
    fn write(&self) -> Box<[u8]> {
        let first = XorRelayedAddress(self.first.relayed);
        let second = self.second.map(|side| XorRelayedAddress(side.relayed));
        let mapped = XorMappedAddress(self.asked.path.remote);
        let ticket = self.tickets.as_ref();
        let ticket = ticket.map(|tickets| MobilityTicket(&tickets.newest.0));
        let mut attributes: Vec<&dyn Encode> = vec![&first];
        attributes.extend(second.as_ref().map(|one| one as &dyn Encode));
        attributes.extend(self.missing.as_ref().map(|one| one as &dyn Encode));
        attributes.push(&mapped);
        attributes.push(&self.lifetime);
        attributes.extend(self.token.as_ref().map(|one| one as &dyn Encode));
        attributes.extend(ticket.as_ref().map(|one| one as &dyn Encode));
        let mut out = BytesMut::new();
        // These always fit.
        let _ = self.asked.grant(&mut out, &attributes);
        out.to_vec().into()
    }
}
