//! What gathering arrivals is worth to the media loop, measured over real sockets.
//!
//! `cargo test -p examples --test media_loop -- --ignored --nocapture` prints a table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

#[path = "support/loopback.rs"]
mod loopback;

use std::fs;
use std::time::Duration;

use examples::media::{GATHER, Work};
use loopback::{End, Loopback, now};
use virtual_network::Dice;

/// From packet to packet in a stream.
const PACKET_TIME: Duration = Duration::from_millis(20);

/// What was measured.
struct Measured {
    work: Work,
    /// Of the worker's thread on a processor.
    busy: Duration,
    /// Times that it slept, and was woken up.
    sleeps: u64,
    /// From the beginning to the end.
    time: Duration,
    /// Of the packets that were sent, those that were not heard: the kernel holds few, and the
    /// machine may have other work.
    lost: u64,
}

/// What a worker does while `talk` runs.
fn measured(loopback: &mut Loopback, talk: impl FnOnce(&mut Loopback) -> u64) -> Measured {
    let start = now();
    let before = (loopback.totals().work, thread(), loopback.heard());
    let sent = talk(loopback);
    let after = (loopback.totals().work, thread(), loopback.heard());
    let heard = (after.2[0] - before.2[0]) + (after.2[1] - before.2[1]);
    Measured {
        work: Work {
            turns: after.0.turns - before.0.turns,
            reads: after.0.reads - before.0.reads,
            datagrams: after.0.datagrams - before.0.datagrams,
        },
        busy: after.1.0 - before.1.0,
        sleeps: after.1.1 - before.1.1,
        time: now() - start,
        lost: sent - heard,
    }
}

/// Lets calls talk for so many packets in each direction. Each stream keeps its own beat.
fn talk(loopback: &mut Loopback, packets: u16) -> u64 {
    let mut dice = Dice::new(1);
    let mut streams: Vec<(Duration, usize, End)> = (0..loopback.calls())
        .flat_map(|call| [(call, End::Browser), (call, End::Phone)])
        .map(|(call, end)| {
            (
                PACKET_TIME.mul_f64(dice.below(1000) as f64 / 1000.0),
                call,
                end,
            )
        })
        .collect();
    streams.sort();
    let start = now();
    for number in 0..packets {
        for (phase, call, end) in &streams {
            loopback.serve_until(start + PACKET_TIME * u32::from(number) + *phase);
            loopback.speak(*call, *end, number);
        }
    }
    loopback.serve_until(now() + PACKET_TIME * 5);
    u64::from(packets) * streams.len() as u64
}

/// What the kernel says of the thread of the one worker (Linux): how long it has run, and how
/// often it has slept.
fn thread() -> (Duration, u64) {
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let Ok(name) = fs::read_to_string(task.join("comm")) else {
            continue; // it has ended meanwhile
        };
        if name.trim() == "media-0" {
            let times = fs::read_to_string(task.join("schedstat")).unwrap();
            let run = times.split(' ').next().unwrap().parse().unwrap();
            let status = fs::read_to_string(task.join("status")).unwrap();
            let mut lines = status.lines();
            let sleeps = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            let sleeps = sleeps.unwrap().trim().parse().unwrap();
            return (Duration::from_nanos(run), sleeps);
        }
    }
    panic!("no worker runs")
}

#[test]
fn turns_are_as_far_apart_as_they_should_be_and_nothing_is_lost() {
    let mut loopback = Loopback::start(20, GATHER);
    let Measured {
        work, time, lost, ..
    } = measured(&mut loopback, |loopback| {
        (0..100).for_each(|number| loopback.round(number));
        20 * 2 * 100
    });
    loopback.stop();
    assert_eq!(lost, 0);
    assert!(work.datagrams >= 20 * 2 * 100, "{work:?}");
    let least = GATHER * u32::try_from(work.turns).unwrap();
    assert!(
        least <= time + GATHER * 2,
        "{} turns in {time:?}",
        work.turns
    );
}

#[test]
#[ignore = "a measurement: it takes a minute, and wants a quiet machine"]
fn what_gathering_is_worth() {
    println!(
        "calls  gather  turns/s  packets/turn  packets/read  sleeps/packet  busy us/packet  lost"
    );
    for calls in [20, 100] {
        // By turns, so that what else the machine does falls on both.
        let mut sums = [(Duration::ZERO, Vec::new()), (GATHER, Vec::new())];
        for _ in 0..4 {
            for (gather, rounds) in &mut sums {
                let mut loopback = Loopback::start(calls, *gather);
                rounds.push(measured(&mut loopback, |loopback| talk(loopback, 200)));
                loopback.stop();
            }
        }
        for (gather, rounds) in sums {
            let sum = |of: fn(&Measured) -> f64| rounds.iter().map(of).sum::<f64>();
            let datagrams = sum(|round| round.work.datagrams as f64);
            let turns = sum(|round| round.work.turns as f64);
            println!(
                "{calls:5}  {:3} us  {:7.0}  {:12.2}  {:12.2}  {:13.2}  {:14.2}  {:4}",
                gather.as_micros(),
                turns / sum(|round| round.time.as_secs_f64()),
                datagrams / turns,
                datagrams / sum(|round| round.work.reads as f64),
                sum(|round| round.sleeps as f64) / datagrams,
                sum(|round| round.busy.as_secs_f64()) * 1e6 / datagrams,
                rounds.iter().map(|round| round.lost).sum::<u64>(),
            );
        }
    }
}
