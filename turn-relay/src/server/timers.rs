//! What is due when. It costs by what falls due, not by what there is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use stun_codec::SocketId;

use super::event::LookupId;
use super::slots::Key;

/// Something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// An allocation may have expired.
    Allocation(Key),
    /// A port that was kept for somebody.
    Reservation([u8; 8]),
    /// A question that the store has not answered.
    Lookup(LookupId),
    /// A connection that nothing has come of.
    Connection(SocketId),
    /// A connection of a peer that its client has not come for.
    Stream(u32),
    /// The time of a drained server.
    Drain,
}

/// Times at which to look. A thing that has been put off meanwhile is put in again when it is looked at,
/// so that putting off costs nothing.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Due)>>,
    /// How many of them nobody waits for any more, at most.
    stale: usize,
}

/// So many may be stale without being cleared away.
const FEW: usize = 1024;

impl Timers {
    pub(super) fn push(&mut self, at: Instant, due: Due) {
        self.heap.push(Reverse((at, due)));
    }

    /// Something is over before its time. Once that is true of half of all, they are cleared away: whoever
    /// comes and goes all the time costs no more than those who stay.
    pub(super) fn forget(&mut self, is_awaited: impl Fn(&Due) -> bool) {
        self.stale += 1;
        if self.stale > FEW.max(self.heap.len() / 2) {
            self.heap.retain(|Reverse((_, due))| is_awaited(due));
            self.stale = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Due> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse((_, due))| due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn what_comes_and_goes_does_not_pile_up() {
        let (mut timers, now) = (Timers::default(), Instant::now());
        for number in 0..100_000 {
            let due = Due::Stream(number);
            timers.push(now + Duration::from_secs(3600), due);
            timers.forget(|due| matches!(due, Due::Drain));
        }
        assert!(timers.len() <= FEW + 1, "{}", timers.len());
    }
}
