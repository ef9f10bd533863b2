//! When which call wants to be woken.

use std::collections::BTreeSet;
use std::time::Instant;

/// One deadline for each of any number of calls, by the call's slot.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Instant, usize)>,
    of: Vec<Option<Instant>>,
}

impl Timers {
    /// Sets, moves or clears the deadline of a slot.
    pub(super) fn set(&mut self, slot: usize, at: Option<Instant>) {
        if slot >= self.of.len() {
            self.of.resize(slot + 1, None);
        }
        let Some(current) = self.of.get_mut(slot) else {
            return;
        };
        if *current == at {
            return;
        }
        if let Some(old) = *current {
            self.due.remove(&(old, slot));
        }
        if let Some(new) = at {
            self.due.insert((new, slot));
        }
        *current = at;
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes a slot whose deadline has come; its deadline is cleared.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let (at, slot) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.set(slot, None);
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn slots_come_due_in_order_and_moved_deadlines_count_once() {
        let now = Instant::now();
        let after = |ms| Some(now + Duration::from_millis(ms));
        let mut timers = Timers::default();
        timers.set(3, after(30));
        timers.set(1, after(10));
        timers.set(3, after(5));
        timers.set(2, after(1));
        timers.set(2, None);
        assert_eq!(timers.next(), after(5));
        assert_eq!(timers.pop_due(now), None);
        let later = now + Duration::from_millis(20);
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(later)).collect();
        assert_eq!(due, [3, 1]);
        assert_eq!(timers.next(), None);
    }
}
