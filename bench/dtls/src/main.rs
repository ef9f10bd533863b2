//! DTLS handshakes: both sides in memory, each with a certificate, with use_srtp and export.
//!
//! Ours, the peers, and the floor: the public-key operations that such a handshake cannot do without.
//! `bench/run` builds it, runs it and makes a table of what it prints.

#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own reads the clock"
)]

mod floor;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use bench_harness::{FLOOR, Item, OURS};
use dtls_handshake::{Group, Version};

/// What a handshake is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) version: Version,
    pub(crate) group: Group,
}

impl Kind {
    const fn new(version: Version, group: Group) -> Self {
        Self { version, group }
    }

    fn name(self) -> String {
        let version = match self.version {
            Version::Dtls13 => "1.3",
            _ => "1.2",
        };
        let group = match self.group {
            Group::Secp256r1 => "P-256".to_owned(),
            Group::X25519 => "X25519".to_owned(),
            other => other.to_string(),
        };
        format!("handshake DTLS {version} {group}")
    }
}

/// All that are measured.
const KINDS: [Kind; 5] = [
    Kind::new(Version::Dtls12, Group::X25519),
    Kind::new(Version::Dtls13, Group::X25519),
    Kind::new(Version::Dtls12, Group::Secp256r1),
    Kind::new(Version::Dtls13, Group::Secp256r1),
    Kind::new(Version::Dtls13, Group::X25519MlKem768),
];

pub(crate) fn main() {
    bench_harness::measure(KINDS.map(item).into());
}

fn item(kind: Kind) -> Item {
    let mut item = Item::new(kind.name());
    let pair = ours::Pair::new(kind);
    item.add(OURS, 1, || (), move |()| drop(pair.handshake()));
    let floor = floor::Floor::new(kind);
    item.add(FLOOR, 1, || (), move |()| floor.work());
    #[cfg(feature = "peers")]
    peers::add(&mut item, kind);
    item
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Duration;

    use bench_harness::{OURS, Settings, live_bytes};

    use super::*;

    #[test]
    fn a_handshake_allocates_little() {
        let settings = Settings {
            rounds: 1,
            turn: Duration::ZERO,
        };
        for kind in KINDS {
            let mut item = item(kind);
            let measured = item.run(settings);
            let ours = measured.iter().find(|it| it.who == OURS).expect("ours");
            eprintln!("{}: {} allocations", item.name(), ours.allocations);
            assert!(ours.allocations < 60.0, "{}: {ours:?}", item.name());
        }
    }

    #[test]
    fn an_idle_connection_is_small() {
        for kind in KINDS {
            let pair = ours::Pair::new(kind);
            drop(pair.handshake());
            let before = live_bytes();
            let connections = black_box(pair.handshake());
            let each = (live_bytes() - before + ours::SIZE as isize) / 2;
            drop(connections);
            eprintln!("{}: {each} bytes for an idle connection", kind.name());
            assert!(each < 4 * 1024, "{}: {each} bytes", kind.name());
        }
    }
}
