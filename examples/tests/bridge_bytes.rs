//! What is fed in at one side of a bridge comes out at the other: the same payloads, no gap but
//! those there were, none twice, whatever the network does on the way in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // checks fail loudly

#[path = "support/bridged.rs"]
mod bridged;
#[path = "support/link.rs"]
#[allow(dead_code)] // the link only connects here
mod link;
#[path = "support/pair.rs"]
mod pair;

use std::collections::{BTreeMap, BTreeSet};

use bridged::{Bridged, Source, Terms, read, same};
use examples::bridge::Formats;
use proptest::prelude::*;

/// What is spoken: PCMU, PCMA under numbers that differ, and Opus with keys of each clock.
const TERMS: usize = 6;

fn terms(which: usize) -> Terms {
    let pcma = |codec: u8| Formats {
        codec: same(codec),
        ..Terms::pcmu().browser
    };
    match which {
        0 => Terms::pcmu(),
        1 => Terms {
            browser: pcma(8),
            phone: pcma(97),
            ..Terms::pcmu()
        },
        2 => Terms::opus(48_000, 48_000),
        3 => Terms::opus(8000, 8000),
        4 => Terms::opus(8000, 48_000),
        _ => Terms::opus(48_000, 8000),
    }
}

/// Which way a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToPhone,
    ToBrowser,
}

/// A packet that was sent, before the network did anything to it.
struct Sent {
    packet: Vec<u8>,
    payload: Vec<u8>,
    is_key: bool,
}

/// Speech with keys and, beside G.711, comfort noise; each payload is told from all others.
fn speak(terms: &Terms, way: Way, packets: usize) -> Vec<Sent> {
    let from = match way {
        Way::ToPhone => terms.browser,
        Way::ToBrowser => terms.phone,
    };
    let keys = from.telephone_event.unwrap();
    let mut source = Source {
        payload_type: from.codec.receive,
        step: terms.clock_rate / 50,
        ..Source::pcmu(9)
    };
    // The numbers wrap around on the way.
    source.sequence = 65_536_u32.wrapping_sub(packets as u32 / 2) as u16;
    let mut sent = Vec::new();
    for number in 0..packets as u32 {
        let [.., a, b] = number.to_be_bytes();
        let (packet, payload, is_key) = match number % 10 {
            // Six times so long still fits: each key has its own length.
            7 | 8 => {
                let payload = vec![a, b, ((number + 1) >> 8) as u8, (number + 1) as u8];
                let packet = source.other(keys.payload_types.receive, &payload);
                (packet, payload, true)
            }
            9 if from.comfort_noise.is_some() => {
                let payload = vec![40, a, b];
                (source.other(13, &payload), payload, false)
            }
            _ => {
                let length = 20 + number as usize * 7 % 300;
                let mut payload = vec![number as u8 ^ 0xd5; length];
                payload[..2].copy_from_slice(&[a, b]);
                (source.packet(&payload), payload, false)
            }
        };
        sent.push(Sent {
            packet,
            payload,
            is_key,
        });
    }
    sent
}

/// What a payload must be on the other side.
fn expected(sent: &Sent, terms: &Terms, way: Way) -> Vec<u8> {
    let clock = |formats: &Formats| formats.telephone_event.unwrap().clock_rate;
    let (from, to) = match way {
        Way::ToPhone => (clock(&terms.browser), clock(&terms.phone)),
        Way::ToBrowser => (clock(&terms.phone), clock(&terms.browser)),
    };
    let mut payload = sent.payload.clone();
    if sent.is_key {
        let duration = u32::from(u16::from_be_bytes([payload[2], payload[3]]));
        let duration = (duration * to / from) as u16;
        payload[2..].copy_from_slice(&duration.to_be_bytes());
    }
    payload
}

/// What the network makes of a stream: which packets arrive, in their order of arrival.
fn arrivals(packets: usize, loss: u64, doubles: u64, jitter: u64, mut random: u64) -> Vec<usize> {
    let mut below = |limit: u64| {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    let mut arrivals = Vec::new();
    for packet in 0..packets {
        for copy in 0..2 {
            if copy == 0 && below(100) < loss || copy == 1 && below(100) >= doubles {
                continue;
            }
            arrivals.push((packet as u64 + below(jitter + 1), packet));
        }
    }
    arrivals.sort();
    arrivals.into_iter().map(|(_, packet)| packet).collect()
}

/// Feeds a stream in and checks what comes out.
fn pass_through(which: usize, way: Way, packets: usize, order: &[usize]) {
    let terms = terms(which);
    let mut call = Bridged::new(terms);
    let sent = speak(&terms, way, packets);
    // What the browser sends is protected in its order, and arrives in another.
    let protected: Vec<_> = match way {
        Way::ToPhone => sent
            .iter()
            .map(|sent| call.browser_protects(&sent.packet))
            .collect(),
        Way::ToBrowser => Vec::new(),
    };
    let mut out = BTreeMap::new();
    for &packet in order {
        let heard = match way {
            Way::ToPhone => call.reaches_bridge(&mut protected[packet].clone()),
            Way::ToBrowser => call.phone_says(&sent[packet].packet),
        };
        let Some(heard) = heard else { continue };
        let (header, payload) = read(&heard);
        assert_eq!(payload, expected(&sent[packet], &terms, way), "{packet}");
        assert!(
            out.insert(packet, header).is_none(),
            "{packet} came out twice"
        );
    }
    let arrived: BTreeSet<_> = order.iter().copied().collect();
    let passed: BTreeSet<_> = out.keys().copied().collect();
    assert_eq!(passed, arrived, "all that came in went out");
    let (&first, begin) = out.iter().next().unwrap();
    for (packet, header) in &out {
        let distance = header.sequence.wrapping_sub(begin.sequence);
        assert_eq!(
            usize::from(distance),
            packet - first,
            "the gaps are those there were"
        );
        assert_eq!(header.ssrc, begin.ssrc);
    }
    let stats = call.stats();
    let counts = match way {
        Way::ToPhone => stats.to_phone.counts,
        Way::ToBrowser => stats.to_browser.counts,
    };
    assert_eq!(counts.sent.packets, out.len() as u64);
}

#[test]
fn every_codec_passes_both_ways() {
    let order: Vec<_> = (0..1000).collect();
    for which in 0..TERMS {
        pass_through(which, Way::ToPhone, 1000, &order);
        pass_through(which, Way::ToBrowser, 1000, &order);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bad_weather_changes_nothing_but_what_it_takes(
        which in 0..TERMS,
        to_phone in any::<bool>(),
        loss in 0_u64..40,
        doubles in 0_u64..40,
        jitter in 0_u64..60,
        random in 1_u64..,
    ) {
        let order = arrivals(300, loss, doubles, jitter, random);
        let way = if to_phone { Way::ToPhone } else { Way::ToBrowser };
        pass_through(which, way, 300, &order);
    }
}
