//! Keys and comfort noise between sides that have them under other numbers and clocks.
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

use bridged::{Bridged, Source, Terms, read};

fn opus(payload_type: u8) -> Source {
    Source {
        payload_type,
        step: 960,
        ..Source::pcmu(1)
    }
}

/// What a key pressed for so long is, in 20 ms steps: the last report comes three times.
fn reports(ms: u16, clock_rate: u32) -> Vec<[u8; 4]> {
    let per_ms = (clock_rate / 1000) as u16;
    let report = |ms: u16, end: bool| {
        let [high, low] = (ms * per_ms).to_be_bytes();
        [5, u8::from(end) << 7 | 10, high, low]
    };
    let mut reports: Vec<_> = (1..ms / 20).map(|step| report(step * 20, false)).collect();
    reports.extend([report(ms, true); 3]);
    reports
}

#[test]
fn keys_of_one_clock_pass_unchanged() {
    for (terms, clock_rate, number) in [
        (Terms::pcmu(), 8000, [126, 101]),
        (Terms::opus(48_000, 48_000), 48_000, [110, 101]),
        (Terms::opus(8000, 8000), 8000, [110, 101]),
    ] {
        let mut call = Bridged::new(terms);
        let mut source = Source {
            payload_type: terms.browser.codec.receive,
            step: terms.clock_rate / 50,
            ..Source::pcmu(1)
        };
        let voice = call.browser_says(&source.packet(b"voice")).unwrap();
        let (voice, _) = read(&voice);
        for report in reports(200, clock_rate) {
            call.pass_ms(20);
            let sent = call
                .browser_says(&source.other(number[0], &report))
                .unwrap();
            let (header, payload) = read(&sent);
            assert_eq!(payload, report);
            assert_eq!(header.payload_type, number[1]);
            assert_eq!(header.timestamp, voice.timestamp + terms.clock_rate / 50);
        }
    }
}

#[test]
fn keys_change_their_clock_where_the_sides_differ() {
    for clocks in [[8000, 48_000], [48_000, 8000]] {
        let mut call = Bridged::new(Terms::opus(clocks[0], clocks[1]));
        let mut source = opus(111);
        let mut last_sequence = None;
        let mut voice = 0;
        for _ in 0..10 {
            let sent = call.browser_says(&source.packet(b"voice")).unwrap();
            let (header, _) = read(&sent);
            (voice, last_sequence) = (header.timestamp, Some(header.sequence));
            call.pass_ms(20);
        }
        let (told, expected) = (reports(200, clocks[0]), reports(200, clocks[1]));
        for (told, expected) in told.iter().zip(expected) {
            // The last step of the key is the time of its first report.
            let sent = call.browser_says(&source.other(110, told)).unwrap();
            let (header, payload) = read(&sent);
            assert_eq!(payload, expected);
            assert_eq!(header.timestamp, voice, "20 ms after the voice, 20 ms long");
            assert_eq!(Some(header.sequence), last_sequence.map(|last| last + 1));
            last_sequence = Some(header.sequence);
            call.pass_ms(20);
        }
        let (told, expected) = (reports(100, clocks[1]), reports(100, clocks[0]));
        let mut source = opus(96);
        call.phone_says(&source.packet(b"voice")).unwrap();
        for (told, expected) in told.iter().zip(expected) {
            let sent = call.phone_says(&source.other(101, told)).unwrap();
            assert_eq!(read(&sent).1, expected);
        }
    }
}

#[test]
fn two_presses_of_a_key_stay_two() {
    let mut call = Bridged::new(Terms::opus(8000, 48_000));
    let mut source = opus(111);
    call.browser_says(&source.packet(b"voice")).unwrap();
    let mut press = |call: &mut Bridged| {
        source.timestamp += 9600;
        let mut begins = Vec::new();
        for report in reports(60, 8000) {
            call.pass_ms(20);
            let sent = call.browser_says(&source.other(110, &report)).unwrap();
            begins.push(read(&sent).0.timestamp);
        }
        begins.dedup();
        assert_eq!(begins.len(), 1, "one press, one time");
        begins[0]
    };
    let first = press(&mut call);
    call.pass_ms(100);
    let second = press(&mut call);
    assert_eq!(second - first, (5 * 20 + 100) * 48);
}

#[test]
fn comfort_noise_has_a_number_on_each_leg() {
    let mut terms = Terms::pcmu();
    terms.phone.comfort_noise.as_mut().unwrap().send = 99;
    let mut call = Bridged::new(terms);
    let noise = [40, 1, 2, 3];
    let sent = call
        .browser_says(&Source::pcmu(1).other(13, &noise))
        .unwrap();
    let (header, payload) = read(&sent);
    assert_eq!((header.payload_type, payload), (99, &noise[..]));
    let sent = call.phone_says(&Source::pcmu(5).other(13, &noise)).unwrap();
    let (header, payload) = read(&sent);
    assert_eq!((header.payload_type, payload), (13, &noise[..]));
}
