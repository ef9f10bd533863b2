//! From the first request to the release, in virtual time, with a server that keeps the rules.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests

mod net;

use net::server::Rules;
use net::{OTHER, PEER, World, addr, config, ip, ms, quiet, secs};
use stun_codec::Method;
use turn_relay::client::{Cause, Config, Event, Families, SendError};
use turn_relay::{Family, OpenError, Port};

fn world() -> World {
    World::new(1, quiet(), config())
}

fn with(rules: Rules) -> World {
    let mut world = world();
    world.servers[0].rules = rules;
    world
}

#[test]
fn data_goes_by_indication_and_then_by_channel() {
    let mut world = world();
    assert_eq!(
        world.send(b"early", addr(PEER)),
        Err(SendError::NotAllocated)
    );
    let allocated = world.allocate();
    assert_eq!(allocated.relayed, addr("192.0.2.1:50000"));
    assert_eq!(allocated.mapped, addr("10.0.0.1:5001"));
    assert_eq!(allocated.lifetime, secs(600));
    assert_eq!(
        world.send(b"early", addr(PEER)),
        Err(SendError::NotPermitted(ip(PEER)))
    );

    let now = world.now();
    world.client.permit(now, ip(PEER)).unwrap();
    assert!(world.run(secs(1), |world| world.has(&Event::Permitted(ip(PEER)))));
    let sent = world.send(b"hello", addr(PEER)).unwrap();
    assert_eq!(sent.range.len(), 20 + 12 + 4 + 8, "a Send indication");
    assert!(world.run(secs(1), |world| !world.data.is_empty()));

    let now = world.now();
    world.client.bind_channel(now, addr(PEER)).unwrap();
    assert!(world.run(secs(1), |world| world.has(&Event::ChannelBound(addr(PEER)))));
    let sent = world.send(b"hello", addr(PEER)).unwrap();
    assert_eq!(sent.range.len(), 4 + 5, "ChannelData");
    assert!(world.run(secs(1), |world| world.data.len() == 2));
    assert_eq!(world.data, vec![(addr(PEER), b"hello".to_vec()); 2]);

    let now = world.now();
    world.client.release(now);
    assert_eq!(world.end(), Cause::Released);
    assert!(world.servers[0].allocations.is_empty());
}

#[test]
fn what_is_wanted_before_the_allocation_is_asked_for_with_it() {
    let mut world = world();
    let now = world.now();
    world.client.bind_channel(now, addr(PEER)).unwrap();
    assert!(world.run(secs(1), |world| world.has(&Event::ChannelBound(addr(PEER)))));
    world.say(b"hello", addr(PEER));
    assert!(world.run(secs(1), |world| !world.data.is_empty()));
}

#[test]
fn everything_is_kept_for_a_day() {
    let mut world = world();
    let now = world.now();
    world.client.bind_channel(now, addr(PEER)).unwrap();
    world.allocate();
    for hour in 0..24 {
        assert!(!world.run(secs(3600), |_| false), "{hour}");
        world.say(b"still here", addr(PEER));
        assert!(world.run(secs(1), |world| !world.data.is_empty()), "{hour}");
        world.data.clear();
    }
    // The nonce lasts an hour: each request that meets a stale one is sent again.
    assert!(world.client.stats().stale_nonces >= 23);
    let count = |method| {
        world.servers[0]
            .requests
            .iter()
            .filter(|one| **one == (method, true))
            .count()
    };
    assert!((172..=200).contains(&count(Method::REFRESH)), "every 500 s");
    assert!(
        (180..=220).contains(&count(Method::CHANNEL_BIND)),
        "every 8 min"
    );
    assert!(
        (175..=220).contains(&count(Method::CREATE_PERMISSION)),
        "every 4 min, or with the channel"
    );
    // Told once each.
    assert_eq!(world.events.len(), 4, "{:?}", world.events);
}

#[test]
fn a_wrong_password_is_told_so() {
    let config = config().with_credentials("alice", "wrong");
    let mut world = World::new(1, quiet(), config);
    let realm = "example.org".into();
    assert_eq!(world.end(), Cause::WrongPassword { realm });
    assert_eq!(world.servers[0].requests.len(), 2, "tried once with it");
}

#[test]
fn a_server_that_asks_for_credentials_that_there_are_none_of() {
    let mut world = World::new(1, quiet(), Config::udp(addr(net::SERVER)));
    assert_eq!(world.end(), Cause::CredentialsWanted);
}

#[test]
fn a_changed_realm_is_followed_where_the_password_holds() {
    let mut world = world();
    world.allocate();
    world.servers[0].rules.realm = "example.net".into();
    let now = world.now();
    world.servers[0].forget_nonce(now);
    world.client.permit(now, ip(PEER)).unwrap();
    assert!(world.run(secs(5), |world| world.has(&Event::Permitted(ip(PEER)))));
}

#[test]
fn a_changed_realm_with_another_password_ends_it() {
    let mut world = world();
    world.allocate();
    let now = world.now();
    let server = &mut world.servers[0];
    server.rules.realm = "example.net".into();
    server.rules.password = "another".into();
    server.forget_nonce(now);
    let (expected, found) = ("example.org".into(), "example.net".into());
    assert_eq!(world.end(), Cause::RealmMismatch { expected, found });
}

#[test]
fn nonces_that_are_all_stale_end_it() {
    let mut world = with(Rules {
        nonce_life: ms(1),
        ..Rules::default()
    });
    assert_eq!(world.end(), Cause::StaleNonceLoop);
    assert!(world.servers[0].requests.len() < 8);
}

#[test]
fn a_silent_server_is_given_up_in_bounded_time() {
    let mut world = with(Rules {
        dead: true,
        ..Rules::default()
    });
    let start = world.now();
    let Cause::TimedOut {
        requests,
        waited,
        unproved,
    } = world.end()
    else {
        panic!("timed out");
    };
    assert_eq!((requests, waited, unproved), (7, ms(39_500), None));
    assert_eq!(world.now() - start, ms(39_500));
}

#[test]
fn a_server_that_falls_silent_is_given_up_when_the_allocation_is_over() {
    let mut world = world();
    world.allocate();
    let start = world.now();
    world.servers[0].rules.dead = true;
    assert_eq!(world.end(), Cause::Expired);
    assert_eq!((world.now() - start).as_secs(), 600);
}

#[test]
fn a_server_that_was_silent_for_a_minute_is_forgiven() {
    let mut world = world();
    world.allocate();
    world.run(secs(490), |_| false);
    world.servers[0].rules.dead = true;
    world.run(secs(60), |_| false);
    world.servers[0].rules.dead = false;
    world.run(secs(1200), |_| false);
    assert_eq!(world.ended(), None);
    assert_eq!(world.servers[0].allocations.len(), 1);
}

#[test]
fn refusals_are_causes() {
    let cause = |code| {
        with(Rules {
            refuse: Some((Method::ALLOCATE, code)),
            ..Rules::default()
        })
        .end()
    };
    let refused = |code| Cause::Refused {
        code,
        reason: "by rule".into(),
    };
    assert_eq!(cause(486), Cause::Quota);
    for code in [400, 403, 440, 441, 442, 500, 508] {
        assert_eq!(cause(code), refused(code));
    }
    // Another port is tried a few times.
    let mut world = with(Rules {
        refuse: Some((Method::ALLOCATE, 437)),
        ..Rules::default()
    });
    assert_eq!(world.end(), Cause::AllocationMismatch);
    assert_eq!(world.opened, 4);
}

#[test]
fn an_allocation_of_an_earlier_life_is_passed_by() {
    let mut world = world();
    // Somebody else had this port.
    let mut other = World::new(2, quiet(), config());
    other.allocate();
    world.servers[0].allocations = other.servers[0].allocations.clone();
    let allocated = world.allocate();
    assert_eq!(allocated.mapped, addr("10.0.0.1:5002"));
    assert_eq!(world.sockets.len(), 1, "the first one was closed");
}

#[test]
fn a_refresh_that_meets_no_allocation_ends_it() {
    let mut world = world();
    world.allocate();
    world.servers[0].allocations.clear();
    assert_eq!(world.end(), Cause::AllocationMismatch);
}

#[test]
fn a_redirection_is_followed_and_a_circle_is_not() {
    let mut world = with(Rules {
        redirect: Some(addr(OTHER)),
        ..Rules::default()
    });
    assert_eq!(world.allocate().relayed, addr("192.0.2.2:50000"));
    assert!(
        world
            .events
            .iter()
            .any(|event| matches!(event, Event::Redirected(to) if to.server == addr(OTHER)))
    );

    let mut world = with(Rules {
        redirect: Some(addr(OTHER)),
        ..Rules::default()
    });
    world.servers[1].rules.redirect = Some(addr(net::SERVER));
    assert_eq!(world.end(), Cause::RedirectLoop(addr(net::SERVER)));
}

#[test]
fn a_peer_that_is_forbidden_is_told_and_the_rest_lives() {
    let mut world = with(Rules {
        refuse: Some((Method::CREATE_PERMISSION, 403)),
        ..Rules::default()
    });
    world.allocate();
    let now = world.now();
    world.client.permit(now, ip(PEER)).unwrap();
    let cause = Cause::Refused {
        code: 403,
        reason: "by rule".into(),
    };
    let refused = Event::PermissionRefused {
        peer: ip(PEER),
        cause,
    };
    assert!(world.run(secs(1), |world| world.has(&refused)));
    assert_eq!(world.ended(), None);
    // Asked for again it is asked for again.
    world.servers[0].rules.refuse = None;
    let now = world.now();
    world.client.permit(now, ip(PEER)).unwrap();
    assert!(world.run(secs(1), |world| world.has(&Event::Permitted(ip(PEER)))));
}

#[test]
fn both_families_or_the_reason_why_not() {
    let both = || World::new(1, quiet(), config().with_families(Families::Both));
    let mut world = both();
    assert_eq!(
        world.allocate().additional,
        Some(addr("[2001:db8::1]:50000"))
    );
    let now = world.now();
    world
        .client
        .permit(now, "2001:db8::7".parse().unwrap())
        .unwrap();

    let mut world = both();
    world.servers[0].rules.has_v6 = false;
    let allocated = world.allocate();
    let missing = allocated.missing.unwrap();
    assert_eq!(
        (allocated.additional, missing.family, missing.code),
        (None, Family::V6, 440)
    );
    let now = world.now();
    let v6 = world.client.permit(now, "2001:db8::7".parse().unwrap());
    assert!(v6.is_err());
}

#[test]
fn even_port_dont_fragment_and_ticket() {
    let config = config()
        .with_port(Port::Pair)
        .with_dont_fragment()
        .with_mobility();
    let mut world = World::new(1, quiet(), config.clone());
    let allocated = world.allocate();
    assert_eq!(allocated.reservation, Some(*b"tokentok"));
    assert!(allocated.dont_fragment && allocated.mobile);

    // A server that knows neither of them is used without.
    let mut world = World::new(1, quiet(), config);
    world.servers[0].rules.knows_dont_fragment = false;
    world.servers[0].rules.mobility = false;
    // An allocation that was refused after it was made stays: the next port is taken.
    let allocated = world.allocate();
    assert!(!allocated.dont_fragment && !allocated.mobile);
}

#[test]
fn an_allocation_moves() {
    let mut world = World::new(1, quiet(), config().with_mobility());
    let now = world.now();
    world.client.bind_channel(now, addr(PEER)).unwrap();
    world.allocate();
    world.run(secs(1), |_| false);
    world.client.move_to(None).unwrap();
    let local = addr("10.0.0.1:5002");
    assert!(world.run(secs(1), |world| world.has(&Event::Moved { local })));
    world.say(b"from elsewhere", addr(PEER));
    assert!(world.run(secs(1), |world| !world.data.is_empty()));
    assert_eq!(world.sockets.values().copied().collect::<Vec<_>>(), [local]);

    // A socket that is lost is replaced by itself.
    let id = *world.sockets.keys().next().unwrap();
    world.sockets.clear();
    let now = world.now();
    world.client.handle_closed(now, id);
    let local = addr("10.0.0.1:5003");
    assert!(world.run(secs(1), |world| world.has(&Event::Moved { local })));
    world.run(secs(3600), |_| false);
    assert_eq!(world.ended(), None);
    let now = world.now();
    world.client.release(now);
    assert_eq!(world.end(), Cause::Released);
}

#[test]
fn a_lost_socket_without_a_ticket_is_the_end() {
    let mut world = world();
    world.allocate();
    let id = *world.sockets.keys().next().unwrap();
    world.sockets.clear();
    let now = world.now();
    world.client.handle_closed(now, id);
    assert_eq!(world.end(), Cause::ConnectionLost);
}

#[test]
fn a_socket_that_cannot_be_opened() {
    let mut world = world();
    world.open_fails = Some(OpenError::NoPort);
    world.run(secs(1), |_| false);
    assert!(
        matches!(
            world.ended(),
            Some(Cause::Unreachable {
                error: OpenError::NoPort,
                ..
            })
        ),
        "{:?}",
        world.events
    );
}

#[test]
fn a_release_at_any_moment_leaves_nothing() {
    for millis in 0..200 {
        let mut world = World::new(millis, quiet(), config());
        world.run(ms(millis), |_| false);
        let now = world.now();
        world.client.release(now);
        assert_eq!(world.end(), Cause::Released, "{millis}");
        assert!(world.servers[0].allocations.is_empty(), "{millis}");
    }
}
