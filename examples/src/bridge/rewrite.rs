//! One outgoing RTP stream that the bridge owns, whatever happens to the stream it is fed from.

use std::time::{Duration, Instant};

use super::formats::Kind;
use super::reception::ticks;
use super::rtp::Header;
use super::sequence::{MAX_MISORDER, continues, is_newer};

/// How long after the end of a source packets of it may still be under way.
pub(super) const LATE: Duration = Duration::from_secs(2);

/// Gives packets of one or several incoming sources one SSRC, one run of sequence numbers and one
/// time line.
///
/// Within a source the gaps and the order of the packets are kept, so that the far side sees the
/// losses there were, and the distances of its timestamps. A packet that is not to be sent on
/// leaves no gap (`skip`). A new source, one whose numbers jump as if it had
/// restarted, and the first packet after an `interrupt` go on where the stream
/// ended, at the time that has passed since.
#[derive(Debug)]
pub struct Rewriter {
    ssrc: u32,
    clock_rate: u32,
    /// The newest sequence number sent.
    sequence: u16,
    /// Where the time line stands; `None` before the first packet.
    line: Option<TimeLine>,
    /// The timestamp of the first packet.
    first_timestamp: u32,
    /// The time between packets of audio.
    step: u32,
    /// The next audio begins a talk spurt: what came last was comfort noise.
    after_noise: bool,
    source: Option<Source>,
    /// The source before this one.
    former: Option<Former>,
}

/// A moment and what the stream's clock showed then.
#[derive(Debug, Clone, Copy)]
struct TimeLine {
    at: Instant,
    timestamp: u32,
}

/// A source that has ended: where it stood, and when. What comes late of it is not sent.
#[derive(Debug, Clone, Copy)]
struct Former {
    ssrc: u32,
    newest: u16,
    at: Instant,
}

/// The incoming stream and what is added to its numbers.
#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    /// The newest sequence number that came, and its timestamp if it was audio.
    newest: u16,
    timestamp: Option<u32>,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// Late packets from before this number are not sent: their numbers are others' by now.
    floor: Option<u16>,
    /// Late packets from before a number that was skipped have the offset of that time.
    earlier: Option<Earlier>,
}

#[derive(Debug, Clone, Copy)]
struct Earlier {
    before: u16,
    sequence_offset: u16,
}

impl Rewriter {
    /// A stream of its own: SSRC, clock rate in Hz, and 6 random octets for the start of its
    /// numbers. The first sequence number lies below 2^15, so that a receiver that joins late
    /// cannot guess the SRTP roll-over counter wrong, and not so low that a packet from before
    /// the first one would have a number below 0.
    #[must_use]
    pub fn new(ssrc: u32, clock_rate: u32, random: [u8; 6]) -> Self {
        let [s0, s1, t0, t1, t2, t3] = random;
        let sequence = u16::from_be_bytes([s0, s1]) & 0x7fff;
        Self {
            ssrc,
            clock_rate,
            sequence: sequence.max(MAX_MISORDER + 1).wrapping_sub(1),
            line: None,
            first_timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            step: clock_rate / 50,
            after_noise: false,
            source: None,
            former: None,
        }
    }

    /// The SSRC of everything sent.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The clock rate in Hz.
    #[must_use]
    pub fn clock_rate(&self) -> u32 {
        self.clock_rate
    }

    /// What the clock of the stream shows at `now`. `None` before the first packet.
    #[must_use]
    pub fn timestamp(&self, now: Instant) -> Option<u32> {
        let TimeLine { at, timestamp } = self.line?;
        let passed = now.saturating_duration_since(at);
        Some(timestamp.wrapping_add(ticks(passed, self.clock_rate)))
    }

    /// The header to send for an incoming one; only its payload type is still that of the side it
    /// came from. `None` if the packet is too late.
    pub(super) fn rewrite(&mut self, now: Instant, incoming: Header, kind: Kind) -> Option<Header> {
        if self.is_of_former(now, incoming) {
            return None;
        }
        let (mut source, joins) = match self.source {
            Some(source) if source.continues_with(incoming) => (source, false),
            _ => (self.join(now, incoming), true),
        };
        let sequence = source.sequence(incoming.sequence)?;
        let timestamp = incoming.timestamp.wrapping_add(source.timestamp_offset);
        if kind == Kind::Audio
            && let Some(step) = source.step(incoming)
            && (1..=self.clock_rate / 5).contains(&step)
        {
            self.step = step;
        }
        let is_newest = joins || is_newer(incoming.sequence, source.newest);
        source.follow(incoming, kind);
        self.source = Some(source);
        let begins = joins || self.after_noise && kind == Kind::Audio;
        if is_newest {
            self.sequence = sequence;
            self.after_noise = kind == Kind::Noise || self.after_noise && kind == Kind::Event;
            // All packets of an event have the time of its beginning.
            if joins || kind != Kind::Event {
                self.line = Some(TimeLine { at: now, timestamp });
            }
        }
        Some(Header {
            // Noise begins no talk spurt (RFC 3551 §4.1).
            marker: kind != Kind::Noise && (incoming.marker || begins && is_newest),
            payload_type: incoming.payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }

    /// A packet that came is not sent on, and leaves no gap: to the far side it has never been.
    pub(super) fn skip(&mut self, incoming: Header) {
        if let Some(source) = &mut self.source
            && source.continues_with(incoming)
            && incoming.sequence != source.newest
            && is_newer(incoming.sequence, source.newest)
        {
            source.skip(incoming.sequence);
        }
    }

    /// The far side hears nothing from now on, whatever comes. What is sent next joins on.
    pub(super) fn interrupt(&mut self, now: Instant) {
        if let Some(Source { ssrc, newest, .. }) = self.source.take() {
            let at = now;
            self.former = Some(Former { ssrc, newest, at });
        }
    }

    fn is_of_former(&self, now: Instant, packet: Header) -> bool {
        let present = self.source;
        self.former.is_some_and(|former| {
            let behind = former.newest.wrapping_sub(packet.sequence);
            packet.ssrc == former.ssrc
                && behind <= MAX_MISORDER
                && now.saturating_duration_since(former.at) < LATE
                && !present.is_some_and(|source| source.continues_with(packet))
        })
    }

    /// Takes up a new source right behind what was sent before.
    fn join(&mut self, now: Instant, first: Header) -> Source {
        self.interrupt(now);
        let timestamp = match (self.timestamp(now), self.line) {
            (Some(timestamp), Some(line)) => {
                // Two packets of audio have never the same time, however close they come.
                let passed = timestamp.wrapping_sub(line.timestamp);
                line.timestamp.wrapping_add(passed.max(self.step))
            }
            _ => self.first_timestamp,
        };
        Source {
            ssrc: first.ssrc,
            newest: first.sequence,
            timestamp: None,
            sequence_offset: self.sequence.wrapping_add(1).wrapping_sub(first.sequence),
            timestamp_offset: timestamp.wrapping_sub(first.timestamp),
            floor: self.line.is_some().then_some(first.sequence),
            earlier: None,
        }
    }
}

impl Source {
    /// Whether a packet belongs to this source: the same SSRC, and a sequence number that losses
    /// and reordering explain.
    fn continues_with(&self, packet: Header) -> bool {
        packet.ssrc == self.ssrc && continues(self.newest, packet.sequence)
    }

    /// The number to send for one that came.
    fn sequence(&self, sequence: u16) -> Option<u16> {
        if self.floor.is_some_and(|floor| !is_newer(sequence, floor)) {
            return None;
        }
        let offset = match self.earlier {
            Some(earlier) if !is_newer(sequence, earlier.before) => earlier.sequence_offset,
            _ => self.sequence_offset,
        };
        Some(sequence.wrapping_add(offset))
    }

    /// The time from the packet before to this one, if no other came between.
    fn step(&self, packet: Header) -> Option<u32> {
        let is_next = packet.sequence == self.newest.wrapping_add(1);
        let last = self.timestamp.filter(|_| is_next)?;
        Some(packet.timestamp.wrapping_sub(last))
    }

    /// A packet was taken.
    fn follow(&mut self, packet: Header, kind: Kind) {
        if is_newer(packet.sequence, self.newest) {
            self.newest = packet.sequence;
            self.timestamp = (kind == Kind::Audio).then_some(packet.timestamp);
            self.forget();
        }
    }

    /// The next packet takes the number that this one would have had.
    fn skip(&mut self, sequence: u16) {
        let ran_on = sequence == self.newest.wrapping_add(1);
        self.earlier = match self.earlier {
            // One run of skipped packets: nothing between them was sent.
            Some(earlier) if ran_on && self.is_skipped(earlier) => Some(earlier),
            before => {
                // What is older than the last but one skipped packet cannot be numbered any more.
                self.floor = before.map(|earlier| earlier.before).or(self.floor);
                Some(Earlier {
                    before: sequence,
                    sequence_offset: self.sequence_offset,
                })
            }
        };
        self.newest = sequence;
        self.timestamp = None;
        self.sequence_offset = self.sequence_offset.wrapping_sub(1);
        self.forget();
    }

    /// Whether everything from a skipped packet up to the newest was skipped.
    fn is_skipped(&self, earlier: Earlier) -> bool {
        let skipped = earlier.sequence_offset.wrapping_sub(self.sequence_offset);
        self.newest.wrapping_sub(earlier.before).wrapping_add(1) == skipped
    }

    /// What no packet can reach back to any more would be misread once the numbers have come
    /// halfway around.
    fn forget(&mut self) {
        let newest = self.newest;
        let is_near = |sequence: u16| newest.wrapping_sub(sequence) <= MAX_MISORDER;
        self.floor = self.floor.filter(|floor| is_near(*floor));
        self.earlier = self.earlier.filter(|earlier| is_near(earlier.before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn origin() -> Instant {
        Instant::now()
    }

    fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
        }
    }

    /// A packet of 20 ms in a stream that began with timestamp 0.
    fn paced(ssrc: u32, sequence: u16) -> Header {
        packet(ssrc, sequence, u32::from(sequence) * 160)
    }

    fn stream() -> Rewriter {
        Rewriter::new(7, 8000, [0x10, 0, 0, 0, 0, 9])
    }

    impl Rewriter {
        fn audio(&mut self, now: Instant, incoming: Header) -> Header {
            self.rewrite(now, incoming, Kind::Audio).unwrap()
        }
    }

    #[test]
    fn numbers_start_where_the_seed_says_and_keep_gaps_and_order() {
        let now = origin();
        let mut out = Rewriter::new(7, 8000, [0xff, 0xfe, 0, 0, 0, 9]);
        assert_eq!(out.timestamp(now), None);
        let first = out.audio(now, packet(1, 65535, 160));
        assert_eq!(
            (first.sequence, first.timestamp, first.ssrc),
            (0x7ffe, 9, 7)
        );
        assert!(first.marker, "a stream begins with a marker");
        let third = out.audio(now, packet(1, 1, 480));
        let second = out.audio(now, packet(1, 0, 320));
        assert_eq!((second.sequence, second.timestamp), (0x7fff, 169));
        assert_eq!((third.sequence, third.timestamp), (0x8000, 329));
        assert!(!second.marker && !third.marker);
        assert_eq!(out.timestamp(now + 20 * MS), Some(489));
        let before = out.audio(now, packet(1, 65_437, 0));
        assert_eq!(before.sequence, 0x7ffe - 98, "before the first");
        let lowest = Rewriter::new(7, 8000, [0; 6]).audio(now, packet(1, 0, 0));
        assert_eq!(lowest.sequence, 101, "room for those before the first");
    }

    #[test]
    fn a_new_source_goes_on_behind_the_old_one() {
        let now = origin();
        let mut out = stream();
        let before = out.audio(now, packet(1, 100, 1000));
        let after = out.audio(now + 40 * MS, packet(2, 60000, 77));
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp, before.timestamp + 320);
        assert!(after.marker);
        assert_eq!(after.ssrc, 7);
        let late = out.rewrite(now + 41 * MS, packet(1, 99, 840), Kind::Audio);
        assert_eq!(late, None, "late of the old one");
        let late = out.rewrite(now + 41 * MS, packet(2, 59_999, 0), Kind::Audio);
        assert_eq!(late, None, "from before the new one was taken up");
        // The old one is back, at once: two packets have never the same time.
        let back = out.audio(now + 40 * MS, packet(1, 101, 1160));
        assert_eq!(back.sequence, after.sequence + 1);
        assert_eq!(back.timestamp, after.timestamp + 160);
    }

    #[test]
    fn a_source_that_restarts_its_numbers_goes_on_behind_itself() {
        let now = origin();
        let mut out = stream();
        let before = out.audio(now, packet(1, 50_000, 1000));
        let gap = out.audio(now, packet(1, 52_999, 1000));
        assert_eq!(gap.sequence - before.sequence, 2999, "a long gap is kept");
        let restarted = out.audio(now, packet(1, 7, 0));
        assert_eq!(restarted.sequence, gap.sequence + 1);
        assert!(restarted.marker);
        let late = out.rewrite(now, packet(1, 5, 0), Kind::Audio);
        assert_eq!(late, None, "its number is that of another packet");
        let next = out.audio(now, packet(1, 9, 0));
        let late = out.audio(now, packet(1, 8, 0));
        assert_eq!(late.sequence, next.sequence - 1, "reordering is kept");
    }

    #[test]
    fn an_interruption_leaves_no_gap_and_takes_its_time() {
        let now = origin();
        let mut out = stream();
        let before = out.audio(now, paced(1, 100));
        out.interrupt(now + 20 * MS);
        out.interrupt(now + 40 * MS);
        let late = out.rewrite(now + 60 * MS, paced(1, 99), Kind::Audio);
        assert_eq!(late, None);
        // Numbers went on meanwhile, time stood still.
        let after = out.audio(now + 5000 * MS, packet(1, 350, 101 * 160));
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp, before.timestamp + 40_000);
        assert!(after.marker);
        // After so long, the numbers of then are nobody's.
        out.interrupt(now + 5000 * MS);
        let wrapped = out.audio(now + 9000 * MS, paced(1, 340));
        assert_eq!(wrapped.sequence, after.sequence + 1);
    }

    #[test]
    fn skipped_packets_leave_no_gap_and_no_number_is_used_twice() {
        let now = origin();
        let mut out = stream();
        let sent = |out: &mut Rewriter, sequence| {
            let header = out.rewrite(now, paced(1, sequence), Kind::Audio);
            header.map(|header| header.sequence - 0x1000)
        };
        assert_eq!(sent(&mut out, 10), Some(0));
        // 11 is late; 12 and 13 are skipped, as is 16.
        out.skip(paced(1, 12));
        out.skip(paced(1, 13));
        out.skip(paced(1, 13));
        assert_eq!(sent(&mut out, 14), Some(2));
        assert_eq!(sent(&mut out, 11), Some(1));
        assert_eq!(sent(&mut out, 15), Some(3));
        out.skip(paced(1, 16));
        assert_eq!(sent(&mut out, 18), Some(5));
        assert_eq!(sent(&mut out, 17), Some(4));
        assert_eq!(sent(&mut out, 9), None, "two runs ago");
        out.skip(paced(1, 8));
        assert_eq!(
            sent(&mut out, 19),
            Some(6),
            "a late one is skipped without a trace"
        );
        // Halfway around the numbers, nothing is left of it.
        for sequence in 20..=40_000 {
            assert_eq!(sent(&mut out, sequence), Some(sequence - 13));
        }
    }

    #[test]
    fn marks_stand_at_the_begin_of_a_talk_spurt_only() {
        let now = origin();
        let mut out = stream();
        let mut mark = |sequence, marker, kind| {
            let incoming = Header {
                marker,
                ..paced(1, sequence)
            };
            out.rewrite(now, incoming, kind).unwrap().marker
        };
        assert!(mark(1, false, Kind::Audio), "the first");
        assert!(!mark(2, false, Kind::Audio));
        assert!(mark(3, true, Kind::Audio), "after a silence");
        assert!(!mark(4, true, Kind::Noise), "noise is none");
        assert!(mark(6, false, Kind::Audio), "the first after noise");
        assert!(!mark(5, false, Kind::Audio), "a late one");
        assert!(!mark(7, false, Kind::Audio));
        assert!(mark(8, true, Kind::Event), "an event");
        assert!(!mark(9, false, Kind::Event));
        assert!(!mark(10, false, Kind::Audio));
    }

    #[test]
    fn events_do_not_hold_the_time_line() {
        let now = origin();
        let mut out = stream();
        let audio = out.audio(now, paced(1, 1));
        for sequence in 2..52_u16 {
            let event = Header {
                timestamp: 320,
                ..paced(1, sequence)
            };
            let at = now + 20 * MS * u32::from(sequence - 1);
            let sent = out.rewrite(at, event, Kind::Event).unwrap();
            assert_eq!(sent.timestamp, audio.timestamp + 160);
        }
        let other = out.audio(now + 1020 * MS, packet(2, 9, 9));
        assert_eq!(other.timestamp, audio.timestamp + 8160);
    }
}
