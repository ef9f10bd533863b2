//! What a server grants for a time, and when to ask for it again.

use std::time::{Duration, Instant};

/// How long a permission lasts (RFC 8656 §9), and when it is asked for again.
pub(super) const PERMISSION: Term = Term {
    lasts: Duration::from_secs(5 * 60),
    renewed_after: Duration::from_secs(4 * 60),
};

/// How long a channel lasts (RFC 8656 §12), and when it is bound again.
pub(super) const CHANNEL: Term = Term {
    lasts: Duration::from_secs(10 * 60),
    renewed_after: Duration::from_secs(8 * 60),
};

/// A server that grants less would be asked without a pause.
const SHORTEST: Duration = Duration::from_secs(2);

/// A server that grants more than this is taken at its word no longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long something is granted for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    lasts: Duration,
    renewed_after: Duration,
}

impl Term {
    /// The term of an allocation. It is refreshed after five sixths, which leaves a minute and more
    /// of the usual ten (RFC 8656 §8).
    pub(super) fn of_allocation(lifetime: u32) -> Self {
        let lasts = Duration::from_secs(lifetime.into()).clamp(SHORTEST, LONGEST);
        Self {
            lasts,
            renewed_after: lasts * 5 / 6,
        }
    }
}

/// Something granted until a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    expires: Instant,
    /// When to ask again; `None` while that is under way.
    renewal: Option<Instant>,
}

impl Lease {
    pub(super) fn new(now: Instant, term: Term) -> Self {
        Self {
            expires: now + term.lasts,
            renewal: Some(now + term.renewed_after),
        }
    }

    pub(super) fn is_valid(&self, now: Instant) -> bool {
        now < self.expires
    }

    pub(super) fn expires(&self) -> Instant {
        self.expires
    }

    pub(super) fn renewal(&self) -> Option<Instant> {
        self.renewal
    }

    /// Whether it is time to ask again. The answer is yes once.
    pub(super) fn take_renewal(&mut self, now: Instant) -> bool {
        self.renewal.take_if(|at| *at <= now).is_some()
    }

    /// Asks again later than now, the last time having failed.
    pub(super) fn renew_at(&mut self, at: Instant) {
        self.renewal = Some(at);
    }
}

/// What the owner wants from the server, and how far that is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grant {
    /// Not asked for: there is no allocation yet.
    Wanted,
    /// The first request is under way.
    Asked,
    Granted(Lease),
}

impl Grant {
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        matches!(self, Self::Granted(lease) if lease.is_valid(now))
    }

    pub(super) fn renewal(&self) -> Option<Instant> {
        match self {
            Self::Granted(lease) => lease.renewal(),
            Self::Wanted | Self::Asked => None,
        }
    }

    /// What was asked for will not be answered: it is to be asked for anew.
    pub(super) fn ask_anew(&mut self, now: Instant) {
        match self {
            Self::Wanted => {}
            Self::Asked => *self = Self::Wanted,
            Self::Granted(lease) => lease.renew_at(now),
        }
    }

    /// Asks again at `at` for what is still granted `now`. False where it is not.
    pub(super) fn renew_again(&mut self, now: Instant, at: Instant) -> bool {
        match self {
            Self::Granted(lease) if lease.is_valid(now) => {
                lease.renew_at(at);
                true
            }
            _ => false,
        }
    }

    /// Whether it is to be asked for now; it counts as asked for then.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        match self {
            Self::Wanted => {
                *self = Self::Asked;
                true
            }
            Self::Asked => false,
            Self::Granted(lease) => lease.take_renewal(now),
        }
    }
}
