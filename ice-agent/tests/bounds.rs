//! What a hostile peer or a stranger can make an agent hold and send.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test

mod bench;
mod net;

use std::net::SocketAddr;
use std::time::Instant;

use bench::{Bench, LEADER, one, two};
use bytes::BytesMut;
use ice_agent::{Config, Event, Handled};
use net::{controlled, ms};
use stun_codec::attribute::Username;
use stun_codec::{Builder, Method, TransactionId};

/// All that the agent sends until `end`, in datagrams and bytes.
fn sent_until(bench: &mut Bench, end: Instant) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    loop {
        while let Some((_, frame)) = bench.sent() {
            count += 1;
            bytes += frame.len();
        }
        let next = bench.agent.poll_timeout().filter(|next| *next <= end);
        let Some(next) = next else {
            bench.now = end;
            return (count, bytes);
        };
        bench.now = next;
        bench.agent.handle_timeout(next);
    }
}

#[test]
fn a_stranger_gets_less_than_one_and_a_half_times_what_it_sends() {
    let mut bench = Bench::checking(controlled());
    while bench.sent().is_some() {}
    let ufrag = bench.agent.local_credentials().ufrag().to_owned();
    for port in 1..=500_u16 {
        let mut out = BytesMut::new();
        // The shortest request that is answered at all.
        Builder::request(&mut out, Method::BINDING, TransactionId([7; 12]))
            .attribute(&Username(&format!("{ufrag}:")))
            .finish()
            .expect("room");
        let from = SocketAddr::from(([203, 0, 113, 1], port));
        assert_eq!(bench.hand(from, &out), Handled::Consumed);
        let mut answers = 0;
        while let Some((to, frame)) = bench.sent() {
            assert_eq!(to, from);
            assert!(2 * frame.len() <= 3 * out.len(), "{}", frame.len());
            answers += 1;
        }
        assert_eq!(answers, 1);
    }
}

#[test]
fn a_peer_gets_two_datagrams_for_each_request_and_seven_for_each_pair() {
    for pairs in [1, 20, 100] {
        let config = Config {
            max_pairs: pairs,
            ..controlled()
        };
        let mut bench = Bench::checking(config);
        let mut requests = 0;
        let (mut count, mut bytes, mut heard) = (0, 0, 0);
        // From 200 addresses that the peer says it has, a hundred requests a second for ten seconds.
        for round in 0..1000_u32 {
            let from = SocketAddr::from(([203, 0, 113, (round % 200) as u8], 9));
            let request = bench.request_numbered(LEADER, round);
            heard += request.len();
            let _ = bench.hand(from, &request);
            requests += 1;
            let end = bench.now + ms(10);
            let (some, long) = sent_until(&mut bench, end);
            count += some;
            bytes += long;
        }
        let end = bench.now + ms(60_000);
        let (some, long) = sent_until(&mut bench, end);
        count += some;
        bytes += long;
        assert!(count <= 2 * requests + 7 * pairs, "{pairs}: {count}");
        assert!(bytes <= 3 * heard + 7 * pairs * 150, "{pairs}: {bytes}");
        println!(
            "{pairs} pairs: {requests} requests, {heard} bytes; {count} datagrams, {bytes} bytes"
        );
    }
}

#[test]
fn candidates_of_a_peer_cost_seven_checks_each_at_the_pace() {
    let mut bench = Bench::checking(Config {
        max_remote_candidates: 1000,
        ..controlled()
    });
    let mut refused = 0;
    for port in 1..=2000 {
        let text = format!("1 1 udp 2130706431 203.0.113.5 {port} typ host");
        let added = bench
            .agent
            .add_remote_candidate(bench.now, text.parse().expect("sound"));
        refused += usize::from(added.is_err());
    }
    assert_eq!(refused, 1001);
    assert_eq!(bench.agent.pairs().len(), 100);
    let end = bench.now + ms(1000);
    let (first, _) = sent_until(&mut bench, end);
    // A new one each 50 ms, and one repetition of each from the first half second.
    assert!(first <= 35, "{first}");
    let end = bench.now + ms(60_000);
    let (rest, _) = sent_until(&mut bench, end);
    assert!(first + rest <= 700, "{}", first + rest);
}

#[test]
fn dtls_before_the_pair_is_valid_is_held_and_told() {
    let mut bench = Bench::checking(controlled());
    let hello = [22, 254, 253, 1];
    let media = [0x80, 0, 0, 1];
    // Nobody knows this address.
    assert_eq!(bench.hand(two(), &hello), Handled::NotMine);
    assert_eq!(bench.hand(one(), &media), Handled::Dropped);
    for round in 0..20_u8 {
        let held = bench.hand(one(), &[22, round]);
        let expected = match round {
            0..8 => Handled::Consumed,
            _ => Handled::Dropped,
        };
        assert_eq!(held, expected);
    }
    assert_eq!(bench.agent.stats().data_held, 8);
    let told = |bench: &mut Bench| {
        let mut told = Vec::new();
        while let Some(event) = bench.agent.poll_event() {
            if let Event::HeldData { from, data } = event {
                assert_eq!(from, one());
                told.push(data[1]);
            }
        }
        told
    };
    assert_eq!(told(&mut bench), []);
    bench.make_valid(one());
    assert_eq!(told(&mut bench), [0, 1, 2, 3, 4, 5, 6, 7]);
    let now = bench.hand(one(), &hello);
    assert!(matches!(now, Handled::Data { .. }));
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let mut bench = Bench::checking(controlled());
    for round in 0..2000_u32 {
        let request = bench.request_numbered(LEADER, round);
        let _ = bench.hand(one(), &request);
    }
    let mut waiting = 0;
    while bench.sent().is_some() {
        waiting += 1;
    }
    assert!(waiting <= 256, "{waiting}");
    assert!(bench.agent.stats().output_overflow > 0);
}
