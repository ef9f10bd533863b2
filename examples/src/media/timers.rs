//! When which call wants to be woken.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Entries of the heap that are out of date, beside one for each call, before they are removed.
const STALE: usize = 64;

/// One deadline for each of any number of calls, by the call's slot.
///
/// A deadline that moves leaves its old entry behind; what is out of date is passed over, and
/// removed when there is too much of it. So nothing is allocated while the number of calls stays.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    of: Vec<Option<Instant>>,
}

impl Timers {
    /// Sets, moves or clears the deadline of a slot.
    pub(super) fn set(&mut self, slot: usize, at: Option<Instant>) {
        if slot >= self.of.len() {
            self.of.resize(slot + 1, None);
            self.due
                .reserve((self.most() + 1).saturating_sub(self.due.len()));
        }
        let Some(current) = self.of.get_mut(slot) else {
            return;
        };
        if *current == at {
            return;
        }
        *current = at;
        if self.due.len() >= self.most() {
            let of = &self.of;
            self.due
                .retain(|Reverse((at, slot))| is_current(of, *at, *slot));
        }
        self.due.extend(at.map(|at| Reverse((at, slot))));
    }

    /// The next deadline.
    pub(super) fn next(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, slot))) = self.due.peek() {
            if is_current(&self.of, *at, *slot) {
                return Some(*at);
            }
            self.due.pop();
        }
        None
    }

    /// Takes a slot whose deadline has come; its deadline is cleared.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        self.next().filter(|at| *at <= now)?;
        let Reverse((_, slot)) = self.due.pop()?;
        if let Some(current) = self.of.get_mut(slot) {
            *current = None;
        }
        Some(slot)
    }

    /// Entries that are not looked through for old ones: one for each slot, as many copies of one
    /// that came back to an earlier time, and some that are out of date.
    fn most(&self) -> usize {
        self.of.len() * 2 + STALE
    }
}

fn is_current(of: &[Option<Instant>], at: Instant, slot: usize) -> bool {
    of.get(slot).copied().flatten() == Some(at)
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

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn deadlines_that_move_take_no_room() {
        let now = Instant::now();
        let mut timers = Timers::default();
        timers.set(9, Some(now));
        let room = timers.due.capacity();
        for ms in 0..100_000 {
            // To and fro, so that old entries are current again.
            let at = now + Duration::from_millis(ms ^ 1);
            timers.set(usize::try_from(ms % 10).unwrap(), Some(at));
        }
        assert_eq!(timers.due.capacity(), room);
        let late = now + Duration::from_secs(1000);
        let mut due: Vec<_> = std::iter::from_fn(|| timers.pop_due(late)).collect();
        due.sort_unstable();
        assert_eq!(due, (0..10).collect::<Vec<_>>());
    }
}
