//! RTCP ends at the bridge and is made anew for each side.
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

use std::time::Duration;

use bridged::{Bridged, CNAME, EPOCH, Report, Source, TO_BROWSER, TO_PHONE, Terms, at, read};
use bytes::BytesMut;
use examples::bridge::rtcp::{self, Packet, ReportBlock, SenderInfo};
use examples::bridge::{PhoneMedia, PhonePort};

/// A report of ours: its sender's information if it has one, its block if it has one.
struct Told {
    ssrc: u32,
    info: Option<SenderInfo>,
    block: Option<ReportBlock>,
    bye: bool,
}

/// Reads a compound of ours and checks what all have: a report first, then our name.
fn told(report: &Report) -> Told {
    let mut packets = rtcp::read(&report.compound).expect("a compound");
    let (ssrc, info, mut blocks) = match packets.next().unwrap() {
        Packet::SenderReport { ssrc, info, blocks } => (ssrc, Some(info), blocks),
        Packet::ReceiverReport { ssrc, blocks } => (ssrc, None, blocks),
        other => panic!("{other:?}"),
    };
    assert_eq!(packets.next(), Some(Packet::Other(202)));
    let name = [&[1, CNAME.len() as u8], CNAME.as_bytes()].concat();
    let mut windows = report.compound.windows(name.len());
    assert!(windows.any(|octets| octets == name), "our name");
    let bye = match packets.next() {
        Some(Packet::Bye(mut sources)) => sources.next() == Some(ssrc),
        None => false,
        other => panic!("{other:?}"),
    };
    let block = blocks.next();
    assert!(blocks.next().is_none() && packets.next().is_none());
    Told {
        ssrc,
        info,
        block,
        bye,
    }
}

/// Both sides speak for a while. The phone loses every tenth of its packets on the way to us.
fn talk(call: &mut Bridged, sources: &mut [Source; 2], packets: u16) {
    for _ in 0..packets {
        call.browser_says(&sources[0].packet(&[1; 160])).unwrap();
        let packet = sources[1].packet(&[2; 160]);
        if !sources[1].sequence.is_multiple_of(10) {
            call.phone_says(&packet).unwrap();
        }
        call.pass_ms(20);
    }
}

fn sources() -> [Source; 2] {
    [Source::pcmu(1), Source::pcmu(5)]
}

#[test]
fn each_side_gets_reports_about_its_own_and_our_stream() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut sources = sources();
    talk(&mut call, &mut sources, 500);
    let (port, remote, last) = call.phone_reports.last().unwrap();
    assert_eq!((*port, *remote), (PhonePort::Rtcp, at(3, 4001)));
    let to_phone = told(last);
    assert_eq!(to_phone.ssrc, TO_PHONE);
    let info = to_phone.info.unwrap();
    let sent = u64::from(info.packets) * 160;
    assert_eq!(u64::from(info.octets), sent, "payload alone");
    assert!((300..=500).contains(&info.packets), "{}", info.packets);
    assert!((3_988_988_800..3_988_988_811).contains(&(info.ntp >> 32)));
    let block = to_phone.block.unwrap();
    assert_eq!(block.ssrc, 5);
    assert!(
        (20..=30).contains(&block.fraction_lost),
        "{}",
        block.fraction_lost
    );
    assert!((30..=50).contains(&block.lost), "{}", block.lost);
    assert_eq!(
        block.highest_sequence >> 16,
        u32::from(sources[1].sequence < 60_000)
    );

    let last = call.browser_reports.last().unwrap();
    let to_browser = told(last);
    assert_eq!(to_browser.ssrc, TO_BROWSER);
    assert!(to_browser.info.is_some());
    let block = to_browser.block.unwrap();
    assert_eq!((block.ssrc, block.lost, block.fraction_lost), (1, 0, 0));

    let stats = call.stats();
    assert_eq!(
        (stats.to_phone.counts.lost, stats.to_browser.counts.lost),
        (0, 49),
        "nobody knows yet of the last"
    );
    assert!(stats.to_phone.jitter < Duration::from_millis(1));
    let reports = [
        stats.to_phone.counts.rtcp_sent,
        stats.to_browser.counts.rtcp_sent,
    ];
    let seen = [call.phone_reports.len(), call.browser_reports.len()];
    assert_eq!(reports, seen.map(|seen| seen as u64));
}

#[test]
fn the_time_in_a_report_is_that_of_the_stream() {
    let mut call = Bridged::new(Terms::pcmu());
    let start = call.now;
    let mut source = Source::pcmu(1);
    let first = call.browser_says(&source.packet(&[1; 160])).unwrap();
    let (first, _) = read(&first);
    call.pass(Duration::from_secs(4));
    let (_, _, report) = &call.phone_reports[0];
    let info = told(report).info.unwrap();
    let passed = (report.at - start).as_secs_f64();
    let ticks = f64::from(info.timestamp.wrapping_sub(first.timestamp));
    assert!(
        (ticks / 8000.0 - passed).abs() < 0.001,
        "{ticks} in {passed} s"
    );
    let ntp = info.ntp as f64 / 2_f64.powi(32) - 2_208_988_800.0;
    let since_start = ntp - EPOCH.as_secs_f64();
    assert!((since_start - passed).abs() < 0.001, "{since_start}");
}

#[test]
fn reports_come_every_five_seconds_spread_by_half_and_the_first_sooner() {
    let mut call = Bridged::new(Terms::pcmu());
    let start = call.now;
    call.pass(Duration::from_secs(600));
    let phone = call.phone_reports.iter().map(|(_, _, report)| report.at);
    let browser = call.browser_reports.iter().map(|report| report.at);
    for times in [phone.collect::<Vec<_>>(), browser.collect()] {
        let first = (times[0] - start).as_secs_f64();
        assert!((1.25..=3.75).contains(&first), "the first after {first} s");
        let waits: Vec<_> = times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        assert!(
            waits.iter().all(|wait| (2.5..=7.5).contains(wait)),
            "{waits:?}"
        );
        let spread = waits.iter().copied().fold(0.0, f64::max)
            - waits.iter().copied().fold(f64::MAX, f64::min);
        assert!(spread > 3.0, "{waits:?}");
        let mean = waits.iter().sum::<f64>() / waits.len() as f64;
        assert!((4.5..=5.5).contains(&mean), "{mean}");
    }
    assert_ne!(call.phone_reports[0].2.at, call.browser_reports[0].at);
}

#[test]
fn who_sends_nothing_reports_as_a_receiver() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut source = Source::pcmu(5);
    for _ in 0..400 {
        call.phone_says(&source.packet(&[2; 160])).unwrap();
        call.pass_ms(20);
    }
    let (_, _, report) = call.phone_reports.last().unwrap();
    let to_phone = told(report);
    assert!(to_phone.info.is_none() && to_phone.block.is_some());
    assert!(told(call.browser_reports.last().unwrap()).info.is_some());
    // After two reports without a packet of ours, the browser is told by a receiver.
    call.browser_reports.clear();
    call.pass(Duration::from_secs(30));
    let kinds: Vec<_> = call
        .browser_reports
        .iter()
        .map(|report| told(report).info.is_some())
        .collect();
    assert!(!kinds[2..].contains(&true), "{kinds:?}");
    assert!(told(call.browser_reports.last().unwrap()).block.is_none());
}

#[test]
fn the_answers_to_our_reports_give_the_round_trip() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut sources = sources();
    talk(&mut call, &mut sources, 200);
    assert_eq!(call.stats().to_phone.reported, None);
    call.phone_reports.clear();
    call.browser_reports.clear();
    talk(&mut call, &mut sources, 400);
    // Each side has had our report for a second, and its answer travels as long as the report.
    let (_, _, report) = call.phone_reports.pop().unwrap();
    let to_phone = (told(&report).info.unwrap(), report.at, TO_PHONE);
    let report = call.browser_reports.pop().unwrap();
    let to_browser = (told(&report).info.unwrap(), report.at, TO_BROWSER);
    for (trip, (info, at, ssrc)) in [(80, to_phone), (120, to_browser)] {
        let trip = Duration::from_millis(trip);
        let held = call.now - at - trip;
        let block = ReportBlock {
            ssrc,
            fraction_lost: 0,
            lost: 9,
            highest_sequence: 1,
            jitter: 80,
            last_report: (info.ntp >> 16) as u32,
            delay: (held.as_secs_f64() * 65_536.0) as u32,
        };
        let mut compound = BytesMut::new();
        let foreign = ReportBlock { ssrc: 4, ..block };
        rtcp::receiver_report(&mut compound, 5, Some(foreign));
        rtcp::receiver_report(&mut compound, 5, Some(block));
        let stats = match ssrc {
            TO_PHONE => {
                call.phone_reports(&compound);
                call.stats().to_phone
            }
            _ => {
                call.browser_reports(&compound);
                call.stats().to_browser
            }
        };
        let reported = stats.reported.unwrap();
        assert_eq!((reported.lost, reported.jitter.as_millis()), (9, 10));
        let measured = reported.round_trip.unwrap();
        assert!(
            measured.abs_diff(trip) < Duration::from_millis(1),
            "{measured:?}"
        );
    }
    assert_eq!(call.stats().to_browser.counts.rtcp, 1);
    assert_eq!(call.stats().to_phone.counts.rtcp, 1);
}

#[test]
fn feedback_ends_here() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut compound = BytesMut::new();
    rtcp::receiver_report(&mut compound, 1, None);
    for (kind, count) in [(205, 15), (205, 1), (206, 15), (207, 0), (204, 0)] {
        compound.extend_from_slice(&[0x80 | count, kind, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xb1]);
    }
    let reports = [call.phone_reports.len(), call.browser_reports.len()];
    call.browser_reports(&compound);
    call.phone_reports(&compound);
    assert_eq!(
        reports,
        [call.phone_reports.len(), call.browser_reports.len()]
    );
    let stats = call.stats();
    assert_eq!(
        (stats.to_phone.counts.rtcp, stats.to_browser.counts.rtcp),
        (1, 1)
    );
    assert_eq!(stats.to_phone.counts.drops, Default::default());
    assert_eq!(stats.to_browser.counts.drops, Default::default());
}

#[test]
fn the_end_is_said_to_both() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut sources = sources();
    talk(&mut call, &mut sources, 10);
    call.close();
    let (port, remote, last) = call.phone_reports.last().unwrap();
    assert_eq!((*port, *remote), (PhonePort::Rtcp, at(3, 4001)));
    let last = told(last);
    assert!(last.bye && last.ssrc == TO_PHONE);
    let last = told(call.browser_reports.last().unwrap());
    assert!(last.bye && last.ssrc == TO_BROWSER);
    let counts = [call.phone_reports.len(), call.browser_reports.len()];
    call.pass(Duration::from_secs(60));
    assert_eq!(
        counts,
        [call.phone_reports.len(), call.browser_reports.len()]
    );
    assert_eq!(call.bridge.poll_timeout(), None, "it is over");

    let mut unheard = Bridged::ringing(Terms::pcmu());
    unheard.close();
    assert!(unheard.phone_reports.is_empty() && unheard.browser_reports.is_empty());
}

#[test]
fn reports_go_on_while_a_phone_holds() {
    let mut call = Bridged::new(Terms::pcmu());
    let held = PhoneMedia {
        listens: false,
        speaks: false,
        ..call.media()
    };
    call.set_phone(held);
    call.pass(Duration::from_secs(60));
    assert!(call.phone_reports.len() >= 8);
    // Without an address not even reports, nor a goodbye; with one again, both.
    let nowhere = PhoneMedia {
        takes_reports: false,
        ..held
    };
    for (media, sent) in [(nowhere, false), (call.media(), true)] {
        call.set_phone(media);
        call.phone_reports.clear();
        call.pass(Duration::from_secs(60));
        assert_eq!(call.phone_reports.len() >= 8, sent);
        assert_eq!(call.phone_reports.is_empty(), !sent);
    }
    call.set_phone(nowhere);
    call.phone_reports.clear();
    call.close();
    assert!(call.phone_reports.is_empty());
}

#[test]
fn rtcp_shares_the_port_where_that_was_agreed() {
    let mut call = Bridged::new(Terms::pcmu());
    let muxed = PhoneMedia {
        rtcp: call.media().remote,
        ..call.media()
    };
    call.set_phone(muxed);
    call.pass(Duration::from_secs(4));
    let (port, remote, _) = call.phone_reports.last().unwrap();
    assert_eq!((*port, *remote), (PhonePort::Rtp, muxed.remote));
    let report = [0x80, 201, 0, 1, 0, 0, 0, 5];
    assert_eq!(call.says_from(muxed.remote, &report), None);
    assert_eq!(call.says_from(at(66, 4000), &report), None);
    let counts = call.stats().to_browser.counts;
    assert_eq!((counts.rtcp, counts.received.packets), (1, 0));
    // Where it was not, it is no RTP.
    call.set_phone(call.media());
    assert_eq!(call.phone_says(&report), None);
    assert_eq!(call.stats().to_browser.counts.rtcp, 1);
}

#[test]
fn what_is_no_media_of_the_call_ends_no_source() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut sources = sources();
    talk(&mut call, &mut sources, 100);
    // A phone that multiplexes although it was not agreed on.
    let mut compound = BytesMut::new();
    let info = SenderInfo {
        ntp: 0x1111_2222_3333_4444,
        timestamp: 0,
        packets: 0,
        octets: 0,
    };
    rtcp::sender_report(&mut compound, 5, info, None);
    let from = call.media().remote;
    assert_eq!(call.says_from(from, &compound), None);
    talk(&mut call, &mut sources, 100);
    call.phone_reports.clear();
    call.pass(Duration::from_secs(8));
    let reports = call.phone_reports.iter().map(|(_, _, report)| told(report));
    let block = reports.filter_map(|told| told.block).next().unwrap();
    assert_eq!((block.ssrc, block.lost), (5, 19), "of one source");
}

#[test]
fn a_source_that_says_goodbye_is_not_reported_any_more() {
    let mut call = Bridged::new(Terms::pcmu());
    let mut sources = sources();
    talk(&mut call, &mut sources, 100);
    let mut compound = BytesMut::new();
    rtcp::receiver_report(&mut compound, 5, None);
    rtcp::bye(&mut compound, 5);
    call.phone_reports(&compound);
    call.phone_reports.clear();
    call.pass(Duration::from_secs(8));
    assert!(
        call.phone_reports
            .iter()
            .all(|(_, _, report)| told(report).block.is_none())
    );
    assert_eq!(
        call.stats().to_browser.counts.lost,
        9,
        "the losses are remembered"
    );
}
