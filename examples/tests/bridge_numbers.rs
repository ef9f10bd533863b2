//! The streams that a bridge sends are its own and run on, whatever those it is fed from do.
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

use bridged::{Bridged, Source, TO_BROWSER, TO_PHONE, Terms, at, read, same};
use examples::bridge::rtp::Header;
use examples::bridge::{DropReason, Formats, PhoneMedia};

/// Checks that a stream has one SSRC, no gap, nothing twice, and time that fits.
struct Stream {
    ssrc: u32,
    last: Option<Header>,
}

impl Stream {
    fn new(ssrc: u32) -> Self {
        Self { ssrc, last: None }
    }

    /// The next packet, so many ticks after the last one.
    fn next(&mut self, packet: Option<Vec<u8>>, ticks: u32) -> Header {
        let packet = packet.expect("it is sent on");
        let (header, _) = read(&packet);
        assert_eq!(header.ssrc, self.ssrc);
        match self.last {
            None => assert!(header.sequence < 1 << 15, "{}", header.sequence),
            Some(last) => {
                assert_eq!(header.sequence, last.sequence.wrapping_add(1));
                assert_eq!(header.timestamp, last.timestamp.wrapping_add(ticks));
            }
        }
        self.last = Some(header);
        header
    }
}

#[test]
fn a_held_phone_hears_on_where_it_stopped() {
    let mut call = Bridged::new(Terms::pcmu());
    let (mut browser, mut stream) = (Source::pcmu(1), Stream::new(TO_PHONE));
    for packet in 0..5 {
        let sent = call.browser_says(&browser.packet(b"before"));
        assert_eq!(stream.next(sent, 160).marker, packet == 0);
        call.pass_ms(20);
    }
    let held = PhoneMedia {
        listens: false,
        speaks: false,
        ..call.media()
    };
    call.set_phone(held);
    for _ in 0..500 {
        assert_eq!(call.browser_says(&browser.packet(b"nobody hears it")), None);
        call.pass_ms(20);
    }
    call.set_phone(call.media());
    let sent = call.browser_says(&browser.packet(b"after"));
    assert!(stream.next(sent, 160 * 501).marker);
    call.pass_ms(20);
    let sent = call.browser_says(&browser.packet(b"and on"));
    assert!(!stream.next(sent, 160).marker);
    assert_eq!(
        call.stats().to_phone.counts.drops.of(DropReason::NotWanted),
        500
    );
    assert_eq!(call.stats().to_phone.counts.lost, 0);
}

#[test]
fn a_phone_that_was_silent_is_heard_on_where_it_stopped() {
    // The silence is kept by a source that goes on; one that is new joins in.
    for (ssrc, ticks) in [(5, 160), (6, 80_000)] {
        let mut call = Bridged::new(Terms::pcmu());
        let (mut source, mut stream) = (Source::pcmu(5), Stream::new(TO_BROWSER));
        for _ in 0..5 {
            call.pass_ms(20);
            let sent = call.phone_says(&source.packet(b"before"));
            stream.next(sent, 160);
        }
        call.pass_ms(10_000);
        source.ssrc = ssrc;
        let sent = call.phone_says(&source.packet(b"after"));
        assert_eq!(stream.next(sent, ticks).marker, ssrc == 6);
        call.pass_ms(20);
        let sent = call.phone_says(&source.packet(b"and on"));
        stream.next(sent, 160);
    }
}

#[test]
fn a_phone_that_moves_is_spoken_to_in_the_same_stream() {
    let mut call = Bridged::new(Terms::pcmu());
    let (mut browser, mut source) = (Source::pcmu(1), Source::pcmu(5));
    let mut streams = [Stream::new(TO_PHONE), Stream::new(TO_BROWSER)];
    for _ in 0..5 {
        streams[0].next(call.browser_says(&browser.packet(b"to the first")), 160);
        streams[1].next(call.phone_says(&source.packet(b"from the first")), 160);
        call.pass_ms(20);
    }
    let old = call.media().remote;
    let moved = PhoneMedia {
        remote: at(4, 6000),
        rtcp: at(4, 6001),
        formats: Formats {
            codec: same(97),
            ..call.media().formats
        },
        ..call.media()
    };
    call.set_phone(moved);
    let mut other = Source {
        payload_type: 97,
        sequence: 7,
        ..Source::pcmu(6)
    };
    for packet in 0..5 {
        let sent = call.browser_says(&browser.packet(b"to the second"));
        let header = streams[0].next(sent, 160);
        assert_eq!((header.payload_type, header.marker), (97, false));
        assert_eq!(call.says_from(old, &source.packet(b"too late")), None);
        let sent = call.says_from(at(4, 6000), &other.packet(b"from the second"));
        // The first stopped 20 ms before the second began.
        let header = streams[1].next(sent, 160);
        assert_eq!((header.payload_type, header.marker), (0, packet == 0));
        call.pass_ms(20);
    }
    let drops = call.stats().to_browser.counts.drops;
    assert_eq!(drops.of(DropReason::WrongSource), 5);
}

#[test]
fn sources_take_turns_in_one_stream() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut stream = Stream::new(TO_BROWSER);
    let mut sources = [Source::pcmu(5), Source::pcmu(6)];
    sources[1].sequence = 9;
    for turn in 0..40 {
        let source = &mut sources[turn / 3 % 2];
        let sent = call.phone_says(&source.packet(b"now me"));
        assert_eq!(stream.next(sent, 160).marker, turn % 3 == 0, "turn {turn}");
        call.pass_ms(20);
    }
}

#[test]
fn marks_begin_talk_spurts_and_keys_and_nothing_else() {
    let mut call = Bridged::new(Terms::pcmu());
    let (mut source, mut stream) = (Source::pcmu(5), Stream::new(TO_BROWSER));
    let mut mark = |call: &mut Bridged, packet: &[u8], ticks| {
        call.pass_ms(20);
        stream.next(call.phone_says(packet), ticks).marker
    };
    assert!(mark(&mut call, &source.packet(b"first"), 0));
    assert!(!mark(&mut call, &source.packet(b"second"), 160));
    // A silence without packets, then a spurt.
    source.timestamp += 1600;
    assert!(mark(&mut call, &source.marked(true, b"spurt"), 1760));
    assert!(!mark(&mut call, &source.packet(b"spurt"), 160));
    // Comfort noise, and a spurt of a phone that forgets its mark.
    assert!(!mark(&mut call, &source.other(13, &[40]), 160));
    source.timestamp += 800;
    assert!(mark(&mut call, &source.packet(b"after noise"), 800));
    assert!(!mark(&mut call, &source.packet(b"after noise"), 160));
    // A key: its first report is marked, all have its time.
    for report in 0..5 {
        let mut packet = source.other(101, &[5, 10, 0, 160]);
        packet[1] |= u8::from(report == 0) << 7;
        let ticks = if report == 0 { 160 } else { 0 };
        assert_eq!(mark(&mut call, &packet, ticks), report == 0);
    }
    assert!(!mark(&mut call, &source.packet(b"and on"), 0));
}

#[test]
fn what_the_far_side_lacks_leaves_no_gap() {
    let terms = Terms {
        phone: Formats {
            telephone_event: None,
            comfort_noise: None,
            ..Terms::pcmu().phone
        },
        ..Terms::pcmu()
    };
    let mut call = Bridged::new(terms);
    let (mut browser, mut stream) = (Source::pcmu(1), Stream::new(TO_PHONE));
    for turn in 0..50 {
        stream.next(call.browser_says(&browser.packet(b"heard")), 160);
        if turn % 4 == 0 {
            assert_eq!(call.browser_says(&browser.other(13, &[40])), None);
            assert_eq!(
                call.browser_says(&browser.other(126, &[5, 0, 0, 160])),
                None
            );
        }
        call.pass_ms(20);
    }
    let counts = call.stats().to_phone.counts;
    assert_eq!(counts.drops.of(DropReason::PayloadType), 26);
    assert_eq!((counts.received.packets, counts.sent.packets), (76, 50));
    assert_eq!(counts.lost, 0, "what was dropped here did arrive");
}

#[test]
fn what_comes_before_the_phone_answers_is_dropped_and_leaves_no_gap() {
    let mut call = Bridged::ringing(Terms::pcmu());
    let (mut browser, mut source) = (Source::pcmu(1), Source::pcmu(5));
    for _ in 0..10 {
        assert_eq!(call.browser_says(&browser.packet(b"hello?")), None);
        assert_eq!(call.phone_says(&source.packet(b"forged")), None);
    }
    call.set_phone(call.media());
    let mut stream = Stream::new(TO_PHONE);
    assert!(
        stream
            .next(call.browser_says(&browser.packet(b"hello")), 0)
            .marker
    );
    let stats = call.stats();
    assert_eq!(stats.to_phone.counts.drops.of(DropReason::TooEarly), 10);
    assert_eq!(stats.to_browser.counts.drops.of(DropReason::TooEarly), 10);
}
