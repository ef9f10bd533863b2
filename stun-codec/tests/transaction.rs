//! Client transactions in virtual time, against the responder, over a link that loses packets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly
#![cfg(feature = "std")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use stun_codec::attribute::XorMappedAddress;
use stun_codec::transaction::{Outcome, Timing, Transaction};
use stun_codec::{
    Builder, Class, Message, Method, Path, SocketId, TransactionId, Transport, respond,
};

#[allow(clippy::disallowed_methods)] // an origin for virtual time
fn origin() -> Instant {
    Instant::now()
}

const ID: TransactionId = TransactionId([5; 12]);

fn path() -> Path {
    Path {
        id: SocketId(1),
        local: "192.0.2.1:4000".parse().unwrap(),
        remote: "198.51.100.1:3478".parse().unwrap(),
        transport: Transport::Udp,
    }
}

fn start(now: Instant, timing: Timing) -> Transaction {
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, ID)
        .fingerprint()
        .unwrap();
    Transaction::new(now, path(), out.freeze(), timing).unwrap()
}

fn response(class: Class, method: Method, id: TransactionId) -> BytesMut {
    let mut out = BytesMut::new();
    Builder::new(&mut out, class, method, id).finish().unwrap();
    out
}

/// Runs to the end without an answer: when each request went out, and the outcome.
fn unanswered(timing: Timing) -> (Vec<u128>, Duration, Outcome) {
    let origin = origin();
    let mut transaction = start(origin, timing);
    let mut now = origin;
    let mut sent = Vec::new();
    loop {
        let mut out = BytesMut::new();
        if let Some(transmit) = transaction.poll_transmit(&mut out) {
            assert_eq!(transmit.range, 0..28);
            assert_eq!(transmit.path, path());
            assert_eq!(Message::parse(&out).unwrap().transaction_id(), ID);
            sent.push((now - origin).as_millis());
        }
        assert_eq!(transaction.poll_transmit(&mut out), None);
        if let Some(outcome) = transaction.poll_event() {
            assert_eq!(transaction.poll_timeout(), None);
            assert_eq!(transaction.poll_event(), None);
            return (sent, now - origin, outcome);
        }
        let deadline = transaction.poll_timeout().expect("not ended");
        assert!(deadline > now);
        // Early calls change nothing.
        transaction.handle_timeout(deadline - Duration::from_nanos(1));
        assert_eq!(transaction.poll_timeout(), Some(deadline));
        now = deadline;
        transaction.handle_timeout(now);
    }
}

#[test]
fn the_schedule_of_the_standard() {
    // RFC 8489 §6.2.1: "0 ms, 500 ms, 1500 ms, 3500 ms, 7500 ms, 15500 ms, and 31500 ms", then
    // given up at 39500 ms.
    let (sent, end, outcome) = unanswered(Timing::default());
    assert_eq!(sent, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(end.as_millis(), 39_500);
    assert_eq!(
        outcome,
        Outcome::TimedOut {
            requests: 7,
            waited: Duration::from_millis(39_500)
        }
    );
    assert_eq!(outcome.to_string(), "no answer to 7 requests in 39500 ms");
}

#[test]
fn streams_send_once() {
    let (sent, end, _) = unanswered(Timing::stream());
    assert_eq!((sent, end.as_millis()), (vec![0], 39_500));
}

#[test]
fn absurd_settings_end_all_the_same() {
    let mut timing = Timing::datagrams(Duration::MAX);
    timing.requests = 0;
    timing.final_wait = u32::MAX;
    let (sent, _, outcome) = unanswered(timing);
    assert_eq!(sent, [0]);
    assert!(matches!(outcome, Outcome::TimedOut { requests: 1, .. }));
    timing.requests = 40;
    timing.rto = Duration::from_millis(1);
    let (sent, _, _) = unanswered(timing);
    assert_eq!(sent.len(), 40);
}

#[test]
fn a_late_caller_sends_once_and_goes_on() {
    let now = origin();
    let mut transaction = start(now, Timing::default());
    let mut out = BytesMut::new();
    // The first request was never fetched: the next one takes its place.
    let late = now + Duration::from_secs(3);
    transaction.handle_timeout(late);
    assert!(transaction.poll_transmit(&mut out).is_some());
    assert!(transaction.poll_transmit(&mut out).is_none());
    assert!(transaction.poll_timeout().unwrap() > late);
}

#[test]
fn only_the_response_ends_it() {
    let now = origin();
    let mut transaction = start(now, Timing::default());
    let later = now + Duration::from_millis(30);
    let other_id = TransactionId([6; 12]);
    for wrong in [
        response(Class::Request, Method::BINDING, ID),
        response(Class::Indication, Method::BINDING, ID),
        response(Class::Success, Method::ALLOCATE, ID),
        response(Class::Success, Method::BINDING, other_id),
    ] {
        let message = Message::parse(&wrong).unwrap();
        assert!(!transaction.handle_response(later, &path(), &message));
    }
    let right = response(Class::Error, Method::BINDING, ID);
    let message = Message::parse(&right).unwrap();
    let mut elsewhere = path();
    elsewhere.remote = "203.0.113.1:3478".parse().unwrap();
    assert!(!transaction.handle_response(later, &elsewhere, &message));
    assert_eq!(transaction.poll_event(), None);

    assert!(transaction.handle_response(later, &path(), &message));
    assert!(
        !transaction.handle_response(later, &path(), &message),
        "a duplicate"
    );
    assert_eq!(transaction.poll_transmit(&mut BytesMut::new()), None);
    assert_eq!(transaction.poll_timeout(), None);
    assert_eq!(
        transaction.poll_event(),
        Some(Outcome::Answered {
            round_trip: Some(Duration::from_millis(30))
        })
    );
    assert_eq!(transaction.poll_event(), None);
}

/// Small repeatable randomness for the link.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// A client and the responder; each packet is lost one time in three, delayed up to 400 ms, and
/// doubled one time in five.
fn exchange(seed: u64) -> Outcome {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mapped: SocketAddr = "203.0.113.9:61000".parse().unwrap();
    let origin = origin();
    let mut now = origin;
    let mut transaction = start(now, Timing::default());
    let mut in_flight: Vec<(Instant, Vec<u8>)> = Vec::new();
    loop {
        let mut out = BytesMut::new();
        while let Some(transmit) = transaction.poll_transmit(&mut out) {
            let request = Message::parse(&out[transmit.range]).unwrap();
            let mut answer = BytesMut::new();
            respond(&request, mapped, &mut answer).expect("a Binding request");
            for _ in 0..if dice.roll(5) == 0 { 2 } else { 1 } {
                // Lost on the way there or on the way back.
                if dice.roll(3) > 0 && dice.roll(3) > 0 {
                    let delay = Duration::from_millis(1 + dice.roll(400));
                    in_flight.push((now + delay, answer.to_vec()));
                }
            }
        }
        if let Some(outcome) = transaction.poll_event() {
            assert!(now - origin <= Duration::from_millis(39_500));
            return outcome;
        }
        let deadline = transaction.poll_timeout().expect("not ended");
        in_flight.sort();
        if in_flight.first().is_some_and(|(at, _)| *at < deadline) {
            let (at, wire) = in_flight.remove(0);
            now = at;
            let message = Message::parse(&wire).unwrap();
            assert_eq!(message.attribute(), Ok(Some(XorMappedAddress(mapped))));
            transaction.handle_response(now, &path(), &message);
        } else {
            now = deadline;
            transaction.handle_timeout(now);
        }
    }
}

#[test]
fn most_are_answered_over_a_bad_link_and_all_end() {
    let mut answered = 0;
    for seed in 0..1000 {
        match exchange(seed) {
            Outcome::Answered { round_trip } => {
                assert!(round_trip.is_none_or(|time| time <= Duration::from_millis(400)));
                answered += 1;
            }
            outcome => assert!(matches!(outcome, Outcome::TimedOut { requests: 7, .. })),
        }
    }
    println!("{answered} of 1000 answered");
    // Each of seven requests is answered with a chance of 4/9 or a little more: 8 to 16 fail.
    assert!((960..1000).contains(&answered), "{answered}");
}
