//! Which pair is selected, and what ends then.

#![allow(clippy::expect_used)] // helpers of tests

mod bench;
mod net;

use bench::{Ask, Bench, LEADER, NOMINATION, PASSWORD, one, two};
use ice_agent::{Event, Handled, Role, State};
use net::{addr, controlled, controlling, ms};
use stun_codec::attribute::ErrorCode;
use stun_codec::{AttributeType, Message};

#[test]
fn the_last_nomination_counts_and_its_duplicates_do_not() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);

    let first = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(one()))
    );
    let second = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &second), Handled::Consumed);
    assert_eq!(bench.selected(), Some(two()));
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    assert_eq!(
        bench.selected(),
        Some(two()),
        "a late duplicate undid the nomination"
    );
    let again = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &again), Handled::Consumed);
    assert_eq!(bench.selected(), Some(one()));
    let told = std::iter::from_fn(|| bench.agent.poll_event());
    let told = told
        .filter(|event| matches!(event, Event::SelectedPair(_)))
        .count();
    // Connected on one; its nomination changes nothing; then two, and one again.
    assert_eq!(told, 3);
}

#[test]
fn a_nomination_of_an_unproved_pair_waits_for_its_check() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Connected, Some(one()))
    );
    bench.make_valid(two());
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(two()))
    );
}

#[test]
fn a_nomination_after_consent_ran_out_is_checked_first() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    bench.make_valid(two());
    let first = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &first), Handled::Consumed);
    // Forty seconds on the first pair only.
    let end = bench.now + ms(40_000);
    while bench.sent().is_some() {}
    while bench.now < end {
        bench.now = bench.agent.poll_timeout().expect("alive");
        bench.agent.handle_timeout(bench.now);
        while let Some((to, check)) = bench.sent() {
            assert_eq!(to, one());
            let grant = bench.grant(&check, PASSWORD);
            let _ = bench.hand(one(), &grant);
        }
    }
    let second = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &second), Handled::Consumed);
    assert_eq!(bench.selected(), Some(one()));
    bench.make_valid(two());
    assert_eq!(bench.selected(), Some(two()));
    assert!(bench.agent.can_send(bench.now));
}

#[test]
fn a_controlling_agent_repeats_its_nomination_with_consent() {
    let mut bench = Bench::checking(controlling());
    bench.make_valid(one());
    let (_, nomination) = bench.next_check();
    let message = Message::parse(&nomination).expect("sound");
    assert!(message.contains(AttributeType::USE_CANDIDATE));
    assert_eq!(bench.agent.state(), State::Connected);
    let grant = bench.grant(&nomination, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    assert_eq!(bench.agent.state(), State::Completed);
    bench.now = bench.agent.poll_timeout().expect("consent");
    bench.agent.handle_timeout(bench.now);
    let (_, consent) = bench.sent().expect("consent");
    let message = Message::parse(&consent).expect("sound");
    assert!(message.contains(AttributeType::USE_CANDIDATE));
    assert!(bench.sent().is_none());
}

#[test]
fn a_newer_nomination_takes_back_one_that_still_waited() {
    let mut bench = Bench::checking(controlled());
    let three = addr("198.51.100.3:6000");
    for ask in [LEADER, NOMINATION] {
        for from in [two(), three] {
            let request = bench.request(ask);
            assert_eq!(bench.hand(from, &request), Handled::Consumed);
        }
    }
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);
    bench.make_valid(three);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(three))
    );
}

#[test]
fn checks_end_with_the_selection() {
    let mut bench = Bench::checking(controlled());
    bench.make_valid(one());
    // One check is under way and one is queued.
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    bench.pass(ms(100));
    let request = bench.request(LEADER);
    assert_eq!(
        bench.hand(addr("198.51.100.3:6000"), &request),
        Handled::Consumed
    );
    let request = bench.request(LEADER);
    assert_eq!(
        bench.hand(addr("198.51.100.4:6000"), &request),
        Handled::Consumed
    );
    let nomination = bench.request(NOMINATION);
    assert_eq!(bench.hand(one(), &nomination), Handled::Consumed);
    bench.pass(ms(0));
    let before = bench.agent.stats().checks_sent;
    bench.pass(ms(3000));
    assert_eq!(bench.agent.stats().checks_sent, before);
}

/// A browser sends over the pair that it likes best, whichever it nominated first.
#[test]
fn a_pair_that_the_peer_checks_after_the_selection_is_checked_back_and_carries_its_data() {
    for ask in [LEADER, NOMINATION] {
        let mut bench = Bench::checking(controlled());
        let nomination = bench.request(NOMINATION);
        assert_eq!(bench.hand(one(), &nomination), Handled::Consumed);
        bench.make_valid(one());
        assert_eq!(bench.agent.state(), State::Completed);
        bench.pass(ms(2000));
        let request = bench.request(ask);
        assert_eq!(bench.hand(two(), &request), Handled::Consumed);
        assert_eq!(bench.hand(two(), b"\x80 early"), Handled::Dropped);
        bench.make_valid(two());
        let data = bench.hand(two(), b"\x80 media");
        assert!(matches!(data, Handled::Data { .. }), "{data:?}");
        assert_eq!(
            bench.selected(),
            Some(one()),
            "the selection is another matter"
        );
    }
}

/// Browsers nominate with their first check, and some with every check.
#[test]
fn of_pairs_nominated_in_passing_the_best_counts() {
    // The host candidate is better than what is learned from the request.
    let orders = [[one(), two()], [two(), one()]];
    for [first, second] in orders {
        let mut bench = Bench::checking(controlled());
        for from in [first, second] {
            let nomination = bench.request(NOMINATION);
            assert_eq!(bench.hand(from, &nomination), Handled::Consumed);
        }
        bench.make_valid(first);
        assert_eq!(bench.selected(), Some(first));
        if first == two() {
            bench.make_valid(one());
        } else {
            bench.pass(ms(2000));
            let nomination = bench.request(NOMINATION);
            assert_eq!(bench.hand(two(), &nomination), Handled::Consumed);
            bench.make_valid(two());
        }
        assert_eq!(bench.selected(), Some(one()));
    }
}

/// A NAT that gives the peer another address makes a remote candidate that is worse than the host
/// candidate before.
#[test]
fn a_peer_that_names_only_a_worse_pair_any_more_is_followed_to_it() {
    for leaves in [true, false] {
        let mut bench = Bench::checking(controlled());
        let nomination = bench.request(NOMINATION);
        assert_eq!(bench.hand(one(), &nomination), Handled::Consumed);
        bench.make_valid(one());
        for turn in 0..4 {
            bench.pass(ms(100));
            let nomination = bench.request(NOMINATION);
            assert_eq!(bench.hand(two(), &nomination), Handled::Consumed);
            // The network may repeat it; the peer has not.
            assert_eq!(bench.hand(two(), &nomination), Handled::Consumed);
            if turn == 0 {
                bench.make_valid(two());
            }
            let gone = leaves && turn > 0;
            assert_eq!(bench.selected(), Some(if gone { two() } else { one() }));
            if !leaves {
                let nomination = bench.request(NOMINATION);
                assert_eq!(bench.hand(one(), &nomination), Handled::Consumed);
            }
        }
    }
}

#[test]
fn a_role_switch_makes_nominations_void() {
    let mut bench = Bench::checking(controlled());
    let nomination = bench.request(NOMINATION);
    assert_eq!(bench.hand(two(), &nomination), Handled::Consumed);
    let conflict = bench.request(Ask {
        role: Role::Controlled,
        ..LEADER
    });
    assert_eq!(bench.hand(one(), &conflict), Handled::Consumed);
    assert_eq!(bench.agent.role(), Role::Controlling);
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Connected);
}

#[test]
fn an_agent_that_leads_again_nominates_again() {
    let mut bench = Bench::checking(controlling());
    bench.make_valid(one());
    let (_, nomination) = bench.next_check();
    assert!(nominates(&nomination));
    let denial = bench.deny(&nomination, ErrorCode::ROLE_CONFLICT);
    assert_eq!(bench.hand(one(), &denial), Handled::Consumed);
    assert_eq!(bench.agent.role(), Role::Controlled);
    let conflict = bench.request(Ask {
        role: Role::Controlled,
        tie_breaker: 0,
        nominate: false,
    });
    assert_eq!(bench.hand(one(), &conflict), Handled::Consumed);
    assert_eq!(bench.agent.role(), Role::Controlling);
    assert!(nominates(&bench.next_check().1));
}

#[test]
fn a_nomination_that_is_never_granted_gives_way_to_the_next_pair() {
    let mut bench = Bench::checking(controlling());
    let worse = "2 1 udp 9 198.51.100.2 6000 typ host".parse().expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, worse)
        .expect("two");
    bench.make_valid(one());
    let mut named = Vec::new();
    while bench.agent.state() == State::Connected {
        bench.now = bench.agent.poll_timeout().expect("alive");
        bench.agent.handle_timeout(bench.now);
        while let Some((to, check)) = bench.sent() {
            if nominates(&check) && !named.contains(&to) {
                named.push(to);
            }
            // The first answers nothing any more; the second all.
            if to == two() {
                let grant = bench.grant(&check, PASSWORD);
                let _ = bench.hand(two(), &grant);
            }
        }
    }
    assert_eq!(named, [one(), two()]);
    assert_eq!(
        (bench.agent.state(), bench.selected()),
        (State::Completed, Some(two()))
    );
}

fn nominates(check: &[u8]) -> bool {
    Message::parse(check)
        .expect("sound")
        .contains(AttributeType::USE_CANDIDATE)
}

#[test]
fn a_better_pair_that_is_under_way_is_waited_for() {
    let mut bench = Bench::checking(controlling());
    let better = "2 1 udp 2147483647 198.51.100.2 6000 typ host"
        .parse()
        .expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, better)
        .expect("two");
    let (_, first) = bench.next_check();
    let (to, second) = bench.next_check();
    assert_eq!(to, two());
    let grant = bench.grant(&first, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Consumed);
    bench.now += ms(100);
    let grant = bench.grant(&second, PASSWORD);
    assert_eq!(bench.hand(two(), &grant), Handled::Consumed);
    let (to, nomination) = bench.next_check();
    assert!(to == two() && nominates(&nomination));
}
