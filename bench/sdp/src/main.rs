//! Session descriptions: ours, the peers, and the floor, on the same texts.
//!
//! `bench/run` builds it, runs it and makes a table of what it prints.

mod ours;
#[cfg(feature = "peers")]
mod peers;

use std::hint::black_box;

use bench_harness::{FLOOR, Item};

/// Operations in a sample.
const BATCH: usize = 16;

/// A text that is read and written.
#[derive(Clone, Copy)]
struct Offer {
    name: &'static str,
    text: &'static str,
}

/// What Chromium offers: audio, video and a data channel, and audio alone.
const OFFERS: [Offer; 2] = [
    Offer {
        name: "AV offer",
        text: include_str!("../data/chrome_av.sdp"),
    },
    Offer {
        name: "audio offer",
        text: include_str!("../data/chrome_audio.sdp"),
    },
];

fn main() {
    bench_harness::measure(items());
}

fn items() -> Vec<Item> {
    let mut items = Vec::new();
    for offer in OFFERS {
        items.extend([parse(offer), serialize(offer)]);
        items.extend(ours::alone(offer));
    }
    items
}

/// A text is read. The floor cuts it into lines and looks at the first byte of each.
fn parse(offer: Offer) -> Item {
    let mut item = Item::new(format!("parse {} ({} B)", offer.name, offer.text.len()));
    ours::parse(&mut item, offer);
    each(&mut item, FLOOR, move || {
        let lines = black_box(offer.text).split_terminator("\r\n");
        lines.fold(0, |sum, line| {
            sum + usize::from(line.as_bytes()[0]) + line.len()
        })
    });
    #[cfg(feature = "peers")]
    peers::parse(&mut item, offer);
    item
}

/// What was read is written. The floor copies the text.
fn serialize(offer: Offer) -> Item {
    let mut item = Item::new(format!("serialize {}", offer.name));
    ours::serialize(&mut item, offer);
    each(&mut item, FLOOR, move || black_box(offer.text).to_owned());
    #[cfg(feature = "peers")]
    peers::serialize(&mut item, offer);
    item
}

/// One who does something again and again.
fn each<T>(item: &mut Item, who: &'static str, mut it: impl FnMut() -> T + 'static) {
    let run = move |(): &mut ()| {
        for _ in 0..BATCH {
            drop(black_box(it()));
        }
    };
    item.add(who, BATCH, || (), run);
}

/// What can be said without a clock.
#[cfg(test)]
mod tests {
    use bench_harness::{OURS, Settings};

    use super::*;

    #[test]
    fn ours_allocates_for_sections_and_not_for_lines() {
        for mut item in items() {
            for it in item.run(Settings::ONCE) {
                let parses = item.name().starts_with("parse") && it.who == OURS;
                assert!(!parses || it.allocations <= 20.0, "{}: {it:?}", item.name());
            }
        }
    }

    #[test]
    fn ours_writes_what_it_has_read() {
        for offer in OFFERS {
            let read = sdp::Description::parse_strict(offer.text).unwrap();
            assert_eq!(read.to_string(), offer.text);
        }
    }
}
