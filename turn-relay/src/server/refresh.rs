//! Refresh (RFC 8656 §8.2): allocations go on, or end by wish.

use std::time::{Duration, Instant};

use stun_codec::attribute::{ErrorCode, Lifetime, RequestedAddressFamily};
use stun_codec::{AttributeType, Family};

use super::allocate::read;
use super::allocation::{Allocation, Live};
use super::credentials::Owner;
use super::event::EndCause;
use super::five_tuple::FiveTuple;
use super::relay::Relay;
use super::relayed::Relayed;
use super::request::Request;
use super::slots::Key;
use super::timers::Due;

impl Relay {
    /// The allocation that a request is about, if its sender may speak for it.
    pub(super) fn own(&mut self, request: &Request<'_>) -> Result<Key, ErrorCode<'static>> {
        let client = FiveTuple::from(&request.asked.path);
        let key = self.clients.get(&client).copied();
        let key = key.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        // RFC 8656 §7.2: there is none before its client was told of it.
        let live = self.allocations.get_mut(key).and_then(Allocation::live_mut);
        let live = live.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        // RFC 8656 §5: the same user as when it was made.
        if live.owner.identity.user != request.identity.user {
            return Err(ErrorCode::WRONG_CREDENTIALS);
        }
        // The user may have another password by now.
        live.owner.seal = request.asked.seal.clone();
        live.owner.derivation = request.derivation;
        Ok(key)
    }

    pub(super) fn on_refresh(&mut self, request: &Request<'_>) -> Relayed {
        let key = match self.own(request) {
            Ok(key) => key,
            Err(ErrorCode::ALLOCATION_MISMATCH)
                if request.message.contains(AttributeType::MOBILITY_TICKET) =>
            {
                return self.on_move(request);
            }
            Err(code) => return self.desk.refuse(&request.asked, &code.into()),
        };
        if let Some(Allocation::Live(live)) = self.allocations.get(key)
            && live.answer.id == request.asked.id
        {
            // The move that brought the client here, once more.
            return self.desk.send(request.asked.path, &live.answer.bytes);
        }
        match self.refresh(request, key) {
            Ok(lifetime) => self.desk.grant(&request.asked, &[&lifetime]),
            Err(code) => self.desk.refuse(&request.asked, &code.into()),
        }
    }

    /// Puts the end of an allocation off, or ends it. Says how long it lasts.
    pub(super) fn refresh(
        &mut self,
        request: &Request<'_>,
        key: Key,
    ) -> Result<Lifetime, ErrorCode<'static>> {
        let asked = read::<Lifetime>(&request.message)?.map(|asked| asked.0);
        let family = read::<RequestedAddressFamily>(&request.message)?.map(|wanted| wanted.0);
        let now = request.now;
        let wanted = self.config.lifetime_for(asked);
        let Some(Allocation::Live(live)) = self.allocations.get(key) else {
            return Err(ErrorCode::ALLOCATION_MISMATCH);
        };
        if family.is_some_and(|family| live.side(family).is_none()) {
            return Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        if asked == Some(0) {
            self.release(now, key, family);
            return Ok(Lifetime(0));
        }
        let expires = self.deadline(now, &live.owner, wanted);
        if let Some(Allocation::Live(live)) = self.allocations.get_mut(key) {
            let is_meant = |of: Family| family.is_none_or(|family| family == of);
            live.sides_mut()
                .filter(|side| is_meant(Family::of(side.relayed.ip())))
                .for_each(|side| side.expires = expires);
            if live.expires() < live.look_at {
                live.look_at = live.expires();
                self.timers.push(live.look_at, Due::Allocation(key));
            }
        }
        let lifetime = expires.saturating_duration_since(now).as_secs();
        Ok(Lifetime(u32::try_from(lifetime).unwrap_or(u32::MAX)))
    }

    /// Lifetime 0: the whole allocation, or its address of one family.
    fn release(&mut self, now: Instant, key: Key, family: Option<Family>) {
        let Some(Allocation::Live(live)) = self.allocations.get_mut(key) else {
            return;
        };
        match (family, live.second) {
            (Some(family), Some(second)) => {
                let is_first = Family::of(live.first.relayed.ip()) == family;
                let gone = if is_first {
                    std::mem::replace(&mut live.first, second)
                } else {
                    second
                };
                live.second = None;
                self.close(gone.socket);
            }
            _ => self.end(now, key, EndCause::Released),
        }
    }

    /// When an allocation ends that is to last so long.
    pub(super) fn deadline(&self, now: Instant, owner: &Owner, lifetime: Duration) -> Instant {
        let at = now + lifetime;
        match owner.identity.expires {
            Some(expires) if self.config.strict_expiry => at.min(expires),
            _ => at,
        }
    }
}

impl Live {
    pub(super) fn expiry_cause(&self, now: Instant, is_strict: bool) -> EndCause {
        match self.owner.identity.expires {
            Some(expires) if is_strict && now >= expires => EndCause::CredentialExpired,
            _ => EndCause::Expired,
        }
    }
}
