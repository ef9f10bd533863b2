//! Handshakes over bad links in virtual time: every one ends connected on both sides with equal
//! keys, or closed with a cause by its deadline.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, configs, origin};
use dtls_handshake::CloseCause;
use virtual_network::{Dice, Weather};

const MS: Duration = Duration::from_millis(1);
const DEADLINE: Duration = Duration::from_secs(30);

struct Outcome {
    connected: bool,
    took: Duration,
}

fn run(seed: u64, weather: Weather, mtu: usize) -> Outcome {
    let configs = configs().map(|config| config.with_mtu(mtu).with_handshake_timeout(DEADLINE));
    let mut link = Link::new(configs, seed, weather).introduced();
    link.settle();
    let context = || format!("seed {seed}, mtu {mtu}, {weather:?}: {:?}", link.causes());
    let [client, server] = &link.ends;
    let took = link.now() - origin();
    assert!(took <= DEADLINE + Duration::from_secs(1), "{}", context());
    match (&client.connected, &server.connected) {
        (Some(_), Some(_)) => {
            assert_eq!(client.exported(), server.exported(), "{}", context());
            Outcome {
                connected: true,
                took,
            }
        }
        // The server's last flight can be lost to the end: then the client times out alone.
        _ => {
            for end in &link.ends {
                assert!(end.is_settled(), "{}", context());
                let cause = end.closed.unwrap_or(CloseCause::TimedOut);
                assert_eq!(cause, CloseCause::TimedOut, "{}", context());
            }
            Outcome {
                connected: false,
                took,
            }
        }
    }
}

fn runs(name: &str, seeds: u64, weather: impl Fn(&mut Dice) -> Weather) -> Vec<Outcome> {
    let mut outcomes: Vec<_> = (0..seeds)
        .map(|seed| {
            let mut dice = Dice::new(seed);
            let weather = weather(&mut dice);
            let mtu = 256 + dice.below(1245) as usize;
            run(seed, weather, mtu)
        })
        .collect();
    outcomes.sort_by_key(|outcome| outcome.took);
    let connected = outcomes.iter().filter(|outcome| outcome.connected).count();
    let at = |percent: usize| {
        outcomes[(outcomes.len() - 1) * percent / 100]
            .took
            .as_millis()
    };
    println!(
        "{name}: {connected} of {seeds} connected; ms at 50 / 90 / 99 / 100 %: {} / {} / {} / {}",
        at(50),
        at(90),
        at(99),
        at(100)
    );
    outcomes
}

#[test]
fn disorder_without_loss_needs_no_patience() {
    let outcomes = runs("disorder", 500, |_| Weather {
        duplication: 30.0,
        delay: 20 * MS,
        jitter: 60 * MS,
        ..Weather::default()
    });
    for outcome in outcomes {
        assert!(outcome.connected);
        assert!(
            outcome.took < Duration::from_millis(800),
            "{:?}",
            outcome.took
        );
    }
}

#[test]
fn light_loss_is_overcome() {
    let outcomes = runs("loss to 10 %", 1000, |dice| Weather {
        loss: dice.below(100) as f64 / 10.0,
        duplication: 10.0,
        delay: dice.time(150 * MS),
        jitter: dice.time(100 * MS),
        ..Weather::default()
    });
    assert!(outcomes.iter().all(|outcome| outcome.connected));
}

#[test]
fn heavy_loss_ends_well_or_with_a_cause() {
    let outcomes = runs("loss to 50 %", 1000, |dice| Weather {
        loss: dice.below(500) as f64 / 10.0,
        duplication: dice.below(30) as f64,
        delay: dice.time(300 * MS),
        jitter: dice.time(400 * MS),
        ..Weather::default()
    });
    let connected = outcomes.iter().filter(|outcome| outcome.connected).count();
    assert!(connected > 900, "{connected}");
}

/// Corruption in the clear part of a handshake can end it; it must never end it differently on
/// the two sides with both believing to be connected, and never hang.
#[test]
fn corruption_never_gives_different_keys() {
    let mut connected = 0;
    for seed in 0..500 {
        let weather = Weather {
            corruption: 10.0,
            delay: 5 * MS,
            ..Weather::default()
        };
        let mut link = Link::new(configs(), seed, weather).introduced();
        link.settle();
        let [client, server] = &link.ends;
        assert!(client.is_settled() && server.is_settled());
        if client.connected.is_some() && server.connected.is_some() {
            assert_eq!(client.exported(), server.exported());
            connected += 1;
        }
    }
    println!("corruption: {connected} of 500 connected");
    assert!(connected > 100, "{connected}");
}
