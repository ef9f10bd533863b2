//! Calls of one media worker do not hear each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

#[path = "support/loopback.rs"]
mod loopback;

use examples::bridge::DropReason;
use examples::media::GATHER;
use loopback::Loopback;

#[test]
fn a_phone_reaches_no_call_but_its_own() {
    let mut loopback = Loopback::start(2, GATHER);
    for number in 0..50 {
        loopback.cross(0, 1, number);
        loopback.cross(1, 0, number);
        loopback.round(number);
    }
    assert_eq!(
        loopback.heard(),
        [100, 100],
        "each its own, and nothing else"
    );
    for stats in loopback.stats() {
        let counts = stats.to_browser.counts;
        assert_eq!(counts.drops.of(DropReason::WrongSource), 50);
        assert_eq!((counts.received.packets, counts.sent.packets), (50, 50));
    }
    loopback.stop();
}
