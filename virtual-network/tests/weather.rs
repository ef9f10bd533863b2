//! What the weather does, counted over many datagrams.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // helpers of tests

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use virtual_network::{Counts, HostId, Network, Weather};

const MANY: u32 = 20_000;
const MS: Duration = Duration::from_millis(1);

#[allow(clippy::disallowed_methods)] // an origin of virtual time
fn origin() -> Instant {
    Instant::now()
}

fn address(host: u8) -> SocketAddr {
    ([192, 0, 2, host], 4000).into()
}

/// Two hosts; the first has sent so many numbered datagrams to the second, 1 ms apart.
fn stream(seed: u64, weather: Weather) -> (Network, Vec<(Duration, u32)>) {
    let start = origin();
    let mut network = Network::new(start, seed, weather);
    let hosts = [1, 2].map(|host| network.add_host(&[address(host)]));
    let mut arrivals = Vec::new();
    let mut take = |network: &mut Network| {
        while let Some((host, datagram)) = network.receive() {
            assert_eq!((host, datagram.from), (hosts[1], address(1)));
            let number = u32::from_be_bytes(datagram.data.try_into().unwrap());
            arrivals.push((network.now() - start - number * MS, number));
        }
    };
    for number in 0..MANY {
        send(&mut network, hosts[0], number);
        network.advance(start + (number + 1) * MS);
        take(&mut network);
    }
    while let Some(next) = network.next_arrival() {
        network.advance(next);
        take(&mut network);
    }
    (network, arrivals)
}

fn send(network: &mut Network, host: HostId, number: u32) {
    network.send(host, address(1), address(2), &number.to_be_bytes());
}

#[test]
fn calm_weather_keeps_all_in_order() {
    let (network, arrivals) = stream(1, Weather::calm(20 * MS));
    assert!(arrivals.iter().all(|(took, _)| *took == 20 * MS));
    assert!(arrivals.iter().map(|(_, number)| *number).eq(0..MANY));
    let all = u64::from(MANY);
    let (sent, delivered) = (network.counts().sent, network.counts().delivered);
    assert_eq!((sent, delivered), (all, all));
}

#[test]
fn loss_and_duplication_come_at_their_rates() {
    for (seed, loss, duplication) in [(1, 0.5, 30.0), (2, 10.0, 0.0), (3, 50.0, 5.0)] {
        let weather = Weather {
            loss,
            duplication,
            ..Weather::default()
        };
        let Counts {
            duplicated, lost, ..
        } = stream(seed, weather).0.counts();
        let many = f64::from(MANY);
        // Four standard deviations.
        let near = |count: u64, percent: f64, of: f64| {
            let rate = percent / 100.0;
            let spread = 4.0 * (of * rate * (1.0 - rate)).sqrt();
            (count as f64 - of * rate).abs() <= spread
        };
        assert!(near(duplicated, duplication, many), "{duplicated}");
        assert!(near(lost, loss, many + duplicated as f64), "{lost}");
    }
}

#[test]
fn all_or_nothing_is_exactly_that() {
    let weather = Weather {
        loss: 100.0,
        ..Weather::default()
    };
    assert!(stream(1, weather).1.is_empty());
    let weather = Weather {
        duplication: 100.0,
        ..Weather::default()
    };
    assert_eq!(stream(1, weather).1.len(), 2 * MANY as usize);
}

#[test]
fn jitter_is_even_and_lets_datagrams_overtake() {
    let weather = Weather {
        delay: 10 * MS,
        jitter: 40 * MS,
        ..Weather::default()
    };
    let (_, arrivals) = stream(7, weather);
    assert_eq!(arrivals.len(), MANY as usize);
    // Taken at a whole millisecond, up to one late.
    let bounds = 10 * MS..=51 * MS;
    assert!(arrivals.iter().all(|(took, _)| bounds.contains(took)));
    let mean = arrivals.iter().map(|(took, _)| *took).sum::<Duration>() / MANY;
    assert!((30 * MS..31 * MS).contains(&mean), "{mean:?}");
    let overtaken = arrivals.windows(2).filter(|two| two[0].1 > two[1].1);
    assert!(overtaken.count() > MANY as usize / 4);
}

#[test]
fn an_outage_loses_all_for_its_time() {
    let weather = Weather {
        outage: 0.1,
        outage_length: 50 * MS,
        ..Weather::default()
    };
    let (network, arrivals) = stream(5, weather);
    let gaps: Vec<u32> = arrivals
        .windows(2)
        .map(|two| two[1].1 - two[0].1 - 1)
        .filter(|gap| *gap > 0)
        .collect();
    assert!(gaps.iter().all(|gap| *gap >= 50), "{gaps:?}");
    // One after another, now and then, where the next begins at once.
    assert!(gaps.iter().filter(|gap| **gap == 50).count() * 10 >= gaps.len() * 9);
    assert!((10..30).contains(&gaps.len()), "{gaps:?}");
    assert_eq!(
        network.counts().lost,
        gaps.iter().map(|gap| u64::from(*gap)).sum()
    );
}

#[test]
fn corruption_changes_one_bit() {
    let weather = Weather {
        corruption: 25.0,
        ..Weather::default()
    };
    let mut network = Network::new(origin(), 3, weather);
    let hosts = [1, 2].map(|host| network.add_host(&[address(host)]));
    let mut changed = 0;
    for _ in 0..4000 {
        network.send(hosts[0], address(1), address(2), &[0x55; 20]);
        network.send(hosts[0], address(1), address(2), &[]);
        let (_, datagram) = network.receive().expect("nothing takes time");
        let bits: u32 = datagram
            .data
            .iter()
            .map(|byte| (byte ^ 0x55).count_ones())
            .sum();
        assert!(bits <= 1);
        changed += bits;
        assert_eq!(network.receive().expect("empty").1.data, []);
    }
    assert!((850..1150).contains(&changed), "{changed}");
}

#[test]
fn the_weather_can_change_and_rules_block() {
    let mut network = Network::new(origin(), 1, Weather::default());
    let hosts = [1, 2].map(|host| network.add_host(&[address(host)]));
    network.block(|datagram| datagram.data[3] % 2 == 1);
    for number in 0..10 {
        send(&mut network, hosts[0], number);
    }
    assert_eq!(std::iter::from_fn(|| network.receive()).count(), 5);
    assert_eq!(network.counts().blocked, 5);
    network.unblock();
    send(&mut network, hosts[0], 1);
    assert!(network.receive().is_some());
    network.set_weather(Weather {
        outage: 100.0,
        outage_length: 1000 * MS,
        ..Weather::default()
    });
    send(&mut network, hosts[0], 1);
    assert_eq!(network.receive(), None);
    network.set_weather(Weather::calm(MS));
    send(&mut network, hosts[0], 1);
    assert_eq!(network.receive(), None);
    network.advance(network.now() + MS);
    assert!(network.receive().is_some());
}

#[test]
fn somebody_on_the_way_sees_changes_and_takes() {
    let mut network = Network::new(origin(), 1, Weather::calm(MS));
    let hosts = [1, 2].map(|host| network.add_host(&[address(host)]));
    send(&mut network, hosts[0], 1);
    send(&mut network, hosts[0], 2);
    network.tamper(|datagram| datagram.data[3] += 1);
    let taken = network.take_under_way();
    let numbers: Vec<u8> = taken.iter().map(|datagram| datagram.data[3]).collect();
    assert_eq!((numbers, taken[0].to), (vec![2, 3], address(2)));
    assert_eq!((network.next_arrival(), network.counts().taken), (None, 2));
}
