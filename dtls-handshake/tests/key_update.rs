//! Keys of DTLS 1.3 that change while both sides are connected (RFC 9147 §8).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, configs_of};
use dtls_handshake::testing;
use dtls_handshake::{
    AlertDescription, CloseCause, Handled, KeyUpdateRequest, UpdateError, Version,
};
use virtual_network::{Dice, Weather};

fn connected(version: Version, weather: Weather, seed: u64) -> Link {
    let mut link = Link::new(configs_of(&[version]), seed, weather).introduced();
    link.settle();
    assert!(link.ends.iter().all(|end| end.connected.is_some()));
    link
}

fn calm() -> Link {
    let mut link = connected(Version::Dtls13, Weather::calm(Duration::from_millis(20)), 1);
    link.deliver();
    link
}

/// The low bits of the epoch that this side's next record is in.
fn epoch_bits(link: &mut Link, side: usize) -> u8 {
    let now = link.now();
    link.ends[side].connection.send(now, b"x").unwrap();
    let sent = link.ends[side].transmits();
    assert_eq!(sent.len(), 1);
    sent[0][0] & 3
}

#[test]
fn one_direction_changes_or_both() {
    for side in 0..2 {
        let mut link = calm();
        let exported = link.ends[0].exported();
        let update = |link: &mut Link, request| {
            let now = link.now();
            link.ends[side]
                .connection
                .update_keys(now, request)
                .unwrap();
            link.deliver();
            [0, 1].map(|side| epoch_bits(link, side))
        };
        let mut expected = [3, 3];
        for round in 1..=4 {
            let bits = update(&mut link, KeyUpdateRequest::NotRequested);
            expected[side] += 1;
            assert_eq!(bits, expected.map(|epoch| epoch & 3), "{round}");
            let bits = update(&mut link, KeyUpdateRequest::Requested);
            expected = expected.map(|epoch| epoch + 1);
            assert_eq!(bits, expected.map(|epoch| epoch & 3), "{round}");
            let now = link.now();
            for side in 0..2 {
                link.ends[side].connection.send(now, b"data").unwrap();
            }
            link.deliver();
            for end in &mut link.ends {
                assert_eq!(end.data(), [b"data"]);
                assert_eq!(end.connection.poll_timeout(), None);
            }
        }
        assert_eq!(link.ends[0].exported(), exported);
        assert_eq!(link.ends[1].exported(), exported);
    }
}

/// RFC 8446 §4.6.3: updates that cross are two of each side.
#[test]
fn requests_that_cross_are_both_answered() {
    let mut link = calm();
    let now = link.now();
    for end in &mut link.ends {
        let request = KeyUpdateRequest::Requested;
        end.connection.update_keys(now, request).unwrap();
    }
    link.deliver();
    assert_eq!([0, 1].map(|side| epoch_bits(&mut link, side)), [1, 1]);
}

/// RFC 9147 §8: the new keys are not used before the old ones are known to be known.
#[test]
fn until_it_is_acknowledged_the_old_keys_are_written_with() {
    let mut link = calm();
    let now = link.now();
    let request = KeyUpdateRequest::NotRequested;
    link.ends[0].connection.update_keys(now, request).unwrap();
    assert_eq!(link.ends[0].transmits().len(), 1, "and lost");
    assert_eq!(epoch_bits(&mut link, 0), 3);
    // Wanted once more: after the first has arrived.
    link.ends[0].connection.update_keys(now, request).unwrap();
    assert!(link.ends[0].transmits().is_empty());
    while link.ends[0].connection.poll_timeout().is_some() {
        link.step();
    }
    assert_eq!(link.ends[0].connection.stats().timeouts, 1);
    assert_eq!(epoch_bits(&mut link, 0), 5 & 3);
}

#[test]
fn a_peer_that_never_acknowledges_is_gone() {
    let mut link = calm();
    let (now, started) = (link.now(), link.now());
    let request = KeyUpdateRequest::NotRequested;
    link.mute(1);
    link.ends[0].connection.update_keys(now, request).unwrap();
    while link.ends[0].closed.is_none() {
        assert!(link.step());
        link.drain();
    }
    assert_eq!(link.ends[0].closed, Some(CloseCause::TimedOut));
    assert_eq!(link.now() - started, Duration::from_secs(30));
}

#[test]
fn dtls_1_2_has_none_and_neither_has_who_is_not_connected() {
    let request = KeyUpdateRequest::Requested;
    let weather = Weather::calm(Duration::from_millis(20));
    let mut link = connected(Version::Dtls12, weather, 1);
    let now = link.now();
    let update = |link: &mut Link| link.ends[0].connection.update_keys(now, request);
    assert_eq!(update(&mut link), Err(UpdateError::NotInThisVersion));
    let mut link = Link::new(configs_of(&[Version::Dtls13]), 1, weather);
    assert_eq!(update(&mut link), Err(UpdateError::NotConnected));
}

/// Both sides change keys and send data over links that lose, repeat and mix: nothing ends, and
/// what arrives is what was sent.
#[test]
fn keys_change_over_bad_links() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let weather = Weather {
            loss: dice.below(300) as f64 / 10.0,
            duplication: dice.below(30) as f64,
            delay: dice.time(Duration::from_millis(100)),
            jitter: dice.time(Duration::from_millis(200)),
            ..Weather::default()
        };
        let mut link = connected(Version::Dtls13, weather, seed);
        let mut heard = [0, 0];
        for _ in 0..60 {
            let now = link.now();
            let side = dice.below(2) as usize;
            if link.ends[side].closed.is_none() {
                let request = if dice.below(2) == 0 {
                    KeyUpdateRequest::Requested
                } else {
                    KeyUpdateRequest::NotRequested
                };
                let connection = &mut link.ends[side].connection;
                if dice.below(6) == 0 {
                    connection.update_keys(now, request).unwrap();
                }
                connection.send(now, b"data").unwrap();
            }
            for _ in 0..4 {
                link.step();
            }
            for (side, end) in link.ends.iter_mut().enumerate() {
                let data = end.data();
                assert!(data.iter().all(|item| item == b"data"));
                heard[side] += data.len();
            }
        }
        while link.step() {}
        assert_eq!(link.causes(), [None, None], "seed {seed}");
        assert!(heard[0] + heard[1] > 10, "seed {seed}: {heard:?}");
        for end in &link.ends {
            assert_eq!(end.connection.poll_timeout(), None);
        }
    }
}

/// RFC 9147 §4.5.3: keys that have protected almost what they may are changed without being asked.
#[test]
fn keys_change_before_they_are_worn() {
    let mut link = calm();
    let before = (1 << 23) - 2;
    testing::age_written(&mut link.ends[0].connection, before);
    testing::age_read(&mut link.ends[1].connection, before, 0);
    for bits in [3, 3] {
        assert_eq!(epoch_bits(&mut link, 0), bits);
        link.deliver();
    }
    // The next thing that is sent notices, and what comes after it has new keys.
    let now = link.now();
    link.ends[0].connection.send(now, b"data").unwrap();
    link.deliver();
    assert_eq!(link.ends[1].data(), [b"data"]);
    assert_eq!([0, 1].map(|side| epoch_bits(&mut link, side)), [0, 3]);
}

/// So are those that somebody has tried to forge with half of all attempts; with all of them the
/// connection is over.
#[test]
fn forgeries_change_keys_and_end_the_connection() {
    for (forged, ends) in [(1_u64 << 35, false), (1 << 36, true)] {
        let mut link = calm();
        testing::age_read(&mut link.ends[0].connection, 1, forged - 1);
        let now = link.now();
        let server = &mut link.ends[1];
        server.connection.send(now, b"data").unwrap();
        let mut datagram = server.transmits().remove(0);
        *datagram.last_mut().unwrap() ^= 1;
        let client = &mut link.ends[0].connection;
        assert_eq!(client.handle_datagram(now, &mut datagram), Handled::Dropped);
        link.deliver();
        if ends {
            assert_eq!(link.ends[0].closed, Some(CloseCause::TooManyForgeries));
            let told = CloseCause::PeerAlert(AlertDescription::BadRecordMac);
            assert_eq!(link.ends[1].closed, Some(told));
        } else {
            assert_eq!(link.causes(), [None, None]);
            assert_eq!([0, 1].map(|side| epoch_bits(&mut link, side)), [0, 0]);
        }
    }
}
