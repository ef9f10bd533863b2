//! What each request of the peer does.

mod bench;
mod net;

use std::net::SocketAddr;

use bench::{Ask, Bench, LEADER, NOMINATION, PASSWORD, one, two};
use bytes::BytesMut;
use ice_agent::{Config, Credentials, Handled, Path, Received, SocketId, State, Transport};
use net::{addr, controlled, controlling};
use stun_codec::attribute::{Priority, Username};
use stun_codec::{AttributeType, Builder, Class, IntegrityKey, Message, Method, RawAttribute};

#[test]
fn requests_without_proof_are_refused() {
    let mut bench = Bench::checking(controlled());
    let (id, username) = (bench.id(), bench.username());
    let mut out = BytesMut::new();
    let named = Builder::request(&mut out, Method::BINDING, id).attribute(&Username(&username));
    named.fingerprint().expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 400);

    out.clear();
    let named = Builder::request(&mut out, Method::BINDING, id).attribute(&Username(&username));
    named
        .integrity(&IntegrityKey::short_term("wrong"))
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 401);

    // Without a name it is ours on the way of a pair, and nobody's elsewhere.
    out.clear();
    Builder::request(&mut out, Method::BINDING, id)
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    assert_eq!(bench.answer(one()), 400);
    assert_eq!(bench.hand(two(), &out), Handled::NotMine);
    let stats = bench.agent.stats();
    assert_eq!((stats.bad_request, stats.bad_request_integrity), (2, 1));
    assert_eq!(stats.requests_received, 0);
}

#[test]
fn what_is_for_others_is_left_alone() {
    let mut bench = Bench::checking(controlled());
    let mut other = Bench::new(Config {
        ufrag_prefix: "other".into(),
        ..controlled()
    });
    let request = other.request(LEADER);
    assert_eq!(bench.hand(one(), &request), Handled::NotMine);
    let request = bench.request(LEADER);
    let elsewhere = [
        Path {
            id: SocketId(8),
            ..Bench::path(one())
        },
        Path {
            local: addr("192.0.2.1:5001"),
            ..Bench::path(one())
        },
        Path {
            transport: Transport::Tcp,
            ..Bench::path(one())
        },
    ];
    for path in elsewhere {
        let rx = Received {
            path,
            data: &mut request.clone(),
        };
        assert_eq!(bench.agent.handle_datagram(bench.now, rx), Handled::NotMine);
    }
    assert_eq!(bench.hand(two(), b"\x80data"), Handled::NotMine);
    assert_eq!(bench.hand(one(), b"\x80data"), Handled::Dropped);
    assert_eq!(bench.agent.stats().data_before_valid, 1);
    let grant = other.grant(&request, PASSWORD);
    assert_eq!(bench.hand(one(), &grant), Handled::Dropped);
    assert_eq!(bench.hand(two(), &grant), Handled::NotMine);
    let mut broken = request;
    *broken.last_mut().expect("long") ^= 1;
    assert_eq!(bench.hand(one(), &broken), Handled::Dropped);
    assert_eq!(bench.hand(two(), &broken), Handled::NotMine);
    assert_eq!(bench.agent.stats().malformed, 1);
}

#[test]
fn unknown_attributes_are_named() {
    let mut bench = Bench::checking(controlled());
    let (id, username, key) = (bench.id(), bench.username(), bench.key());
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, id)
        .attribute(&Username(&username))
        .attribute(&RawAttribute {
            attribute_type: AttributeType(0x7abc),
            value: b"x",
        })
        .attribute(&RawAttribute {
            attribute_type: AttributeType(0xfabc),
            value: b"x",
        })
        .integrity(&key)
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    while let Some((_, data)) = bench.sent() {
        let message = Message::parse(&data).expect("sound");
        if message.class() == Class::Error {
            let list: Option<stun_codec::attribute::UnknownAttributes<'_>> =
                message.attribute().expect("sound");
            let list: Vec<_> = list.expect("named").iter().collect();
            assert_eq!(list, [AttributeType(0x7abc)]);
            return;
        }
    }
    panic!("no answer");
}

#[test]
fn role_conflicts_in_requests_follow_the_tie_breaker() {
    // Our tie-breaker is neither 0 nor the greatest.
    for (config, tie_breaker, keeps) in [
        (controlling(), 0, true),
        (controlling(), u64::MAX, false),
        (controlled(), 0, false),
        (controlled(), u64::MAX, true),
    ] {
        let role = config.role;
        let mut bench = Bench::checking(config);
        let request = bench.request(Ask {
            role,
            tie_breaker,
            nominate: false,
        });
        assert_eq!(bench.hand(one(), &request), Handled::Consumed);
        assert_eq!(bench.answer(one()), if keeps { 487 } else { 0 });
        assert_eq!(bench.agent.role() == role, keeps);
    }
}

#[test]
fn a_request_triggers_a_check_back() {
    let mut bench = Bench::checking(controlled());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(bench.answer(two()), 0);
    assert_eq!(bench.next_check().0, two());
}

#[test]
fn early_requests_are_bounded() {
    let mut bench = Bench::new(controlled());
    for port in 1..=100 {
        let request = bench.request(LEADER);
        let _ = bench.hand(SocketAddr::new(two().ip(), port), &request);
    }
    assert_eq!(bench.agent.stats().over_bound, 84);
    let credentials = Credentials::new("peer", PASSWORD).expect("valid");
    bench
        .agent
        .set_remote_credentials(bench.now, credentials)
        .expect("first");
    assert_eq!(bench.agent.pairs().len(), 16);
}

#[test]
fn undrained_output_is_bounded() {
    let mut bench = Bench::checking(controlled());
    for _ in 0..2 {
        for _ in 0..250 {
            let request = bench.request(LEADER);
            bench.serial = bench.serial.wrapping_rem(200);
            let _ = bench.hand(one(), &request);
        }
    }
    assert!(bench.agent.stats().output_overflow > 200);
    let waiting = std::iter::from_fn(|| bench.sent()).count();
    assert!(waiting <= 256);
}

#[test]
fn answers_are_protected_as_their_requests_are() {
    let mut bench = Bench::checking(controlled());
    let (id, username, key) = (bench.id(), bench.username(), bench.key());
    let mut out = BytesMut::new();
    Builder::request(&mut out, Method::BINDING, id)
        .attribute(&Username(&username))
        .attribute(&Priority(7))
        .integrity_sha256(&key)
        .fingerprint()
        .expect("fits");
    assert_eq!(bench.hand(one(), &out), Handled::Consumed);
    let answers = std::iter::from_fn(|| bench.sent()).filter(|(_, data)| {
        let message = Message::parse(data).expect("sound");
        message.contains(AttributeType::MESSAGE_INTEGRITY_SHA256)
            && message.class() == Class::Success
    });
    assert_eq!(answers.count(), 1);
}

#[test]
fn a_signalled_priority_replaces_that_of_the_request() {
    let mut bench = Bench::checking(controlled());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(two(), &request), Handled::Consumed);
    assert_eq!(bench.agent.pairs()[0].remote.socket_addr(), Some(one()));
    let signalled = "9 1 udp 2147483647 198.51.100.2 6000 typ host"
        .parse()
        .expect("two");
    bench
        .agent
        .add_remote_candidate(bench.now, signalled)
        .expect("two");
    assert_eq!(bench.agent.pairs()[0].remote.socket_addr(), Some(two()));
}

#[test]
fn what_waits_is_not_sent_after_close() {
    let mut bench = Bench::checking(controlled());
    let request = bench.request(LEADER);
    assert_eq!(bench.hand(one(), &request), Handled::Consumed);
    bench.agent.close(bench.now);
    assert!(bench.sent().is_none());
    assert_eq!(bench.hand(one(), &request), Handled::NotMine);
}

#[test]
fn an_early_nomination_is_followed_once_the_credentials_are_known() {
    let mut bench = Bench::new(controlled());
    for ask in [LEADER, NOMINATION] {
        let request = bench.request(ask);
        assert_eq!(bench.hand(two(), &request), Handled::Consumed);
        assert_eq!(bench.answer(two()), 0);
    }
    let credentials = Credentials::new("peer", PASSWORD).expect("valid");
    bench
        .agent
        .set_remote_credentials(bench.now, credentials)
        .expect("first");
    bench.make_valid(two());
    assert_eq!(bench.agent.state(), State::Completed);
}

#[test]
fn a_priority_out_of_range_teaches_nothing() {
    let mut bench = Bench::checking(controlled());
    for priority in [0, 0x8000_0000] {
        let (id, username, key) = (bench.id(), bench.username(), bench.key());
        let mut out = BytesMut::new();
        let request = Builder::request(&mut out, Method::BINDING, id)
            .attribute(&Username(&username))
            .attribute(&Priority(priority));
        request.integrity(&key).fingerprint().expect("fits");
        assert_eq!(bench.hand(two(), &out), Handled::Consumed);
    }
    assert_eq!(bench.agent.pairs().len(), 1);
    assert_eq!(bench.agent.stats().bad_request, 2);
}
