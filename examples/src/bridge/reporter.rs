//! Our own RTCP towards one side: when it is due, what it says, and what the side answers to it.
//!
//! There are two participants, so that the interval is the least one of RFC 3550 §6.2, and
//! membership never changes, so that there is no timer reconsideration (§6.3) and nothing to
//! compensate for it.

use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::ntp::{self, NtpOrigin};
use super::reception::{Reception, duration};
use super::rtcp::{self, ReportBlock, SenderInfo};
use super::stats::{Reported, Traffic};

/// The least interval of reports (RFC 3550 §6.2). Half of it before the first one.
const INTERVAL: Duration = Duration::from_secs(5);

/// Who has sent nothing for so many reports is no sender any more (RFC 3550 §6.3.8).
const SENDER_FOR: u8 = 2;

/// What reports are made with.
#[derive(Debug, Clone)]
pub struct ReportConfig {
    /// Our canonical name (RFC 3550 §6.5.1, RFC 7022), at most 255 octets.
    pub cname: String,
    /// Wall-clock time.
    pub clock: NtpOrigin,
    /// Randomness for the intervals. Not secret.
    pub seed: u64,
}

/// Reports about what one side sends us, and of what we send it.
#[derive(Debug)]
pub(super) struct Reporter {
    ssrc: u32,
    clock_rate: u32,
    config: ReportConfig,
    schedule: Schedule,
    sent: Traffic,
    /// Reports since a packet was last sent; [`SENDER_FOR`] before the first.
    idle: u8,
    /// Whether the side has seen anything of this source.
    has_spoken: bool,
    reported: Option<Reported>,
}

/// When the next report goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schedule {
    /// Never: nobody is there yet, or any more.
    Idle,
    At(Instant),
    /// As soon as somebody asks.
    Due,
}

impl Reporter {
    /// Reports under an SSRC. The clock rate, of the stream that we send, is in Hz.
    pub(super) fn new(ssrc: u32, clock_rate: u32, config: ReportConfig) -> Self {
        Self {
            ssrc,
            clock_rate,
            config,
            schedule: Schedule::Idle,
            sent: Traffic::default(),
            idle: SENDER_FOR,
            has_spoken: false,
            reported: None,
        }
    }

    /// The side is there: reports begin, if they have not.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.schedule == Schedule::Idle {
            self.schedule = Schedule::At(now + self.spread(INTERVAL / 2));
        }
    }

    /// The side is gone.
    pub(super) fn stop(&mut self) {
        self.schedule = Schedule::Idle;
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.schedule, Schedule::At(at) if at <= now) {
            self.schedule = Schedule::Due;
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.schedule {
            Schedule::At(at) => Some(at),
            Schedule::Idle | Schedule::Due => None,
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.schedule == Schedule::Due
    }

    /// A packet was sent, with so many octets of payload.
    pub(super) fn sent(&mut self, octets: usize) {
        self.sent.count(octets);
        self.idle = 0;
        self.has_spoken = true;
    }

    /// Appends a report and our name, and sets the time of the next one. `timestamp` is what
    /// the clock of our stream shows now, if it runs.
    pub(super) fn report(
        &mut self,
        now: Instant,
        incoming: &mut Reception,
        timestamp: Option<u32>,
        out: &mut BytesMut,
    ) {
        let block = incoming.block(now);
        match timestamp.filter(|_| self.idle < SENDER_FOR) {
            Some(timestamp) => {
                let info = SenderInfo {
                    ntp: self.config.clock.ntp(now),
                    timestamp,
                    // RFC 3550 §6.4.1: 32 bits that wrap around.
                    packets: self.sent.packets as u32,
                    octets: self.sent.octets as u32,
                };
                rtcp::sender_report(out, self.ssrc, info, block);
            }
            None => rtcp::receiver_report(out, self.ssrc, block),
        }
        rtcp::cname(out, self.ssrc, &self.config.cname);
        self.idle = self.idle.saturating_add(1);
        self.has_spoken = true;
        self.schedule = Schedule::At(now + self.spread(INTERVAL));
    }

    /// Appends the last report, with a goodbye, and stops. Answers whether there was anything to
    /// say: who has never sent says no goodbye (RFC 3550 §6.3.7).
    pub(super) fn goodbye(
        &mut self,
        now: Instant,
        incoming: &mut Reception,
        timestamp: Option<u32>,
        out: &mut BytesMut,
    ) -> bool {
        if !self.has_spoken {
            return false;
        }
        self.report(now, incoming, timestamp, out);
        rtcp::bye(out, self.ssrc);
        self.has_spoken = false;
        self.stop();
        true
    }

    /// The side has told what it receives.
    pub(super) fn told(&mut self, now: Instant, block: &ReportBlock) {
        if block.ssrc != self.ssrc {
            return;
        }
        let before = self.reported.and_then(|reported| reported.round_trip);
        self.reported = Some(Reported {
            lost: u64::try_from(block.lost).unwrap_or(0),
            jitter: duration(block.jitter, self.clock_rate),
            round_trip: self.round_trip(now, block).or(before),
        });
    }

    /// RFC 3550 §6.4.1. `None` if the block refers to no report of ours, or to none there was.
    fn round_trip(&self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        if block.last_report == 0 {
            return None;
        }
        let now = ntp::middle(self.config.clock.ntp(now));
        let units = now
            .wrapping_sub(block.last_report)
            .wrapping_sub(block.delay);
        // Clocks differ a little: a time just below zero is none at all.
        match i32::try_from(units) {
            Ok(_) => Some(ntp::from_short(units)),
            Err(_) => (units.wrapping_neg() < 1 << 10).then_some(Duration::ZERO),
        }
    }

    pub(super) fn reported(&self) -> Option<Reported> {
        self.reported
    }

    /// A time spread evenly over 0.5 to 1.5 times `interval` (RFC 3550 §6.3.1), so that reports
    /// of many calls do not fall together.
    fn spread(&mut self, interval: Duration) -> Duration {
        // splitmix64
        self.config.seed = self.config.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut random = self.config.seed;
        random = (random ^ random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        random = (random ^ random >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let fraction = (random ^ random >> 31) as u32;
        interval / 2 + interval.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
    }
}
