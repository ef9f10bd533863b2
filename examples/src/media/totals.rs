//! What passed a worker since it started, ended calls included.

use std::ops::AddAssign;

use crate::bridge::{Counts, Stats};
use crate::session;

/// Counters over all calls. They only grow while the worker runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls whose media has begun.
    pub calls: u64,
    /// From browsers to phones.
    pub to_phone: Counts,
    /// From phones to browsers.
    pub to_browser: Counts,
    /// What the browsers' sessions opened and dropped before it was RTP.
    pub session: session::Stats,
    /// Datagrams at a browser port that belong to no call.
    pub unroutable: u64,
    /// Datagrams that the kernel did not take.
    pub unsent: u64,
    /// What the media loops did.
    pub work: Work,
}

/// What a media loop did. Datagrams for each turn and read tell how well arrivals are gathered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Times that it woke up, for whatever reason.
    pub turns: u64,
    /// Reads of a socket, each of one system call.
    pub reads: u64,
    /// Datagrams that were read.
    pub datagrams: u64,
}

impl Totals {
    /// Adds what passed one call.
    pub(super) fn add_call(&mut self, stats: &Stats) {
        self.calls += 1;
        self.to_phone += stats.to_phone.counts;
        self.to_browser += stats.to_browser.counts;
        self.session += stats.session;
    }

    /// These, with no fewer losses than were told before: a packet that comes late makes good a
    /// loss, but who follows a counter takes one that falls for one that began anew.
    pub(super) fn grown_from(mut self, before: &Self) -> Self {
        let lost = |now: &mut u64, before| *now = (*now).max(before);
        lost(&mut self.to_phone.lost, before.to_phone.lost);
        lost(&mut self.to_browser.lost, before.to_browser.lost);
        self
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.calls += more.calls;
        self.to_phone += more.to_phone;
        self.to_browser += more.to_browser;
        self.session += more.session;
        self.unroutable += more.unroutable;
        self.unsent += more.unsent;
        self.work.turns += more.work.turns;
        self.work.reads += more.work.reads;
        self.work.datagrams += more.work.datagrams;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_were_told_are_not_taken_back() {
        let totals = |to_phone, to_browser| {
            let mut totals = Totals::default();
            totals.to_phone.lost = to_phone;
            totals.to_browser.lost = to_browser;
            totals
        };
        let told = totals(5, 7);
        assert_eq!(totals(4, 8).grown_from(&told), totals(5, 8));
        assert_eq!(totals(6, 6).grown_from(&told), totals(6, 7));
    }
}
