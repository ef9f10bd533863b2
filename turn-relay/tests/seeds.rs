//! A thousand bad networks: what is wanted comes about or is refused with a cause, in bounded time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests

mod net;

use net::server::Rules;
use net::{PEER, World, addr, config, ip, ms, secs};
use turn_relay::client::{Cause, Event};
use virtual_network::{Dice, Weather};

const SEEDS: u64 = 1000;

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

#[test]
fn whatever_the_weather_data_flows_or_the_cause_is_told() {
    let (mut allocated, mut bound, mut ended) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let mut world = World::new(seed, storm(&mut dice), config().with_mobility());
        world.servers[0].rules = Rules {
            lifetime: 30 + dice.below(600) as u32,
            nonce_life: secs(20 + dice.below(600)),
            ..Rules::default()
        };
        let now = world.now();
        world.client.bind_channel(now, addr(PEER)).unwrap();
        world.run(secs(240), |world| {
            world.has(&Event::ChannelBound(addr(PEER))) || world.ended().is_some()
        });
        if world.allocated().is_some() {
            allocated += 1;
        } else {
            // Seven requests were not enough: a cause says so.
            assert!(world.ended().is_some(), "{seed}: {:?}", world.events);
        }
        if world.has(&Event::ChannelBound(addr(PEER))) {
            bound += 1;
            for _ in 0..50 {
                if world.ended().is_none() && world.client.path().is_some() {
                    let _ = world.send(b"hello", addr(PEER));
                }
                world.run(ms(200), |world| !world.data.is_empty());
                if !world.data.is_empty() {
                    break;
                }
            }
            assert!(!world.data.is_empty() || world.ended().is_some(), "{seed}");
            if dice.chance(30.0) {
                let _ = world.client.move_to(None);
            }
            world.run(secs(1800), |world| world.ended().is_some());
        }
        match world.ended() {
            Some(cause) => {
                ended += 1;
                let known = matches!(
                    cause,
                    Cause::TimedOut { .. } | Cause::Expired | Cause::AllocationMismatch
                );
                assert!(known, "{seed}: {cause}");
            }
            None => {
                let now = world.now();
                world.client.release(now);
                assert_eq!(world.end(), Cause::Released, "{seed}");
            }
        }
        assert!(world.sockets.is_empty(), "{seed}");
    }
    // With up to 40 % of loss each way most live, and some do not.
    assert!(allocated > SEEDS * 95 / 100, "{allocated}");
    assert!(bound > SEEDS * 90 / 100, "{bound}");
    assert!(ended < SEEDS * 30 / 100, "{ended}");
}

#[test]
fn an_outage_of_a_minute_is_survived() {
    for seed in 0..50 {
        let mut world = World::new(seed, net::quiet(), config());
        let now = world.now();
        world.client.bind_channel(now, addr(PEER)).unwrap();
        world.allocate();
        let mut dice = Dice::new(seed);
        world.run(dice.time(secs(600)), |_| false);
        world.network.block(|_| true);
        world.run(secs(60), |_| false);
        world.network.unblock();
        world.run(secs(700), |_| false);
        assert_eq!(world.ended(), None, "{seed}: {:?}", world.events);
        let now = world.now();
        assert!(
            world.client.is_permitted(now, ip(PEER)),
            "{seed}: {:?}",
            world.events
        );
    }
}
