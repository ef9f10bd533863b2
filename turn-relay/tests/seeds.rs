//! A thousand bad networks between our client and our server: what is wanted comes about or is refused
//! with a cause, in bounded time, and in the end neither has anything left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

mod town;

use std::time::Duration;

use town::site::{self, PEER, PEER_V6, addr, config, secs};
use town::{Town, alice};
use turn_relay::client::{Cause, Event, Families};
use turn_relay::server::{EndCause, Event as Told, Quota};
use virtual_network::{Dice, Weather};

const SEEDS: u64 = 1000;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Nothing is corrupted: UDP has a checksum.
fn storm(dice: &mut Dice) -> Weather {
    Weather {
        loss: dice.below(40) as f64,
        duplication: dice.below(20) as f64,
        delay: ms(dice.below(200)),
        jitter: ms(dice.below(300)),
        ..Weather::default()
    }
}

/// Says hello until somebody answers, or nobody is there any more.
fn echoed(town: &mut Town, peer: &str) -> bool {
    for _ in 0..50 {
        town.clients[0].data.clear();
        town.say(0, b"hello", addr(peer));
        if town.run(ms(700), |town| !town.clients[0].data.is_empty()) {
            return town.clients[0].data[0] == (addr(peer), b"hello".to_vec());
        }
        // A cause was told, for all of it or for this peer.
        let is_refused = |event: &Event| {
            matches!(
                event,
                Event::Ended(_) | Event::PermissionRefused { .. } | Event::ChannelRefused { .. }
            )
        };
        if town.clients[0].events.iter().any(is_refused) {
            return true;
        }
    }
    false
}

#[test]
fn whatever_the_weather_data_flows_or_the_cause_is_told() {
    let (mut bound, mut moved, mut ended) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let quota = Quota::new(10);
        let usual = secs(30 + dice.below(600));
        let config = config()
            .with_quota(quota.clone())
            .with_lifetimes(usual, secs(3600))
            .with_nonce_lifetime(secs(20 + dice.below(600)));
        let mut town = Town::new(seed, storm(&mut dice), config);
        let is_dual = dice.chance(30.0);
        let families = if is_dual {
            Families::Both
        } else {
            Families::Any
        };
        town.add(alice().with_mobility().with_families(families));
        let peer = if is_dual { PEER_V6 } else { PEER };
        let now = town.now();
        town.clients[0]
            .allocation
            .bind_channel(now, addr(peer))
            .unwrap();
        let told = Event::ChannelBound(addr(peer));
        town.run(secs(240), |town| {
            town.clients[0].has(&told) || town.clients[0].ended().is_some()
        });
        if town.clients[0].has(&told) {
            bound += 1;
            assert!(
                echoed(&mut town, peer),
                "{seed}: {:?}",
                town.clients[0].events
            );
            let ends = |town: &Town| town.clients[0].ended().is_some();
            town.run(dice.time(secs(900)), ends);
            if dice.chance(40.0) && town.clients[0].ended().is_none() {
                let _ = town.clients[0].allocation.move_to(None);
                let is_moved = |event: &Event| matches!(event, Event::Moved { .. });
                if town.run(secs(60), |town| town.clients[0].events.iter().any(is_moved)) {
                    moved += 1;
                }
            }
            town.run(dice.time(secs(1800)), ends);
            assert!(
                echoed(&mut town, peer),
                "{seed}: {:?}",
                town.clients[0].events
            );
        }
        if let Some(cause) = town.clients[0].ended() {
            ended += 1;
            let known = matches!(
                cause,
                Cause::TimedOut { .. } | Cause::Expired | Cause::AllocationMismatch
            );
            assert!(known, "{seed}: {cause}");
        } else if dice.chance(50.0) {
            let now = town.now();
            if dice.chance(50.0) {
                town.clients[0].allocation.release(now);
            } else {
                town.site.relay.revoke(now, "alice");
            }
        } else {
            // Nobody hears anything of the client again.
            town.network.block(|_| true);
        }
        town.run(secs(8000), |_| false);
        assert!(town.clients[0].ended().is_some(), "{seed}");
        assert!(town.clients[0].sockets.is_empty(), "{seed}");
        assert_eq!(town.site.relay.allocations(), 0, "{seed}");
        assert!(town.site.bound.is_empty(), "{seed}");
        assert_eq!(quota.count(), 0, "{seed}");
        assert_eq!(town.site.relay.poll_timeout(), None, "{seed}");
        let stats = town.site.relay.stats();
        assert_eq!(stats.allocations, stats.ended, "{seed}");
        assert_eq!(stats.event_overflow + stats.answer_overflow, 0, "{seed}");
    }
    // With up to 40 % of loss each way most live, and some do not.
    assert!(bound > SEEDS * 90 / 100, "{bound}");
    assert!(moved > SEEDS * 20 / 100, "{moved}");
    assert!(ended < SEEDS * 30 / 100, "{ended}");
}

#[test]
fn an_outage_of_a_minute_is_survived() {
    for seed in 0..50 {
        let mut town = Town::new(seed, Weather::calm(ms(25)), config());
        town.add(alice());
        let now = town.now();
        town.clients[0]
            .allocation
            .bind_channel(now, addr(PEER))
            .unwrap();
        let is_there = |town: &Town| town.clients[0].allocated().is_some();
        assert!(town.run(secs(100), is_there));
        let mut dice = Dice::new(seed);
        town.run(dice.time(secs(600)), |_| false);
        town.network.block(|_| true);
        town.run(secs(60), |_| false);
        town.network.unblock();
        town.run(secs(700), |_| false);
        assert_eq!(town.clients[0].ended(), None, "{seed}");
        assert!(echoed(&mut town, PEER), "{seed}");
    }
}

#[test]
fn two_clients_reach_each_other_through_their_relays_where_that_is_allowed() {
    for is_allowed in [false, true] {
        let policy = turn_relay::server::PeerPolicy::internet();
        let policy = match is_allowed {
            true => policy.allow(site::ip("192.0.2.1"), 32, 50_000..=50_199),
            false => policy,
        };
        let config = config().with_policy(policy);
        let mut town = Town::new(7, Weather::calm(ms(25)), config);
        let (a, b) = (town.add(alice()), town.add(alice()));
        let both =
            |town: &Town| [a, b].map(|at| town.clients[at].allocated().is_some()) == [true; 2];
        assert!(town.run(secs(10), both));
        let [ra, rb] = [a, b].map(|at| town.clients[at].allocated().unwrap().relayed);
        let now = town.now();
        town.clients[a].allocation.bind_channel(now, rb).unwrap();
        town.clients[b].allocation.bind_channel(now, ra).unwrap();
        let bound = |town: &Town| {
            town.clients[a].has(&Event::ChannelBound(rb))
                && town.clients[b].has(&Event::ChannelBound(ra))
        };
        assert_eq!(town.run(secs(10), bound), is_allowed);
        assert_eq!(town.say(a, b"hello", rb), is_allowed);
        town.run(secs(1), |_| false);
        let expected = if is_allowed {
            vec![(ra, b"hello".to_vec())]
        } else {
            Vec::new()
        };
        assert_eq!(town.clients[b].data, expected);
    }
}

#[test]
fn a_revoked_client_is_told_so_by_its_next_request() {
    let mut town = Town::new(3, Weather::calm(ms(25)), config());
    town.add(alice());
    assert!(town.run(secs(10), |town| town.clients[0].allocated().is_some()));
    let now = town.now();
    assert_eq!(town.site.relay.revoke(now, "alice"), 1);
    assert!(town.run(secs(600), |town| town.clients[0].ended().is_some()));
    assert_eq!(town.clients[0].ended(), Some(&Cause::AllocationMismatch));
    let revoked =
        |event: &Told| matches!(event, Told::Ended(ended) if ended.cause == EndCause::Revoked);
    assert_eq!(town.site.told(revoked), 1);
}
