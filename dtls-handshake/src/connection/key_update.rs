//! Changing keys while connected (RFC 9147 §8), and when that has to be (RFC 9147 §4.5.3).

use std::time::{Duration, Instant};

use super::timers::Timer;
use super::{Connection, Phase};
use crate::error::{CloseCause, UpdateError};
use crate::event::KeyUpdateRequest;
use crate::negotiation::Session;
use crate::record::Wear;

/// A peer may send so many messages after the handshake in this time: nobody changes keys more
/// often.
const MESSAGES: u32 = 32;
const MESSAGES_TIME: Duration = Duration::from_secs(60);

/// What of them has come.
#[derive(Debug, Default)]
pub(super) struct Budget {
    since: Option<Instant>,
    spent: u32,
}

impl Budget {
    /// `false` when there were too many.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        let is_over = self
            .since
            .is_none_or(|since| now.saturating_duration_since(since) >= MESSAGES_TIME);
        if is_over {
            *self = Self {
                since: Some(now),
                spent: 0,
            };
        }
        self.spent += 1;
        self.spent <= MESSAGES
    }
}

impl Connection {
    /// Changes the keys that this side writes with, and the peer's too when they are requested.
    ///
    /// It happens by itself before keys have protected more than they may (RFC 9147 §4.5.3); this
    /// is for those who want it earlier. A peer that does not acknowledge the change within the
    /// time that a handshake may take is gone: the end is [`CloseCause::TimedOut`].
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub fn update_keys(
        &mut self,
        now: Instant,
        request: KeyUpdateRequest,
    ) -> Result<(), UpdateError> {
        match &mut self.phase {
            Phase::Connected(Session::Dtls13(session)) => session.want_update(request),
            Phase::Connected(Session::Dtls12(_)) => return Err(UpdateError::NotInThisVersion),
            _ => return Err(UpdateError::NotConnected),
        }
        self.send_update(now);
        Ok(())
    }

    /// Sends the KeyUpdate that is wanted, when nothing else is under way.
    pub(super) fn send_update(&mut self, now: Instant) {
        if let Phase::Connected(Session::Dtls13(session)) = &mut self.phase
            && session.send_update(&mut self.context)
        {
            let at = self.backoff.restart(now);
            self.timers.set(Timer::Retransmit, at);
            let deadline = now + self.context.config.handshake_timeout;
            self.timers.set(Timer::Deadline, deadline);
        }
    }

    /// Our flight has arrived: a KeyUpdate in it counts from here on, and another may follow.
    pub(super) fn update_acknowledged(&mut self, now: Instant) {
        if let Phase::Connected(Session::Dtls13(session)) = &mut self.phase
            && let Err(cause) = session.flight_acknowledged(&mut self.context)
        {
            self.end(cause);
        }
        self.send_update(now);
    }

    /// Looks after what the keys have protected and how often somebody has tried to forge.
    pub(super) fn check_wear(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Closed) {
            return;
        }
        let wear = self.context.records.wear();
        if wear == Wear::WornOut {
            self.end(CloseCause::TooManyForgeries);
            return;
        }
        if let Phase::Connected(Session::Dtls13(session)) = &mut self.phase {
            match wear {
                Wear::Writing => session.ensure_update(KeyUpdateRequest::NotRequested),
                Wear::Reading => session.ensure_update(KeyUpdateRequest::Requested),
                Wear::Little | Wear::WornOut => return,
            }
            self.send_update(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn messages_after_the_handshake_are_bounded_in_time() {
        let start = Instant::now();
        let mut budget = Budget::default();
        assert!((0..MESSAGES).all(|_| budget.spend(start)));
        assert!(!budget.spend(start + MESSAGES_TIME - Duration::from_millis(1)));
        assert!(budget.spend(start + MESSAGES_TIME));
    }
}
