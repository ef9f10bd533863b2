//! Whom a bridge believes to be its phone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

#[path = "support/bridged.rs"]
mod bridged;
#[path = "support/link.rs"]
#[allow(dead_code)] // the link only connects here
mod link;
#[path = "support/pair.rs"]
mod pair;

use std::net::SocketAddr;
use std::time::Duration;

use bridged::{Bridged, Source, Terms, at, phone};
use examples::bridge::{DropReason, PhoneMedia};

fn learning() -> Terms {
    Terms {
        learn: true,
        ..Terms::pcmu()
    }
}

/// Where the bridge sends its own: found out by what it answers, a report.
fn reports_go_to(call: &mut Bridged) -> SocketAddr {
    call.pass(Duration::from_secs(8));
    call.phone_reports.last().unwrap().1
}

#[test]
fn only_the_address_of_the_description_is_the_phones() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut source = Source::pcmu(5);
    for stranger in [at(3, 4002), at(3, 4001), at(66, 4000), at(1, 4000)] {
        assert_eq!(call.says_from(stranger, &source.packet(b"forged")), None);
    }
    assert!(call.phone_says(&source.packet(b"genuine")).is_some());
    let counts = call.stats().to_browser.counts;
    assert_eq!(counts.drops.of(DropReason::WrongSource), 4);
    assert_eq!((counts.received.packets, counts.learned), (1, 0));
}

#[test]
fn another_port_is_learned_once() {
    let mut call = Bridged::new(learning());
    let mut source = Source::pcmu(5);
    let behind_nat = at(3, 50_000);
    // Neither another host, nor what is no RTP of this call.
    assert_eq!(
        call.says_from(at(66, 4000), &source.packet(b"forged")),
        None
    );
    assert_eq!(call.says_from(at(3, 4444), b"garbage"), None);
    assert_eq!(
        call.says_from(at(3, 4444), &source.other(77, b"other")),
        None
    );
    assert!(
        call.says_from(behind_nat, &source.packet(b"genuine"))
            .is_some()
    );
    for late in [phone(), at(3, 50_002)] {
        assert_eq!(call.says_from(late, &source.packet(b"forged")), None);
    }
    assert!(
        call.says_from(behind_nat, &source.packet(b"genuine"))
            .is_some()
    );
    let counts = call.stats().to_browser.counts;
    assert_eq!((counts.learned, counts.received.packets), (1, 2));
    assert_eq!(counts.drops.of(DropReason::WrongSource), 4);
    assert_eq!(counts.drops.of(DropReason::Malformed), 1);
    // RTCP is learned by itself.
    let report = [0x80, 201, 0, 1, 0, 0, 0, 5];
    assert_eq!(reports_go_to(&mut call), at(3, 4001));
    call.bridge
        .handle_phone_rtcp(call.now, at(3, 50_001), &report);
    assert_eq!(reports_go_to(&mut call), at(3, 50_001));
}

#[test]
fn nothing_is_learned_once_the_phone_has_spoken() {
    let mut call = Bridged::new(learning());
    let mut source = Source::pcmu(5);
    assert!(call.phone_says(&source.packet(b"genuine")).is_some());
    assert_eq!(
        call.says_from(at(3, 50_000), &source.packet(b"forged")),
        None
    );
    assert_eq!(call.stats().to_browser.counts.learned, 0);
    // A new description lets it learn again.
    call.set_phone(call.media());
    assert!(
        call.says_from(at(3, 50_000), &source.packet(b"genuine"))
            .is_some()
    );
    assert_eq!(call.stats().to_browser.counts.learned, 1);
    let moved = PhoneMedia {
        remote: at(4, 6000),
        rtcp: at(4, 6001),
        ..call.media()
    };
    call.set_phone(moved);
    assert_eq!(
        call.says_from(at(3, 50_000), &source.packet(b"the old one")),
        None
    );
    assert!(
        call.says_from(at(4, 6002), &source.packet(b"the new one"))
            .is_some()
    );
}

#[test]
fn a_place_that_the_phone_has_left_is_not_learned() {
    let mut call = Bridged::new(learning());
    let mut relays = [5, 6, 7].map(Source::pcmu);
    assert!(call.phone_says(&relays[0].packet(b"first")).is_some());
    // Behind one relay, all that changes is the port.
    let places = [at(3, 5000), at(3, 6000)];
    for remote in places {
        let rtcp = at(3, remote.port() + 1);
        let moved = PhoneMedia {
            remote,
            rtcp,
            ..call.media()
        };
        call.set_phone(moved);
    }
    // What was under way meanwhile says nothing about the new place.
    for (relay, from) in relays.iter_mut().zip([phone(), places[0]]) {
        assert_eq!(call.says_from(from, &relay.packet(b"late")), None);
    }
    assert!(
        call.says_from(places[1], &relays[2].packet(b"new"))
            .is_some()
    );
    assert_eq!(call.stats().to_browser.counts.learned, 0);
}

#[test]
fn reports_of_strangers_are_dropped() {
    let mut call = Bridged::new(Terms::pcmu());
    let report = [0x80, 201, 0, 1, 0, 0, 0, 5];
    for stranger in [phone(), at(3, 4003), at(66, 4001)] {
        call.bridge.handle_phone_rtcp(call.now, stranger, &report);
    }
    let counts = call.stats().to_browser.counts;
    assert_eq!(
        (counts.drops.of(DropReason::WrongSource), counts.rtcp),
        (3, 0)
    );
    call.phone_reports(&report);
    call.phone_reports(b"garbage");
    let counts = call.stats().to_browser.counts;
    assert_eq!(
        (counts.drops.of(DropReason::Malformed), counts.rtcp),
        (1, 2)
    );
}
