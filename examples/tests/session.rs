//! Session against session over a simulated network: no socket, no clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // a test's panic is its verdict

#[path = "support/journey.rs"]
mod journey;
#[path = "support/link.rs"]
mod link;
#[path = "support/pair.rs"]
mod pair;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use dtls_handshake::Identity;
use examples::session::{Event, Failure, SecureFailure};
use ice_agent::Role;
use journey::{Change, Journey, Outcome, When, rtp};
use link::{Link, Side};
use pair::{Pair, one_socket};
use virtual_network::{Network, Weather};

fn addresses() -> [SocketAddr; 2] {
    [1, 2].map(|host| ([192, 0, 2, host], 4000).into())
}

#[allow(clippy::disallowed_methods)] // an origin for virtual time
fn origin() -> Instant {
    Instant::now()
}

fn identities() -> [Identity; 2] {
    [(); 2].map(|()| Identity::generate(UNIX_EPOCH).unwrap())
}

/// Two sessions on the public network, and no NAT.
fn pair(identities: &[Identity; 2], seed: u64, weather: Weather) -> Link {
    let now = origin();
    let pair = Pair {
        identities,
        sockets: addresses().map(one_socket),
        roles: [Role::Controlling, Role::Controlled],
        profiles: &[0x0007, 0x0001],
        seed,
    };
    let network = Network::new(now, seed, weather);
    Link::public(network, pair.sessions(now), addresses())
}

fn both_connected(sides: &[Side; 2]) -> bool {
    sides.iter().all(Side::is_connected)
}

fn both_failed(sides: &[Side; 2]) -> bool {
    sides.iter().all(Side::has_failed)
}

fn events(link: &Link) -> [&Vec<(Instant, Event)>; 2] {
    link.sides.each_ref().map(|side| &side.events)
}

#[test]
fn two_sessions_connect_and_hear_each_other() {
    let weather = Weather::calm(Duration::from_millis(20));
    let mut link = pair(&identities(), 1, weather);
    let early = link.send_rtp(0, &rtp(0, 0));
    assert!(!early, "nothing is sent before there are keys");
    let connected = link.run(Duration::from_secs(5), both_connected);
    assert!(connected, "{:?}", events(&link));
    for sequence in 1..=50 {
        let sent = [0, 1].map(|side| link.send_rtp(side, &rtp(side, sequence)));
        assert_eq!(sent, [true; 2]);
        link.run(Duration::from_millis(20), |_| false);
    }
    link.run(Duration::from_millis(100), |_| false);
    for side in 0..2 {
        let all: Vec<_> = (1..=50).map(|sequence| rtp(1 - side, sequence)).collect();
        assert_eq!(link.sides[side].heard, all);
    }
    let now = link.now();
    link.sides[0].session.close(now);
    let told = link.run(Duration::from_secs(1), |sides| sides[1].has_failed());
    assert!(told, "close_notify arrives: {:?}", events(&link));
}

#[test]
fn nothing_follows_the_end_on_either_side() {
    let mut link = pair(&identities(), 3, Weather::default());
    assert!(link.run(Duration::from_secs(5), both_connected));
    let (now, told) = (link.now(), link.sides[0].events.len());
    link.sides[0].session.close(now);
    link.run(Duration::from_secs(300), |_| false);
    assert_eq!(link.sides[0].events.len(), told, "it ended itself");
    assert!(link.sides[1].has_failed(), "{:?}", events(&link));
    for side in &link.sides {
        assert_eq!(side.session.poll_timeout(), None);
    }
}

/// An impostor that is the client may believe for a moment to be connected: in DTLS 1.3 it is done
/// before the server has judged its certificate.
#[test]
fn a_wrong_fingerprint_fails_both_sides_and_no_media_flows() {
    for impostor in [0, 1] {
        let identities = identities();
        let [stranger, _] = self::identities();
        let mut link = pair(&identities, 5, Weather::default());
        let mut other = identities.clone();
        other[impostor] = stranger;
        let [zero, one] = pair(&other, 5, Weather::default()).sides;
        link.sides[impostor].session = if impostor == 0 { zero } else { one }.session;
        let failed = link.run(Duration::from_secs(60), both_failed);
        assert!(failed, "{:?}", events(&link));
        assert!(!link.sides[1 - impostor].is_connected());
        assert!(!link.send_rtp(0, &rtp(0, 1)) && !link.send_rtp(1, &rtp(1, 1)));
    }
}

#[test]
fn a_peer_that_is_not_there_is_a_failure_in_bounded_time() {
    let mut link = pair(&identities(), 9, Weather::default());
    link.network.block(|_| true);
    assert!(link.run(Duration::from_secs(60), both_failed));
    let more = link.run(Duration::from_secs(600), |_| false);
    let timeouts = link
        .sides
        .each_ref()
        .map(|side| side.session.poll_timeout());
    assert_eq!((more, timeouts), (false, [None, None]));
}

/// How many random lives are lived.
const SEEDS: u64 = 4000;

#[test]
fn every_life_on_any_network_ends_in_talk_or_with_a_cause() {
    let (start, identities) = (origin(), identities());
    let live = |seed| {
        let journey = Journey::new(seed);
        let outcome = journey.live(start, &identities);
        (journey, outcome)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let lives: Vec<(Journey, Outcome)> = std::thread::scope(|scope| {
        let shares = (0..threads).map(|first| (first as u64..SEEDS).step_by(threads));
        let started: Vec<_> = shares
            .map(|seeds| scope.spawn(|| seeds.map(live).collect::<Vec<_>>()))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap());
        ended.flatten().collect()
    });
    print(&lives);
    for (journey, outcome) in &lives {
        let must = must_talk(journey);
        assert!(
            must.is_none_or(|must| must == outcome.talks()),
            "{journey:?} {outcome:?}"
        );
    }
}

/// Whether the two talk in the end, where that does not depend on what is lost.
fn must_talk(journey: &Journey) -> Option<bool> {
    let Weather {
        loss, corruption, ..
    } = journey.weather;
    // All seven checks of a pair can be lost, and a bit that is changed in the clear part of a
    // handshake can end it.
    if loss > 16.0 || corruption > 0.0 {
        return None;
    }
    let leads = journey.roles[journey.side] == Role::Controlling;
    match journey.change {
        Change::Nothing => Some(true),
        // Whoever leads nominates the pair again with each consent check, and the other follows
        // it to wherever these come from. Once a pair was selected, whoever follows cannot, and
        // nothing but an ICE restart may select another (RFC 8445 §8.1.1).
        Change::Rebinding | Change::NewNatAddress => {
            let restarts = journey.when == When::After && journey.restart.is_some();
            if restarts && !journey.signalled {
                return None;
            }
            (leads || restarts || journey.when == When::Before).then_some(true)
        }
        // No candidate is left that the other could find it by.
        Change::NewHostAddress => Some(false),
    }
}

fn print(lives: &[(Journey, Outcome)]) {
    let times = lives.iter().filter_map(|(journey, outcome)| {
        Some(outcome.connected?.as_secs_f64() / journey.round_trip().as_secs_f64())
    });
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    let (connected, median) = (times.len(), times[times.len() / 2]);
    let all = lives.len();
    println!("{connected} of {all} pairs connected, in {median:.1} round trips (median)");

    let mut ends: BTreeMap<(Change, When), BTreeMap<String, u64>> = BTreeMap::new();
    let mut interrupted: BTreeMap<Change, Vec<Duration>> = BTreeMap::new();
    for (journey, outcome) in lives {
        let mut causes = outcome.failures.each_ref().map(Option::as_ref).map(cause);
        causes.sort();
        let [one, other] = causes;
        let end = if one == other {
            one
        } else {
            format!("{one} and {other}")
        };
        let ends = ends.entry((journey.change, journey.when)).or_default();
        *ends.entry(end).or_default() += 1;
        if journey.when == When::After {
            let times = interrupted.entry(journey.change).or_default();
            times.extend(outcome.interrupted);
        }
    }
    for ((change, when), ends) in ends {
        println!("{change:?} {when:?}: {ends:?}");
    }
    for (change, mut times) in interrupted {
        times.sort();
        if let Some(median) = times.get(times.len() / 2) {
            println!("{change:?} after the connection: heard again in {median:?} (median)");
        }
    }
}

fn cause(failure: Option<&Failure>) -> String {
    let whole = match failure {
        None => "talk".to_owned(),
        Some(Failure::Ice(failure)) => format!("{:?}", failure.cause),
        Some(Failure::Secure(SecureFailure::Dtls(cause))) => format!("{cause:?}"),
        Some(other) => format!("{other:?}"),
    };
    whole
        .split([' ', '('])
        .next()
        .unwrap_or_default()
        .to_owned()
}
