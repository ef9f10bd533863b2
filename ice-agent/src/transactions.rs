//! Requests on their way, and when to repeat them (RFC 8445 §14.3, RFC 8489 §6.2.1).

use std::time::{Duration, Instant};

use stun_codec::{Path, TransactionId, Transport};

use crate::checklist::PairId;
use crate::config::Role;
use crate::locals::BaseId;

/// Rc: how often a request is sent.
const REQUESTS: u32 = 7;

/// Rm: how many times the first interval an answer is awaited after the last request.
const FINAL_WAIT: u32 = 16;

/// Ti: how long an answer is awaited over a connection (RFC 8489 §6.2.2).
const CONNECTION_WAIT: Duration = Duration::from_millis(39_500);

/// What a request is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Check(Check),
    /// A STUN server shall say how it sees this base.
    Server(BaseId),
}

/// A connectivity check, with what it said. Repetitions say the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check {
    pub(crate) pair: PairId,
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) priority: u32,
    pub(crate) nominate: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) id: TransactionId,
    pub(crate) path: Path,
    pub(crate) purpose: Purpose,
    started: Instant,
    rto: Duration,
    sent: u32,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Sent again at `at`, after which `wait` doubles.
    Repeat { at: Instant, wait: Duration },
    /// Not sent again; an answer counts until then.
    Listen { until: Instant },
    /// Likewise, and nothing happens when none comes: another check took its place
    /// (RFC 8445 §7.3.1.4).
    Abandoned { until: Instant },
}

impl Pending {
    fn timeout(&self) -> Instant {
        match self.step {
            Step::Repeat { at, .. } => at,
            Step::Listen { until } | Step::Abandoned { until } => until,
        }
    }

    /// The round trip, if the request was sent once: else it is not known which was answered.
    pub(crate) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.sent == 1).then(|| now.saturating_duration_since(self.started))
    }
}

/// What a request that fell due asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Due {
    Repeat(Pending),
    TimedOut(Pending),
}

#[derive(Debug, Default)]
pub(crate) struct Transactions {
    pending: Vec<Pending>,
    /// Nothing is due before.
    next: Option<Instant>,
}

impl Transactions {
    /// Starts a request: it is sent now.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        id: TransactionId,
        path: Path,
        purpose: Purpose,
        rto: Duration,
    ) {
        // Nothing is repeated over a connection (RFC 8489 §6.2.2).
        let (step, at) = match path.transport {
            Transport::Udp => {
                let (at, wait) = (now + rto, rto);
                (Step::Repeat { at, wait }, at)
            }
            _ => {
                let until = now + CONNECTION_WAIT;
                (Step::Listen { until }, until)
            }
        };
        self.wake(at);
        self.pending.push(Pending {
            id,
            path,
            purpose,
            started: now,
            rto,
            sent: 1,
            step,
        });
    }

    pub(crate) fn find(&self, id: TransactionId) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.id == id)
    }

    pub(crate) fn remove(&mut self, id: TransactionId) {
        if let Some(at) = self.pending.iter().position(|pending| pending.id == id) {
            self.pending.swap_remove(at);
            self.forget_time();
        }
    }

    /// Stops repeating the checks that `which` picks; an answer still counts.
    pub(crate) fn abandon(&mut self, now: Instant, which: impl Fn(&Check) -> bool) {
        for pending in &mut self.pending {
            let Purpose::Check(check) = pending.purpose else {
                continue;
            };
            if which(&check) {
                // As long as an answer to the last repetition may take (RFC 8445 §7.3.1.4).
                let until = now + pending.rto.max(Duration::from_secs(1));
                pending.step = Step::Abandoned { until };
                self.next = self.next.map(|next| next.min(until));
            }
        }
    }

    fn wake(&mut self, at: Instant) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    fn forget_time(&mut self) {
        if self.pending.is_empty() {
            self.next = None;
        }
    }

    /// Whether a check of this pair is repeated still.
    pub(crate) fn has_check_of(&self, pair: PairId) -> bool {
        self.pending.iter().any(|pending| {
            let of_pair = matches!(pending.purpose, Purpose::Check(check) if check.pair == pair);
            of_pair && !matches!(pending.step, Step::Abandoned { .. })
        })
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Purpose) -> bool) {
        self.pending.retain(|pending| keep(&pending.purpose));
        self.forget_time();
    }

    /// Takes one step of a request that fell due; `None` when none is left. After a pause in which
    /// several repetitions were missed, one goes out and the schedule continues from now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Due> {
        while self.next.is_some_and(|next| next <= now) {
            let due = |pending: &Pending| pending.timeout() <= now;
            let Some(at) = self.pending.iter().position(due) else {
                self.next = self.pending.iter().map(Pending::timeout).min();
                break;
            };
            let pending = self.pending.get_mut(at)?;
            match pending.step {
                Step::Repeat { wait, .. } => {
                    pending.sent += 1;
                    let wait = wait * 2;
                    pending.step = if pending.sent < REQUESTS {
                        Step::Repeat {
                            at: now + wait,
                            wait,
                        }
                    } else {
                        Step::Listen {
                            until: now + pending.rto * FINAL_WAIT,
                        }
                    };
                    return Some(Due::Repeat(*pending));
                }
                Step::Listen { .. } => return Some(Due::TimedOut(self.pending.swap_remove(at))),
                Step::Abandoned { .. } => drop(self.pending.swap_remove(at)),
            }
        }
        None
    }

    /// When to poll. It may be early: the request that it was for may be over.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.next
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
