//! For any weather, any NATs and any order of calls: nothing is lost without being counted,
//! nothing arrives early, and one seed gives one outcome.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // in the body of a property

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use virtual_network::{Counts, Datagram, HostId, NatKind, Network, Weather};

#[derive(Debug, Clone)]
enum Move {
    Send { from: usize, to: usize },
    Answer(usize),
    Wait(u64),
    Rebind,
    NatTo(u8),
    HostTo(u8),
    Take,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let send = (0..4_usize, 0..4_usize).prop_map(|(from, to)| Move::Send { from, to });
    let one = prop_oneof![
        8 => send,
        4 => (0..64_usize).prop_map(Move::Answer),
        6 => (0..200_u64).prop_map(Move::Wait),
        1 => Just(Move::Rebind),
        1 => (20..30_u8).prop_map(Move::NatTo),
        1 => (10..20_u8).prop_map(Move::HostTo),
        1 => Just(Move::Take),
    ];
    prop::collection::vec(one, 0..80)
}

fn weather() -> impl Strategy<Value = Weather> {
    let rate = || prop_oneof![Just(0.0), 0.0..100.0_f64];
    let time = || (0..500_u64).prop_map(Duration::from_millis);
    ([rate(), rate(), rate(), rate()], [time(), time(), time()]).prop_map(
        |([loss, duplication, corruption, outage], [delay, jitter, outage_length])| Weather {
            loss,
            duplication,
            corruption,
            delay,
            jitter,
            outage,
            outage_length,
        },
    )
}

fn kind() -> impl Strategy<Value = NatKind> {
    prop_oneof![
        Just(NatKind::FULL_CONE),
        Just(NatKind::RESTRICTED),
        Just(NatKind::PORT_RESTRICTED),
        Just(NatKind::SYMMETRIC),
    ]
}

/// Two public hosts, and one behind each of two NATs.
struct World {
    network: Network,
    start: Instant,
    hosts: Vec<HostId>,
    addresses: Vec<SocketAddr>,
    arrivals: Vec<(Duration, HostId, Datagram)>,
    sent: Vec<Duration>,
}

#[allow(clippy::disallowed_methods)] // an origin of virtual time
fn run(seed: u64, weather: Weather, kinds: [NatKind; 2], moves: &[Move]) -> World {
    let start = Instant::now();
    let mut network = Network::new(start, seed, weather);
    let addresses: Vec<SocketAddr> = ["192.0.2.1:1", "192.0.2.2:1", "10.0.0.1:1", "10.0.0.1:1"]
        .map(|text| text.parse().unwrap())
        .to_vec();
    let nats = [1, 2].map(|n: u8| network.add_nat([203, 0, 113, n].into(), kinds[n as usize - 1]));
    let hosts = vec![
        network.add_host(&addresses[..1]),
        network.add_host(&addresses[1..2]),
        network.add_host_behind(nats[0], &addresses[2..3]),
        network.add_host_behind(nats[1], &addresses[3..]),
    ];
    let mut world = World {
        network,
        start,
        hosts,
        addresses,
        arrivals: Vec::new(),
        sent: Vec::new(),
    };
    for step in moves {
        match *step {
            Move::Send { from, to } => world.send(from, world.addresses[to]),
            Move::Answer(at) => {
                let arrival = world.arrivals.get(at).cloned();
                if let Some((_, host, datagram)) = arrival {
                    let from = world.hosts.iter().position(|known| *known == host).unwrap();
                    world.send(from, datagram.from);
                }
            }
            Move::Wait(ms) => world
                .network
                .advance(world.network.now() + Duration::from_millis(ms)),
            Move::Rebind => world.network.rebind(nats[0]),
            Move::NatTo(n) => world.network.move_nat(nats[1], [203, 0, 113, n].into()),
            Move::HostTo(n) => {
                let new = ([192, 0, 2, n], 1).into();
                let old = std::mem::replace(&mut world.addresses[1], new);
                world.network.move_address(world.hosts[1], old, new);
            }
            Move::Take => drop(world.network.take_under_way()),
        }
        world.hear();
    }
    while let Some(next) = world.network.next_arrival() {
        world.network.advance(next);
        world.hear();
    }
    world
}

impl World {
    /// The payload tells when it was sent: three bytes, so that corruption shows.
    fn send(&mut self, from: usize, to: SocketAddr) {
        self.sent.push(self.network.now() - self.start);
        let number = (self.sent.len() - 1) as u8;
        let (host, address) = (self.hosts[from], self.addresses[from]);
        self.network.send(host, address, to, &[number; 3]);
    }

    fn hear(&mut self) {
        while let Some((host, datagram)) = self.network.receive() {
            let at = self.network.now() - self.start;
            self.arrivals.push((at, host, datagram));
        }
    }
}

/// What two of the three bytes say.
fn number(data: &[u8]) -> usize {
    let [a, b, c] = data.try_into().unwrap();
    usize::from(if a == b || a == c { a } else { b })
}

fn accounted(counts: Counts) -> u64 {
    let fates = [counts.delivered, counts.lost, counts.blocked, counts.taken];
    fates.iter().sum::<u64>() + counts.filtered + counts.unreachable
}

proptest! {
    #[test]
    fn nothing_is_early_and_nothing_vanishes(
        seed in any::<u64>(), weather in weather(), kinds in [kind(), kind()], moves in moves(),
    ) {
        let world = run(seed, weather, kinds, &moves);
        let counts = world.network.counts();
        assert_eq!(counts.sent + counts.duplicated, accounted(counts));
        assert_eq!(counts.delivered, world.arrivals.len() as u64);
        for (at, _, datagram) in &world.arrivals {
            let took = *at - world.sent[number(&datagram.data)];
            assert!(took >= weather.delay, "{took:?}");
        }
        assert!(world.arrivals.is_sorted_by_key(|(at, ..)| *at));
    }

    #[test]
    fn one_seed_gives_one_outcome(
        seed in any::<u64>(), weather in weather(), kinds in [kind(), kind()], moves in moves(),
    ) {
        let [first, second] = [(); 2].map(|()| run(seed, weather, kinds, &moves));
        assert_eq!(first.arrivals, second.arrivals);
        assert_eq!(first.network.counts(), second.network.counts());
    }

    /// Whoever is heard through a NAT can answer, unless something moved meanwhile.
    #[test]
    fn an_answer_always_comes_in(kinds in [kind(), kind()], sends in prop::collection::vec((2..4_usize, 0..2_usize), 1..40)) {
        let moves: Vec<_> = sends.iter().map(|&(from, to)| Move::Send { from, to }).collect();
        let mut world = run(1, Weather::default(), kinds, &moves);
        assert_eq!(world.arrivals.len(), moves.len());
        for (at, (from, _)) in sends.iter().enumerate() {
            let (_, host, datagram) = world.arrivals[at].clone();
            let (to, private) = (datagram.from, world.addresses[*from]);
            world.network.send(host, datagram.to, to, b"answer");
            let (back, answer) = world.network.receive().unwrap();
            assert_eq!((back, answer.to), (world.hosts[*from], private));
        }
    }
}
