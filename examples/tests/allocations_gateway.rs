//! No allocation per media packet on the threads of the gateway: 100 calls over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

#[path = "support/counting.rs"]
mod counting;
#[path = "support/loopback.rs"]
mod loopback;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use counting::Counting;
use examples::bridge::Stats;
use examples::media::{GATHER, Totals};
use loopback::Loopback;

const CALLS: usize = 100;

/// Packets of each end of each call that are counted.
const PACKETS: u16 = 400;

/// Of all threads but those that are exempt.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_EXEMPT: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    // A thread that ends may free and allocate after its flag is gone.
    if !IS_EXEMPT.try_with(Cell::get).unwrap_or(true) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_media_packet_costs_a_running_gateway_no_allocation() {
    IS_EXEMPT.with(|flag| flag.set(true));
    let mut loopback = Loopback::start(CALLS, GATHER);
    let setup = ALLOCATIONS.load(Ordering::Relaxed);
    assert_ne!(setup, 0, "the allocator counts the workers");
    let warm_up = warm_up(&mut loopback);
    let before = (loopback.totals(), ALLOCATIONS.load(Ordering::Relaxed));
    (warm_up..warm_up + PACKETS).for_each(|number| loopback.round(number));
    let cost = ALLOCATIONS.load(Ordering::Relaxed) - before.1;
    let after = loopback.totals();
    loopback.stop();
    let passed = |of: fn(&Totals) -> u64| of(&after) - of(&before.0);
    let expected = CALLS as u64 * u64::from(PACKETS);
    assert_eq!(passed(|totals| totals.to_phone.sent.packets), expected);
    assert_eq!(passed(|totals| totals.to_browser.sent.packets), expected);
    let reports = passed(|totals| totals.to_phone.rtcp_sent + totals.to_browser.rtcp_sent);
    println!("{cost} allocations for {expected} packets each way, with {reports} reports");
    assert_eq!(cost, 0);
}

/// Lets all calls talk until each of them has done once what it does now and then: the first
/// report, and the first check of consent, may make room for what they need. Answers the number
/// of the next packet.
fn warm_up(loopback: &mut Loopback) -> u16 {
    for number in 0.. {
        loopback.round(number);
        let is_warm = |stats: &Stats| {
            let reports = [&stats.to_phone, &stats.to_browser].map(|way| way.counts.rtcp_sent);
            reports.iter().all(|reports| *reports > 0) && stats.ice.consent_checks_sent > 0
        };
        if number.is_multiple_of(10) && loopback.stats().iter().all(is_warm) {
            return number + 1;
        }
    }
    unreachable!("the rounds take their time")
}
