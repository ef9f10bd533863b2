//! CORS decisions: ours alone, and as a layer beside tower-http's.
//!
//! `bench/run` builds it, runs it and makes a table of what it prints.

mod layers;
mod requests;

use std::hint::black_box;

use bench_harness::{Item, OURS};

use requests::{KINDS, Kind};

/// Decisions in a sample.
const BATCH: usize = 256;

fn main() {
    bench_harness::measure(items());
}

/// Every kind of request, decided and answered.
fn items() -> Vec<Item> {
    let decided = KINDS.iter().map(|kind| decide(*kind));
    let answered = KINDS.iter().map(|kind| layers::answer(*kind));
    decided.chain(answered).collect()
}

/// The decision alone, from the fields of the request on.
fn decide(kind: Kind) -> Item {
    let mut item = Item::new(format!("decide {}", kind.name));
    let policy = requests::policy();
    let request = kind.request();
    item.add(
        OURS,
        BATCH,
        || (),
        move |()| {
            for _ in 0..BATCH {
                let view = cors_policy::Request::from(black_box(&request));
                let _ = black_box(policy.decide(&view));
            }
        },
    );
    item
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use bench_harness::Settings;

    use super::*;

    #[test]
    fn deciding_allocates_nothing() {
        for mut item in items() {
            for it in item.run(Settings::ONCE) {
                let decides = item.name().starts_with("decide");
                assert!(!decides || it.allocations == 0.0, "{}: {it:?}", item.name());
            }
        }
    }

    #[test]
    fn the_layer_answers_as_the_decision_says() {
        for kind in KINDS {
            let mut service = layers::ours();
            let response = layers::call(&mut service, kind.request());
            let request = kind.request();
            let policy = requests::policy();
            let decision = policy.decide(&cors_policy::Request::from(&request));
            let status = decision.status().unwrap_or(200);
            assert_eq!(response.status(), status, "{}", kind.name);
            for (name, value) in decision.headers() {
                assert_eq!(response.headers()[name], value, "{}", kind.name);
            }
        }
    }
}
