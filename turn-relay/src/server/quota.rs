//! How many allocations there may be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Limits on allocations, in all and for each user. Copies count together: each worker gets one. It is
/// touched when allocations come and go, never by data.
#[derive(Debug, Clone)]
pub struct Quota {
    total: usize,
    per_user: usize,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    users: BTreeMap<Arc<str>, usize>,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// 508.
    Total,
    /// 486.
    User,
}

/// The right to one allocation. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Admission {
    quota: Quota,
    user: Arc<str>,
}

impl Default for Quota {
    /// A million in all, and no limit for each user.
    fn default() -> Self {
        Self::new(1_000_000)
    }
}

impl Quota {
    /// So many in all.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self {
            total,
            per_user: usize::MAX,
            counts: Arc::default(),
        }
    }

    /// So many for each user. Credentials from a shared secret count by the name behind the colon.
    #[must_use]
    pub const fn with_per_user(mut self, limit: usize) -> Self {
        self.per_user = limit;
        self
    }

    /// Allocations there are, at all workers.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().total
    }

    pub(super) fn admit(&self, user: &str) -> Result<Admission, Full> {
        let mut counts = self.lock();
        if counts.total >= self.total {
            return Err(Full::Total);
        }
        let user = match counts.users.get_key_value(user) {
            Some((_, count)) if *count >= self.per_user => return Err(Full::User),
            Some((known, _)) => known.clone(),
            None if self.per_user == 0 => return Err(Full::User),
            None => user.into(),
        };
        *counts.users.entry(user.clone()).or_default() += 1;
        counts.total += 1;
        drop(counts);
        let quota = self.clone();
        Ok(Admission { quota, user })
    }

    /// The counts are right even if a thread has died with them: each change is one step.
    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.quota.lock();
        counts.total = counts.total.saturating_sub(1);
        if let Some(count) = counts.users.get_mut(&self.user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_count_together_and_what_is_dropped_is_given_back() {
        let quota = Quota::new(3).with_per_user(2);
        let other = quota.clone();
        let first = quota.admit("alice").unwrap();
        let _second = other.admit("alice").unwrap();
        assert_eq!(quota.admit("alice").unwrap_err(), Full::User);
        let _third = quota.admit("bob").unwrap();
        assert_eq!(other.admit("carol").unwrap_err(), Full::Total);
        drop(first);
        assert_eq!(other.count(), 2);
        drop(other.admit("alice").unwrap());
        let counts = quota.lock();
        assert_eq!(counts.users.len(), 2);
    }
}
