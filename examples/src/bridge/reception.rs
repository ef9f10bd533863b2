//! What arrives of one side's RTP: losses, jitter, and the report block that tells them
//! (RFC 3550 §6.4.1, §A.1, §A.3, §A.8).

use std::time::{Duration, Instant};

use super::formats::Kind;
use super::ntp;
use super::rtcp::{ReportBlock, SenderInfo};
use super::rtp::Header;
use super::sequence::{continues, is_newer};

/// A timestamp that jumps by more than so many seconds is a new time line, and no jitter.
const NEW_TIME_LINE: u32 = 2;

/// The packets of one side. Its source may change, or begin anew; the losses of all are added up.
#[derive(Debug)]
pub(super) struct Reception {
    clock_rate: u32,
    source: Option<Source>,
    lost_before: u64,
    report: Option<SenderReport>,
}

/// The last sender report.
#[derive(Debug, Clone, Copy)]
struct SenderReport {
    ssrc: u32,
    /// The middle 32 bits of its NTP time.
    ntp: u32,
    at: Instant,
}

/// The counters of one source, named as in RFC 3550 §A.1.
#[derive(Debug)]
struct Source {
    ssrc: u32,
    began: Instant,
    base: u32,
    /// The highest sequence number, with the cycles in the upper half.
    highest: u32,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    /// Arrival less timestamp of the last packet, in the clock of the stream.
    transit: Option<u32>,
    /// 16 times the jitter.
    jitter: u32,
}

impl Reception {
    /// Nothing has come yet. The clock rate, of audio, is in Hz.
    pub(super) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            source: None,
            lost_before: 0,
            report: None,
        }
    }

    /// A packet has arrived. The timestamp of audio says when it was sampled; that of an event says
    /// when the event began. What was not agreed on, such as RTCP at the port of RTP, has its
    /// place in the count of a source, but begins none.
    pub(super) fn arrived(&mut self, now: Instant, header: Header, kind: Option<Kind>) {
        let clock_rate = self.clock_rate;
        let goes_on = self.source.as_ref().is_some_and(|source| {
            source.ssrc == header.ssrc && continues(source.highest as u16, header.sequence)
        });
        if !goes_on {
            if kind.is_none() {
                return;
            }
            self.end_source();
        }
        let source = self
            .source
            .get_or_insert_with(|| Source::beginning_with(now, header));
        source.count(header.sequence);
        if kind == Some(Kind::Audio) {
            source.time(now, header.timestamp, clock_rate);
        }
    }

    /// A sender report has arrived.
    pub(super) fn reported(&mut self, now: Instant, ssrc: u32, info: &SenderInfo) {
        self.report = Some(SenderReport {
            ssrc,
            ntp: ntp::middle(info.ntp),
            at: now,
        });
    }

    /// A source has said goodbye.
    pub(super) fn left(&mut self, ssrc: u32) {
        if self
            .source
            .as_ref()
            .is_some_and(|source| source.ssrc == ssrc)
        {
            self.end_source();
        }
    }

    fn end_source(&mut self) {
        self.lost_before = self.lost();
        self.source = None;
    }

    /// Packets lost so far, of all sources.
    pub(super) fn lost(&self) -> u64 {
        let lost = self.source.as_ref().map_or(0, Source::lost);
        self.lost_before + u64::try_from(lost).unwrap_or(0)
    }

    /// The jitter of the present source.
    pub(super) fn jitter(&self) -> Duration {
        let ticks = self.source.as_ref().map_or(0, Source::jitter);
        duration(ticks, self.clock_rate)
    }

    /// What is to be told of the present source. `None` if it has sent nothing since the last
    /// block (RFC 3550 §6.4).
    pub(super) fn block(&mut self, now: Instant) -> Option<ReportBlock> {
        let source = self.source.as_mut()?;
        let report = self.report.filter(|report| report.ssrc == source.ssrc);
        let fraction_lost = source.fraction_lost()?;
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost,
            lost: i32::try_from(source.lost()).unwrap_or(i32::MAX),
            highest_sequence: source.highest,
            jitter: source.jitter(),
            last_report: report.map_or(0, |report| report.ntp),
            delay: report.map_or(0, |report| {
                ntp::short(now.saturating_duration_since(report.at))
            }),
        })
    }
}

impl Source {
    fn beginning_with(now: Instant, first: Header) -> Self {
        let base = u32::from(first.sequence);
        Self {
            ssrc: first.ssrc,
            began: now,
            base,
            highest: base,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
        }
    }

    fn count(&mut self, sequence: u16) {
        self.received = self.received.wrapping_add(1);
        let newest = self.highest as u16;
        if is_newer(sequence, newest) {
            let step = u32::from(sequence.wrapping_sub(newest));
            self.highest = self.highest.wrapping_add(step);
        }
    }

    /// RFC 3550 §A.8.
    fn time(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        let arrival = ticks(now.saturating_duration_since(self.began), clock_rate);
        let transit = arrival.wrapping_sub(timestamp);
        let Some(last) = self.transit.replace(transit) else {
            return;
        };
        let difference = (transit.wrapping_sub(last) as i32).unsigned_abs();
        if difference < clock_rate.saturating_mul(NEW_TIME_LINE) {
            self.jitter += difference;
            self.jitter -= (self.jitter - difference + 8) >> 4;
        }
    }

    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    /// Fewer than none where packets came twice.
    fn lost(&self) -> i64 {
        i64::from(self.expected()) - i64::from(self.received)
    }

    /// In the clock of the stream.
    fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// The losses since this was last asked, of 256 (RFC 3550 §A.3).
    fn fraction_lost(&mut self) -> Option<u8> {
        let received = self.received.wrapping_sub(self.received_prior);
        let expected = self.expected().wrapping_sub(self.expected_prior);
        if received == 0 {
            return None;
        }
        self.received_prior = self.received;
        self.expected_prior = self.expected();
        let lost = u64::from(expected.saturating_sub(received));
        let fraction = (lost << 8).checked_div(expected.into()).unwrap_or(0);
        Some(u8::try_from(fraction).unwrap_or(u8::MAX))
    }
}

/// A time in a clock of so many Hz, which wraps around as RTP time does.
pub(super) fn ticks(time: Duration, clock_rate: u32) -> u32 {
    let ticks = time.as_micros() * u128::from(clock_rate) / 1_000_000;
    (ticks & u128::from(u32::MAX)) as u32
}

/// The reverse of [`ticks`].
pub(super) fn duration(ticks: u32, clock_rate: u32) -> Duration {
    let micros = (u64::from(ticks) * 1_000_000).checked_div(clock_rate.into());
    Duration::from_micros(micros.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIO: Option<Kind> = Some(Kind::Audio);

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    fn packet(ssrc: u32, sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc,
        }
    }

    #[test]
    fn losses_are_told_since_the_last_block_and_in_all() {
        let now = origin();
        let mut reception = Reception::new(8000);
        assert_eq!(reception.block(now), None);
        // Of 65532 to 3 the last is late, 65535 and 1 are missing, 65533 comes twice.
        for sequence in [65_532, 65_533, 65_533, 65_534, 0, 3, 2] {
            reception.arrived(now, packet(1, sequence), AUDIO);
        }
        let block = reception.block(now).unwrap();
        assert_eq!(block.highest_sequence, 0x1_0003);
        assert_eq!(
            (block.lost, block.fraction_lost),
            (1, 32),
            "8 expected, 7 came"
        );
        assert_eq!(reception.block(now), None, "nothing new");
        reception.arrived(now, packet(1, 5), AUDIO);
        let block = reception.block(now).unwrap();
        assert_eq!((block.lost, block.fraction_lost), (2, 128));
        assert_eq!(reception.lost(), 2);
    }

    #[test]
    fn the_losses_of_former_sources_are_kept() {
        let now = origin();
        let mut reception = Reception::new(8000);
        for (ssrc, sequence) in [(1, 1), (1, 3), (2, 900), (2, 902), (2, 50_000), (2, 50_000)] {
            reception.arrived(now, packet(ssrc, sequence), AUDIO);
        }
        assert_eq!(
            reception.lost(),
            2,
            "a second copy makes good no loss of another"
        );
        assert_eq!(reception.block(now).unwrap().lost, -1);
        reception.left(1);
        assert!(reception.block(now).is_none() && reception.source.is_some());
        reception.left(2);
        assert!(reception.source.is_none());
        assert_eq!(reception.lost(), 2);
    }

    #[test]
    fn jitter_follows_the_arrivals_of_audio() {
        let mut now = origin();
        let mut reception = Reception::new(8000);
        for sequence in 0..400 {
            // Every other packet is 5 ms late.
            let late = Duration::from_millis(u64::from(sequence % 2) * 5);
            reception.arrived(now + late, packet(1, sequence), AUDIO);
            reception.arrived(now + late, packet(1, sequence), Some(Kind::Event));
            now += Duration::from_millis(20);
        }
        let jitter = reception.jitter().as_micros();
        assert!((4500..=5000).contains(&jitter), "{jitter} us");
        // A time line that begins anew does not count.
        let moved = Header {
            timestamp: 0xdead_beef,
            ..packet(1, 400)
        };
        reception.arrived(now, moved, AUDIO);
        assert!(reception.jitter().as_micros() <= jitter);
    }

    #[test]
    fn the_last_sender_report_of_the_source_is_referred_to() {
        let now = origin();
        let mut reception = Reception::new(8000);
        let info = SenderInfo {
            ntp: 0x1111_2222_3333_4444,
            timestamp: 0,
            packets: 0,
            octets: 0,
        };
        reception.reported(now, 1, &info);
        reception.arrived(now, packet(1, 1), AUDIO);
        let block = reception.block(now + Duration::from_secs(2)).unwrap();
        assert_eq!((block.last_report, block.delay), (0x2222_3333, 0x2_0000));
        reception.arrived(now, packet(9, 1), AUDIO);
        let block = reception.block(now).unwrap();
        assert_eq!(
            (block.last_report, block.delay),
            (0, 0),
            "of another source"
        );
    }
}
