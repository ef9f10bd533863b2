//! How the database is, for metrics and for readiness.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts, and whether the last question was answered. Cheap to ask from anywhere.
#[derive(Debug)]
pub struct Health {
    name: &'static str,
    is_up: AtomicBool,
    questions: AtomicU64,
    faults: AtomicU64,
    unanswered: AtomicU64,
    revoked: AtomicU64,
    live: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// `redis` or `postgres`.
    pub name: &'static str,
    /// Whether the last question was answered.
    pub is_up: bool,
    /// Questions that were answered.
    pub questions: u64,
    /// Times that connecting or asking failed.
    pub faults: u64,
    /// Logins that were left without an answer.
    pub unanswered: u64,
    /// Users who were revoked.
    pub revoked: u64,
    /// Users of the database with allocations.
    pub live: u64,
}

impl Health {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            is_up: AtomicBool::new(false),
            questions: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            revoked: AtomicU64::new(0),
            live: AtomicU64::new(0),
        }
    }

    /// How it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Snapshot {
            name: self.name,
            is_up: self.is_up.load(Ordering::Relaxed),
            questions: count(&self.questions),
            faults: count(&self.faults),
            unanswered: count(&self.unanswered),
            revoked: count(&self.revoked),
            live: count(&self.live),
        }
    }

    /// Whether it was not so before.
    pub(super) fn answered(&self, live: usize) -> bool {
        self.questions.fetch_add(1, Ordering::Relaxed);
        self.live.store(live as u64, Ordering::Relaxed);
        !self.is_up.swap(true, Ordering::Relaxed)
    }

    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        self.is_up.store(false, Ordering::Relaxed);
    }

    pub(super) fn unanswered(&self, logins: usize) {
        self.unanswered.fetch_add(logins as u64, Ordering::Relaxed);
    }

    pub(super) fn revoked(&self) {
        self.revoked.fetch_add(1, Ordering::Relaxed);
    }
}
