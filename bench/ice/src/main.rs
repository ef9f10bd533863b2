//! ICE agents: two in memory find a pair, and keep it. Ours and the peers.
//!
//! `bench/run` builds it, runs it and makes a table of what it prints.

#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own reads the clock"
)]

mod contender;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use bench_harness::{Item, OURS};

use contender::{Operation, add};
use ours::Ours;

fn main() {
    bench_harness::measure(items());
}

/// Every operation, with everybody who takes part.
fn items() -> Vec<Item> {
    let item = |operation: Operation| {
        let mut item = Item::new(operation.name());
        add::<Ours>(&mut item, OURS, operation);
        #[cfg(feature = "peers")]
        peers::add(&mut item, operation);
        item
    };
    Operation::all().into_iter().map(item).collect()
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use bench_harness::{Item, OURS, Settings};

    use crate::contender::{self, Hosts, Links, Operation, add};
    use crate::ours::Ours;

    /// Allocations of ours.
    fn allocations(operation: Operation) -> f64 {
        let mut item = Item::new(operation.name());
        add::<Ours>(&mut item, OURS, operation);
        let measured = item.run(Settings::ONCE);
        measured.first().expect("ours").allocations
    }

    #[test]
    fn connecting_allocates_little() {
        for (each, most) in [(1, 30.0), (2, 60.0), (4, 120.0), (8, 400.0)] {
            for links in [Links::All, Links::Last] {
                let hosts = Hosts { each, links };
                let counted = allocations(Operation::Connect(hosts));
                assert!(counted <= most, "{hosts:?}: {counted} allocations");
            }
        }
    }

    #[test]
    fn keeping_consent_allocates_nothing() {
        assert_eq!(allocations(Operation::Steady), 0.0);
        assert_eq!(allocations(Operation::Idle(100)), 0.0);
    }

    #[test]
    fn an_idle_agent_is_small() {
        let bytes = contender::idle_bytes::<Ours>();
        eprintln!("{bytes} bytes for an idle agent");
        assert!(bytes < 10 * 1024, "{bytes} bytes");
    }
}
