//! What happens because time has passed.

use std::time::{Duration, Instant};

use super::timers::Timer;
use super::{Connection, Phase};
use crate::error::CloseCause;

impl Connection {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.timers.take_due(Timer::Deadline, now) {
            self.end(match self.phase {
                Phase::Unverified(_) => CloseCause::PeerFingerprintsMissing,
                _ => CloseCause::TimedOut,
            });
            return;
        }
        if self.timers.take_due(Timer::Retransmit, now) {
            // What never left cannot have been answered, and says nothing about the path.
            let at = if self.context.flight.is_sent() {
                self.stats.timeouts += 1;
                self.backoff.unanswered(now)
            } else {
                self.backoff.repeated(now)
            };
            self.context.flight.rewind();
            self.timers.set(Timer::Retransmit, at);
        }
        if self.timers.take_due(Timer::Acknowledge, now) {
            self.acknowledgements.send();
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Changes when an unanswered flight is sent again for the first time: one and a half times the
    /// round trip that ICE measured is a good value. It holds for the flight under way as well; read
    /// [`poll_timeout`](Self::poll_timeout) again.
    pub fn set_initial_timeout(&mut self, timeout: Duration) {
        let was_missed = self.backoff.until_missed();
        self.backoff.set_initial(timeout);
        if let Some(at) = self.backoff.due() {
            self.timers.reset(Timer::Retransmit, |_| Some(at));
        }
        let is_missed = self.backoff.until_missed();
        self.timers.reset(Timer::Acknowledge, |at| {
            at.checked_sub(was_missed).map(|since| since + is_missed)
        });
    }
}
