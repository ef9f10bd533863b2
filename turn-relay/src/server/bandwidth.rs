//! How much data may pass in a second.

use std::time::{Duration, Instant};

/// Bytes that may pass now: so many more with each second, and no more than one second's worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    rate: u64,
    /// When it was, or will be, empty: it fills from then on.
    empty: Instant,
}

const SECOND: Duration = Duration::from_secs(1);

impl Bucket {
    /// A full one.
    pub(super) fn new(now: Instant, rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            empty: now.checked_sub(SECOND).unwrap_or(now),
        }
    }

    /// Takes so many bytes, if there are.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) -> bool {
        let full = now.checked_sub(SECOND).unwrap_or(self.empty);
        let nanoseconds = (bytes as u64).saturating_mul(1_000_000_000) / self.rate;
        let empty = self.empty.max(full) + Duration::from_nanos(nanoseconds);
        let there_is = empty <= now;
        if there_is {
            self.empty = empty;
        }
        there_is
    }
}
