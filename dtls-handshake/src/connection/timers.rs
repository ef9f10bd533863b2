//! The named timers of a connection, and the growing patience of retransmission.

use std::time::{Duration, Instant};

use crate::config::{MAX_TIMEOUT, MIN_TIMEOUT};

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Send the flight again (RFC 6347 §4.2.4, RFC 9147 §5.8).
    Retransmit,
    /// Tell the peer what part of its flight is here (RFC 9147 §7.1).
    Acknowledge,
    /// Give up what is under way: the handshake, or what was never acknowledged.
    Deadline,
}

/// When each timer runs out; those that are not set do not.
#[derive(Debug, Default)]
pub(super) struct Timers {
    retransmit: Option<Instant>,
    acknowledge: Option<Instant>,
    deadline: Option<Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        *self.slot(timer) = Some(at);
    }

    /// Changes a timer, if it is set and there is another time for it.
    pub(super) fn reset(&mut self, timer: Timer, change: impl FnOnce(Instant) -> Option<Instant>) {
        let slot = self.slot(timer);
        *slot = slot.map(|at| change(at).unwrap_or(at));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }

    pub(super) fn next(&self) -> Option<Instant> {
        [self.retransmit, self.acknowledge, self.deadline]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        match timer {
            Timer::Retransmit => self.retransmit.is_some(),
            Timer::Acknowledge => self.acknowledge.is_some(),
            Timer::Deadline => self.deadline.is_some(),
        }
    }

    /// Whether the timer has run out; it is stopped then.
    pub(super) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        let slot = self.slot(timer);
        let due = slot.is_some_and(|at| at <= now);
        if due {
            *slot = None;
        }
        due
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        match timer {
            Timer::Retransmit => &mut self.retransmit,
            Timer::Acknowledge => &mut self.acknowledge,
            Timer::Deadline => &mut self.deadline,
        }
    }
}

/// Answers to repeated flights come at most once in this part of the initial timeout, so that
/// the parts of one repetition are answered together and nobody is flooded through us.
const REPEAT_DIVISOR: u32 = 10;
/// A flight that does not go on for this part of the timeout is acknowledged in part
/// (RFC 9147 §7.1).
const MISSED_DIVISOR: u32 = 4;
/// After so many unanswered flights smaller datagrams are tried (RFC 6347 §4.1.1.1).
const PATIENCE_WITH_MTU: u32 = 3;
/// What passes almost everywhere, less the headers of tunnels.
const CAUTIOUS_MTU: usize = 512;

/// How often the present flight went unanswered, and what follows from it (RFC 6347 §4.2.4.1).
#[derive(Debug)]
pub(super) struct Backoff {
    initial: Duration,
    maximum: Duration,
    unanswered: u32,
    last_sent: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(initial: Duration, maximum: Duration) -> Self {
        Self {
            initial,
            maximum,
            unanswered: 0,
            last_sent: None,
        }
    }

    pub(super) fn set_initial(&mut self, initial: Duration) {
        self.initial = initial.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
    }

    /// A new flight: the peer has answered the one before.
    pub(super) fn restart(&mut self, now: Instant) -> Instant {
        self.unanswered = 0;
        self.sent(now)
    }

    /// The flight goes out once more because nobody answered.
    pub(super) fn unanswered(&mut self, now: Instant) -> Instant {
        self.unanswered = self.unanswered.saturating_add(1);
        self.sent(now)
    }

    /// The flight goes out once more because the peer repeated its own.
    pub(super) fn repeated(&mut self, now: Instant) -> Instant {
        self.sent(now)
    }

    fn sent(&mut self, now: Instant) -> Instant {
        self.last_sent = Some(now);
        now + self.timeout()
    }

    fn timeout(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.unanswered).unwrap_or(u32::MAX);
        self.initial
            .saturating_mul(factor)
            .min(self.maximum.max(self.initial))
    }

    /// When the flight that was sent last is to be sent again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.last_sent.map(|sent| sent + self.timeout())
    }

    /// How long after a part of a flight has come the rest of it is missed (RFC 9147 §7.1).
    pub(super) fn until_missed(&self) -> Duration {
        (self.timeout() / MISSED_DIVISOR).max(MIN_TIMEOUT)
    }

    pub(super) fn missed(&self, now: Instant) -> Instant {
        now + self.until_missed()
    }

    pub(super) fn may_repeat(&self, now: Instant) -> bool {
        self.last_sent
            .is_none_or(|sent| now.saturating_duration_since(sent) >= self.initial / REPEAT_DIVISOR)
    }

    pub(super) fn mtu(&self, configured: usize) -> usize {
        if self.unanswered >= PATIENCE_WITH_MTU {
            configured.min(CAUTIOUS_MTU)
        } else {
            configured
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_earliest_timer_is_next_and_runs_out_once() {
        let start = origin();
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Deadline, start + Duration::from_secs(30));
        timers.set(Timer::Retransmit, start + Duration::from_secs(1));
        assert_eq!(timers.next(), Some(start + Duration::from_secs(1)));
        assert!(!timers.take_due(Timer::Retransmit, start));
        assert!(timers.take_due(Timer::Retransmit, start + Duration::from_secs(2)));
        assert!(!timers.take_due(Timer::Retransmit, start + Duration::from_secs(2)));
        assert_eq!(timers.next(), Some(start + Duration::from_secs(30)));
    }

    #[test]
    fn patience_doubles_up_to_its_bound() {
        let start = origin();
        let mut backoff = Backoff::new(Duration::from_millis(400), Duration::from_millis(3200));
        let mut delays = vec![backoff.restart(start) - start];
        for _ in 0..5 {
            delays.push(backoff.unanswered(start) - start);
        }
        let milliseconds: Vec<_> = delays.iter().map(Duration::as_millis).collect();
        assert_eq!(milliseconds, [400, 800, 1600, 3200, 3200, 3200]);
        assert_eq!(backoff.mtu(1200), 512);
        assert_eq!(backoff.restart(start) - start, Duration::from_millis(400));
        assert_eq!(backoff.mtu(1200), 1200);
        for _ in 0..100 {
            backoff.unanswered(start);
        }
        assert_eq!(
            backoff.unanswered(start) - start,
            Duration::from_millis(3200)
        );
    }

    #[test]
    fn repetitions_are_answered_now_and_then() {
        let start = origin();
        let mut backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(3));
        assert!(backoff.may_repeat(start));
        backoff.restart(start);
        assert!(!backoff.may_repeat(start + Duration::from_millis(39)));
        assert!(backoff.may_repeat(start + Duration::from_millis(40)));
    }
}
