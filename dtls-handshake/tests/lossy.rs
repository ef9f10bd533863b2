//! Handshakes over bad links in virtual time: every one ends connected on both sides with equal
//! keys, or closed with a cause by its deadline.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod common;

use std::time::Duration;

use common::{Link, configs_of, origin};
use dtls_handshake::{CipherSuite, CloseCause, Config, Group, Version};
use virtual_network::{Dice, Weather};

const MS: Duration = Duration::from_millis(1);
const DEADLINE: Duration = Duration::from_secs(30);

/// What a handshake runs under.
#[derive(Debug, Clone)]
struct Conditions {
    weather: Weather,
    mtu: usize,
    /// The only one, and so the version.
    suite: CipherSuite,
    /// Whether the client has to bring back a cookie first.
    listener: bool,
    /// Of the client and of the server; with two that differ a server of DTLS 1.3 asks for another
    /// share.
    groups: [Group; 2],
    /// The lengths of the connection IDs that client and server want to see, if they speak of them.
    connection_ids: [Option<u8>; 2],
}

impl Conditions {
    fn draw(dice: &mut Dice, weather: Weather) -> Self {
        Self {
            weather,
            mtu: 256 + dice.below(1245) as usize,
            suite: pick(dice, &[SUITES_12, SUITES_13].concat()),
            listener: dice.chance(30.0),
            groups: [pick(dice, &GROUPS), pick(dice, &GROUPS)],
            connection_ids: [(); 2].map(|()| pick(dice, &[None, Some(0), Some(8)])),
        }
    }

    fn version(&self) -> Version {
        if SUITES_13.contains(&self.suite) {
            Version::Dtls13
        } else {
            Version::Dtls12
        }
    }

    fn configs(&self) -> [Config; 2] {
        let mut groups = self.groups.into_iter();
        let mut ids = self.connection_ids.into_iter();
        configs_of(&[Version::Dtls12, Version::Dtls13]).map(|config| {
            let first = groups.next().unwrap();
            let all = [[first].as_slice(), &GROUPS].concat();
            let config = match ids.next().unwrap() {
                Some(length) => config.with_connection_id_length(length),
                None => config,
            };
            config
                .with_mtu(self.mtu)
                .with_handshake_timeout(DEADLINE)
                .with_cipher_suites(&[self.suite])
                .with_groups(&all)
        })
    }
}

const SUITES_13: [CipherSuite; 3] = [
    CipherSuite::Aes128GcmSha256,
    CipherSuite::Aes256GcmSha384,
    CipherSuite::ChaCha20Poly1305Sha256,
];

const SUITES_12: [CipherSuite; 3] = [
    CipherSuite::EcdheEcdsaAes128GcmSha256,
    CipherSuite::EcdheEcdsaAes256GcmSha384,
    CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
];

const GROUPS: [Group; 4] = [
    Group::X25519MlKem768,
    Group::X25519,
    Group::Secp256r1,
    Group::Secp384r1,
];

fn pick<T: Copy>(dice: &mut Dice, choices: &[T]) -> T {
    choices[dice.below(choices.len() as u64) as usize]
}

struct Outcome {
    version: Version,
    connected: bool,
    took: Duration,
}

fn run(seed: u64, conditions: &Conditions) -> Outcome {
    let link = if conditions.listener {
        Link::with_listener
    } else {
        Link::new
    };
    let mut link = link(conditions.configs(), seed, conditions.weather).introduced();
    link.settle();
    let context = || format!("seed {seed}, {conditions:?}: {:?}", link.causes());
    let [client, server] = &link.ends;
    let took = link.now() - origin();
    // A connection that a listener makes begins when it does.
    let deadline = DEADLINE * if conditions.listener { 2 } else { 1 };
    assert!(took <= deadline + Duration::from_secs(1), "{}", context());
    assert!(link.largest <= conditions.mtu, "{}", context());
    let outcome = |connected| Outcome {
        version: conditions.version(),
        connected,
        took,
    };
    match (&client.connected, &server.connected) {
        (Some(_), Some(_)) => {
            assert_eq!(client.exported(), server.exported(), "{}", context());
            for connected in [&client.connected, &server.connected] {
                let version = connected.as_ref().unwrap().version;
                assert_eq!(version, conditions.version(), "{}", context());
            }
            outcome(true)
        }
        // The last flight of either side can be lost to the end: then the other times out alone.
        _ => {
            for end in &link.ends {
                assert!(end.is_settled(), "{}", context());
                let cause = end.closed.unwrap_or(CloseCause::TimedOut);
                assert_eq!(cause, CloseCause::TimedOut, "{}", context());
            }
            outcome(false)
        }
    }
}

/// Runs as many seeds, on all processors, and prints how long handshakes took.
fn runs(name: &str, seeds: u64, weather: impl Fn(&mut Dice) -> Weather + Sync) -> Vec<Outcome> {
    let run_seed = |seed| {
        let mut dice = Dice::new(seed);
        let weather = weather(&mut dice);
        run(seed, &Conditions::draw(&mut dice, weather))
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut outcomes: Vec<_> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = (part..seeds).step_by(threads as usize);
                scope.spawn(move || seeds.map(run_seed).collect::<Vec<_>>())
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap())
            .collect()
    });
    outcomes.sort_by_key(|outcome| outcome.took);
    for version in [Version::Dtls12, Version::Dtls13] {
        let of_version = |outcome: &&Outcome| outcome.version == version;
        let outcomes: Vec<_> = outcomes.iter().filter(of_version).collect();
        let connected = outcomes.iter().filter(|outcome| outcome.connected).count();
        let all = outcomes.len();
        let [half, most, nearly, last] =
            [50, 90, 99, 100].map(|percent| outcomes[(all - 1) * percent / 100].took.as_millis());
        println!(
            "{name}, {version}: {connected} of {all} connected; ms at 50 / 90 / 99 / 100 %: \
             {half} / {most} / {nearly} / {last}"
        );
    }
    outcomes
}

#[test]
fn disorder_without_loss_needs_no_patience() {
    let outcomes = runs("disorder", 500, |_| Weather {
        duplication: 30.0,
        delay: 20 * MS,
        jitter: 60 * MS,
        ..Weather::default()
    });
    for outcome in outcomes {
        assert!(outcome.connected);
        assert!(
            outcome.took < Duration::from_millis(800),
            "{:?}",
            outcome.took
        );
    }
}

#[test]
fn light_loss_is_overcome() {
    let outcomes = runs("loss to 10 %", 1000, |dice| Weather {
        loss: dice.below(100) as f64 / 10.0,
        duplication: 10.0,
        delay: dice.time(150 * MS),
        jitter: dice.time(100 * MS),
        ..Weather::default()
    });
    assert!(outcomes.iter().all(|outcome| outcome.connected));
}

/// `SEEDS` is another number of them.
#[test]
fn ten_thousand_links_end_well_or_with_a_cause() {
    let seeds = std::env::var("SEEDS").map_or(10_000, |seeds| seeds.parse().unwrap());
    let outcomes = runs("loss to 50 %", seeds, |dice| Weather {
        loss: dice.below(500) as f64 / 10.0,
        duplication: dice.below(40) as f64,
        delay: dice.time(300 * MS),
        jitter: dice.time(400 * MS),
        ..Weather::default()
    });
    let connected = outcomes.iter().filter(|outcome| outcome.connected).count();
    assert!(connected * 100 > outcomes.len() * 95, "{connected}");
}

/// Corruption in the clear part of a handshake can end it; it must never end it differently on
/// the two sides with both believing to be connected, and never hang.
#[test]
fn corruption_never_gives_different_keys() {
    let mut connected = 0;
    for seed in 0..500 {
        let versions = [Version::Dtls12, Version::Dtls13];
        let version = versions[seed as usize % 2];
        let weather = Weather {
            corruption: 10.0,
            delay: 5 * MS,
            ..Weather::default()
        };
        let mut link = Link::new(configs_of(&[version]), seed, weather).introduced();
        link.settle();
        let [client, server] = &link.ends;
        assert!(client.is_settled() && server.is_settled());
        if client.connected.is_some() && server.connected.is_some() {
            assert_eq!(client.exported(), server.exported());
            connected += 1;
        }
    }
    println!("corruption: {connected} of 500 connected");
    assert!(connected > 100, "{connected}");
}
