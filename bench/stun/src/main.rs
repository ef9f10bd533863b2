//! Binding requests and responses: ours, the peers, and the floor, on the same bytes.
//!
//! `bench/run` builds it, runs it and makes a table of what it prints.

mod contender;
mod floor;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use bench_harness::{FLOOR, Item, OURS};

use contender::{Operation, add};
use floor::Floor;
use ours::Ours;

fn main() {
    bench_harness::measure(items());
}

/// Every operation, with everybody who takes part.
fn items() -> Vec<Item> {
    let item = |operation: Operation| {
        let mut item = Item::new(operation.name());
        add::<Ours>(&mut item, OURS, operation);
        add::<Floor>(&mut item, FLOOR, operation);
        #[cfg(feature = "peers")]
        peers::add(&mut item, operation);
        item
    };
    Operation::ALL.map(item).into()
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use bench_harness::{FLOOR, OURS, Settings};

    use crate::contender::{Contender, REQUEST};
    use crate::floor::Floor;
    use crate::items;
    use crate::ours::Ours;

    #[test]
    fn ours_and_the_floor_allocate_nothing() {
        for mut item in items() {
            for it in item.run(Settings::ONCE) {
                if it.who == OURS || it.who == FLOOR {
                    assert!(it.allocations == 0.0, "{}: {it:?}", item.name());
                }
            }
        }
    }

    #[test]
    fn both_write_the_same() {
        let (mut ours, mut floor) = (Ours::new(), Floor::new());
        assert_eq!(ours.build_request(), REQUEST);
        assert_eq!(floor.build_request(), REQUEST);
        assert_eq!(ours.build_response(), floor.build_response());
        ours.verify(&REQUEST);
        floor.verify(&REQUEST);
    }
}
