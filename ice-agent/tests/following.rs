//! Which pair is selected, and what ends then.

mod bench;
mod net;

use bench::{Bench, LEADER, NOMINATION, PASSWORD, one, two};
use ice_agent::{Event, Handled, State};
use net::{addr, controlled, controlling, ms};
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
    assert_eq!(told, 4);
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
    while bench.now < end {
        let (to, check) = {
            bench.now = bench.agent.poll_timeout().expect("alive");
            bench.agent.handle_timeout(bench.now);
            let Some(sent) = bench.sent() else { continue };
            sent
        };
        assert_eq!(to, one());
        let grant = bench.grant(&check, PASSWORD);
        let _ = bench.hand(one(), &grant);
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
    for from in [two(), three] {
        let request = bench.request(NOMINATION);
        assert_eq!(bench.hand(from, &request), Handled::Consumed);
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
    // A plain check of the peer is answered and not returned.
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(bench.answer(two()), 0);
    bench.pass(ms(3000));
    assert_eq!(bench.agent.stats().checks_sent, before);
}
