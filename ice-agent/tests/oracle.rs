//! Who reaches whom: every ordered pair of kinds of networks, with TURN and without.
//!
//! The table is written from RFC 4787 and RFC 5780, not from the agent. Both sides know the address that
//! a STUN server saw of them, and both send to the other's. Then:
//!
//! - Two with endpoint-independent mapping meet whatever they filter: the address that the server saw is
//!   the one that the other side sees, and each opens its filter by its own checks.
//! - One with endpoint-independent mapping and one whose mapping depends on the destination: the second
//!   comes from a port that nobody knew. It is let in where the first filters by address at most, since
//!   the first has sent to the address, not to the port.
//! - Two whose mappings depend on the destination: the first check has to get in at a port where nothing
//!   was sent to the other side, which takes endpoint-independent filtering; the answer comes from
//!   another port, which the other side's filter must not mind; and one of the two ports must stay the
//!   same when its owner sends to a new port of the same address, so that both mappings may not depend
//!   on the port.
//! - A relay has an address of its own with endpoint-independent mapping, and filters by address
//!   (RFC 8656 §9): it meets everybody who can send datagrams.
//! - Where UDP is blocked nothing goes without a relay that is reached over TCP, or over TLS where only
//!   port 443 is open.
//!
//! `ICE_SEEDS=10000 cargo test --release -p ice-agent --test oracle -- --nocapture` runs all the seeds.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // a test

#[path = "oracle/case.rs"]
mod case;
mod net;

use std::time::Duration;

use case::{Case, Firewalled, Kind, Turn};
use ice_agent::{FailureCause, Kind as CandidateKind, Refusal, State};
use net::{World, ms, quiet};
use virtual_network::{Dependence, Dice, NatKind, Weather};

const I: Dependence = Dependence::EndpointIndependent;
const A: Dependence = Dependence::AddressDependent;
const P: Dependence = Dependence::AddressAndPortDependent;

const fn nat(mapping: Dependence, filtering: Dependence) -> Kind {
    Kind::Nat(NatKind::new(mapping, filtering))
}

/// Rows are the controlling side, columns the controlled one, in one order. Of NATs the mapping and the
/// filtering: I endpoint-independent, A address-dependent, P address-and-port-dependent.
///
/// `D`: they meet directly. `r`: they need a relay, and without one hear no answer. `x`: likewise, but
/// without one they hear answers, from other ports than they asked. `-`: nothing joins them.
#[rustfmt::skip]
const TABLE: [(Kind, &str); 13] = [
    //                                   public  I/I  I/A  I/P  A/I  A/A  A/P  P/I  P/A  P/P  no-UDP  HTTPS  closed
    (Kind::Public,                      "D       D    D    D    D    D    D    D    D    D    r       r      -"),
    (nat(I, I),                         "D       D    D    D    D    D    D    D    D    D    r       r      -"),
    (nat(I, A),                         "D       D    D    D    D    D    D    D    D    D    r       r      -"),
    (nat(I, P),                         "D       D    D    D    r    r    r    r    r    r    r       r      -"),
    (nat(A, I),                         "D       D    D    r    D    D    r    D    D    r    r       r      -"),
    (nat(A, A),                         "D       D    D    r    D    r    r    D    r    r    r       r      -"),
    (nat(A, P),                         "D       D    D    r    r    r    r    r    r    r    r       r      -"),
    (nat(P, I),                         "D       D    D    r    D    D    r    x    x    r    r       r      -"),
    (nat(P, A),                         "D       D    D    r    D    r    r    x    r    r    r       r      -"),
    (nat(P, P),                         "D       D    D    r    r    r    r    r    r    r    r       r      -"),
    (Kind::Behind(Firewalled::NoUdp),   "r       r    r    r    r    r    r    r    r    r    r       r      -"),
    (Kind::Behind(Firewalled::Https),   "r       r    r    r    r    r    r    r    r    r    r       r      -"),
    (Kind::Behind(Firewalled::Closed),  "-       -    -    -    -    -    -    -    -    -    -       -      -"),
];

/// What becomes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Direct,
    Relayed,
    /// Nothing answers.
    Silence,
    /// Answers come from other ports.
    Asymmetric,
}

impl Outcome {
    fn connects(self) -> bool {
        matches!(self, Self::Direct | Self::Relayed)
    }
}

/// What the table says.
fn outcome(row: usize, column: usize, turn: Turn) -> Outcome {
    let cell = TABLE[row].1.split_whitespace().nth(column).unwrap();
    let kinds = [row, column].map(|at| TABLE[at].0);
    // A relay of one side meets the other only if that one can send datagrams.
    let relayed = match turn {
        Turn::Nobody => false,
        Turn::Both => true,
        Turn::One(side) => !matches!(kinds[1 - side], Kind::Behind(_)),
    };
    match (cell, relayed) {
        ("D", _) => Outcome::Direct,
        ("r" | "x", true) => Outcome::Relayed,
        ("x", false) => Outcome::Asymmetric,
        ("r" | "-", _) => Outcome::Silence,
        other => panic!("{other:?}"),
    }
}

/// Every run is over by then: the checks after 39.5 s, a nomination a while later.
const OVER: Duration = Duration::from_secs(160);

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..TABLE.len()).flat_map(|row| (0..TABLE.len()).map(move |column| (row, column)))
}

fn case(row: usize, column: usize, turn: Turn) -> Case {
    Case {
        kinds: [row, column].map(|at| TABLE[at].0),
        turn,
    }
}

#[test]
fn the_table_is_whole_and_the_same_from_both_sides() {
    for (row, column) in pairs() {
        let nobody = Turn::Nobody;
        assert_eq!(outcome(row, column, nobody), outcome(column, row, nobody));
    }
    let columns = |(_, cells): &(Kind, &str)| cells.split_whitespace().count();
    assert!(TABLE.iter().all(|row| columns(row) == TABLE.len()));
}

/// Whether the pair of a node goes through a relay of one of the two.
fn is_relayed(world: &World, node: usize) -> bool {
    let pair = world.nodes[node].agent.selected_pair().expect("selected");
    [pair.local.kind, pair.remote.kind].contains(&CandidateKind::Relayed)
}

/// The right cause of a node's failure, in calm weather. Who has a relay is not to blame himself.
fn is_right_cause(case: &Case, node: usize, expected: Outcome, cause: &FailureCause) -> bool {
    match (case.kinds[node], expected, cause) {
        (Kind::Behind(firewall), _, cause)
            if firewall == Firewalled::Closed || !case.turn.has(node) =>
        {
            matches!(cause, FailureCause::UdpBlocked { .. })
        }
        (_, Outcome::Silence, FailureCause::NoAnswer { .. }) => true,
        (_, Outcome::Asymmetric, FailureCause::AllRefused { refusal, .. }) => {
            *refusal == Refusal::Asymmetric
        }
        _ => false,
    }
}

#[test]
fn every_pair_of_networks_meets_or_fails_as_the_table_says() {
    for turn in Turn::ALL {
        for (row, column) in pairs() {
            let (case, expected) = (case(row, column, turn), outcome(row, column, turn));
            let mut world = case.world(1, quiet());
            world.begin();
            let states = |world: &World| [world.state(0), world.state(1)];
            assert!(
                world.run(OVER, World::is_over),
                "{case:?}: {:?}",
                states(&world)
            );
            let failures = [0, 1].map(|node: usize| world.nodes[node].failure.as_ref());
            if expected.connects() {
                assert!(world.both(State::Completed), "{case:?}: {failures:?}");
                assert!(world.same_pair(), "{case:?}");
                let relayed = expected == Outcome::Relayed;
                assert_eq!(is_relayed(&world, 0), relayed, "{case:?}");
                continue;
            }
            for (node, failure) in failures.into_iter().enumerate() {
                let Some(failure) = failure else {
                    panic!("{case:?}: node {node} is {:?}", world.state(node));
                };
                let right = is_right_cause(&case, node, expected, &failure.cause);
                assert!(right, "{case:?} node {node}: {:?}", failure.cause);
            }
        }
    }
}

/// Two behind one NAT that keeps its inner hosts apart: they meet at its outside, as two behind two
/// NATs of this kind would, if it does hairpinning (RFC 4787 §6).
#[test]
fn two_behind_one_nat_meet_at_its_outside_only_with_hairpinning() {
    for (row, (kind, _)) in TABLE.iter().enumerate() {
        let Kind::Nat(nat) = *kind else {
            continue;
        };
        for turn in [Turn::Nobody, Turn::Both] {
            for (nat, hairpinning) in [(nat, false), (nat.with_hairpinning(), true)] {
                let expected = match (hairpinning, turn) {
                    (true, _) => outcome(row, row, turn),
                    (false, Turn::Both) => Outcome::Relayed,
                    (false, _) => Outcome::Silence,
                };
                let mut world = case::behind_one_nat(nat, turn);
                world.begin();
                assert!(world.run(OVER, World::is_over));
                let connects = world.both(State::Completed);
                assert_eq!(connects, expected.connects(), "{nat:?} {turn:?}");
                if connects {
                    let relayed = expected == Outcome::Relayed;
                    assert_eq!(is_relayed(&world, 0), relayed, "{nat:?} {turn:?}");
                }
            }
        }
    }
}

fn weather(dice: &mut Dice) -> Weather {
    Weather {
        loss: dice.below(4) as f64 * 5.0,
        duplication: dice.below(3) as f64 * 10.0,
        delay: ms(5 + dice.below(150)),
        jitter: ms(dice.below(100)),
        ..Weather::default()
    }
}

/// Prints a distribution; the median.
fn print(what: &str, times: &mut [Duration]) -> Duration {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (low, middle, high, last) = (at(5), at(50), at(95), at(100));
    let count = times.len();
    println!("{count} {what}: 5 % {low:?}, median {middle:?}, 95 % {high:?}, worst {last:?}");
    middle
}

fn can_send(world: &World) -> bool {
    let now = world.now();
    world.nodes.iter().all(|node| node.agent.can_send(now))
}

/// Each seed is two networks with their weather. 500 of them, or as many as `ICE_SEEDS` says.
#[test]
fn every_seed_ends_as_the_table_says() {
    let seeds = std::env::var("ICE_SEEDS").map_or(500, |text| text.parse().expect("a number"));
    let mut times = [Vec::new(), Vec::new()];
    let (mut failed, mut unknown, mut unlucky) = (0, 0, 0);
    for seed in 0..seeds {
        let mut dice = Dice::new(seed);
        let mut draw = |count: usize| dice.below(count as u64) as usize;
        let (row, column) = (draw(TABLE.len()), draw(TABLE.len()));
        let turn = Turn::ALL[draw(Turn::ALL.len())];
        let (case, expected) = (case(row, column, turn), outcome(row, column, turn));
        let weather = weather(&mut dice);
        let mut world = case.world(seed, weather);
        world.signalling = ms(dice.below(800));
        for node in 0..2 {
            world.gather(node);
            world.signal_credentials(node, ms(dice.below(2000)));
        }
        world.run(OVER, |world| can_send(world) || world.is_over());
        let time = world.elapsed();
        assert!(world.run(OVER, World::is_over), "seed {seed} {case:?}");
        let failures = [0, 1].map(|node: usize| world.nodes[node].failure.as_ref());
        if world.both(State::Completed) {
            assert!(expected.connects(), "seed {seed} {case:?} connects");
            times[usize::from(is_relayed(&world, 0))].push(time);
            // A nomination that came out of order heals with the next consent.
            assert!(
                world.run(ms(15_000), World::same_pair),
                "seed {seed} {case:?}"
            );
        } else if expected.connects() && !case.is_known(&world) {
            // All that a server said was lost: the table is about those who know their address.
            unknown += 1;
        } else if expected.connects() && weather.loss > 0.0 {
            // A relay takes a check over two more hops, each with this loss: all seven can be lost.
            println!("unlucky: seed {seed} {case:?} {failures:?}");
            unlucky += 1;
        } else {
            assert!(!expected.connects(), "seed {seed} {case:?}: {failures:?}");
            assert!(failures.iter().all(Option::is_some), "seed {seed} {case:?}");
            failed += 1;
        }
    }
    println!(
        "{failed} of {seeds} failed as they should, {unknown} did not learn their address, \
         {unlucky} lost all checks"
    );
    print("direct", &mut times[0]);
    print("relayed", &mut times[1]);
    assert!(unknown * 100 <= seeds && unlucky * 1000 <= seeds);
    assert!(failed > 0 && !times[0].is_empty() && !times[1].is_empty());
}

/// Without loss at a round trip of 50 ms, from the start of gathering until both can send. Where a
/// mapping depends on the destination, a check that comes from a port that nobody knew has to be
/// answered by another check: that takes longer.
#[test]
fn a_quiet_network_connects_within_three_round_trips() {
    let (mut known, mut met, mut relayed) = (Vec::new(), Vec::new(), Vec::new());
    for (row, column) in pairs() {
        let (case, expected) = (
            case(row, column, Turn::Both),
            outcome(row, column, Turn::Both),
        );
        if !expected.connects() {
            continue;
        }
        let mut world = case.world(1, quiet());
        world.signalling = ms(25);
        world.begin();
        assert!(world.run(ms(30_000), can_send), "{case:?}");
        let is_known = |kind| match kind {
            Kind::Nat(nat) => nat.mapping == I,
            Kind::Public | Kind::Behind(_) => true,
        };
        let times = match expected {
            Outcome::Relayed => &mut relayed,
            _ if case.kinds.into_iter().all(is_known) => &mut known,
            _ => &mut met,
        };
        times.push(world.elapsed());
    }
    let median = print("direct ways to known addresses", &mut known);
    assert!(median <= ms(150));
    let median = print("direct ways to addresses that show themselves", &mut met);
    assert!(median <= ms(200));
    print("relayed ways", &mut relayed);
}
