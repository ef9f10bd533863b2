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
pub(super) struct Timers(BinaryHeap<Reverse<(Instant, Due)>>);

impl Timers {
    pub(super) fn push(&mut self, at: Instant, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Due> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse((_, due))| due)
    }
}
