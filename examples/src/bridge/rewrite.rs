//! One outgoing RTP stream that the bridge owns, whatever happens to the stream it is fed from.

use std::time::{Duration, Instant};

use super::rtp::Header;

/// Gives packets of one or several incoming sources one SSRC, one run of sequence numbers and one
/// time line.
///
/// Within a source the gaps and the order of the packets are kept, so that the far side sees the
/// losses there were. A new source, or one whose numbers jump as if it had restarted, goes on
/// where the last one ended.
#[derive(Debug)]
pub struct Rewriter {
    ssrc: u32,
    clock_rate: u32,
    last: Sent,
    source: Option<Source>,
}

/// The newest packet sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    sequence: u16,
    timestamp: u32,
    at: Option<Instant>,
}

/// The incoming stream and what is added to its numbers.
#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    /// The newest sequence number that came.
    newest: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
}

impl Rewriter {
    /// A stream of its own: SSRC, clock rate in Hz, and 6 random octets for the start of its
    /// numbers. The first sequence number lies below 2^15, so that a receiver that joins late
    /// cannot guess the SRTP roll-over counter wrong.
    #[must_use]
    pub fn new(ssrc: u32, clock_rate: u32, random: [u8; 6]) -> Self {
        let [s0, s1, t0, t1, t2, t3] = random;
        let sequence = u16::from_be_bytes([s0, s1]) & 0x7fff;
        let timestamp = u32::from_be_bytes([t0, t1, t2, t3]);
        let last = Sent {
            sequence: sequence.wrapping_sub(1),
            timestamp,
            at: None,
        };
        Self {
            ssrc,
            clock_rate,
            last,
            source: None,
        }
    }

    /// The SSRC of everything sent.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The header to send for an incoming one, with the payload type of the far side.
    pub fn rewrite(&mut self, now: Instant, incoming: Header, payload_type: u8) -> Header {
        let (source, marker) = match self.source {
            Some(source) if source.continues_with(incoming) => (source, incoming.marker),
            _ => (self.join(now, incoming), true),
        };
        let newest = match is_newer(incoming.sequence, source.newest) {
            true => incoming.sequence,
            false => source.newest,
        };
        self.source = Some(Source { newest, ..source });
        let sequence = incoming.sequence.wrapping_add(source.sequence_offset);
        let timestamp = incoming.timestamp.wrapping_add(source.timestamp_offset);
        if is_newer(sequence, self.last.sequence) {
            self.last = Sent {
                sequence,
                timestamp,
                at: Some(now),
            };
        }
        Header {
            marker,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    /// Takes up a new source right behind what was sent before.
    fn join(&mut self, now: Instant, first: Header) -> Source {
        let elapsed = self
            .last
            .at
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let timestamp = self.last.timestamp.wrapping_add(self.ticks(elapsed));
        Source {
            ssrc: first.ssrc,
            newest: first.sequence,
            sequence_offset: self
                .last
                .sequence
                .wrapping_add(1)
                .wrapping_sub(first.sequence),
            timestamp_offset: timestamp.wrapping_sub(first.timestamp),
        }
    }

    /// Wraps around as RTP time does.
    fn ticks(&self, elapsed: Duration) -> u32 {
        let ticks = elapsed.as_micros() * u128::from(self.clock_rate) / 1_000_000;
        (ticks & u128::from(u32::MAX)) as u32
    }
}

impl Source {
    /// Whether a packet belongs to this source: the same SSRC, and a sequence number that losses
    /// and reordering explain (RFC 3550 §A.1, MAX_DROPOUT and MAX_MISORDER).
    fn continues_with(&self, packet: Header) -> bool {
        let ahead = packet.sequence.wrapping_sub(self.newest);
        let behind = self.newest.wrapping_sub(packet.sequence);
        packet.ssrc == self.ssrc && (ahead < 3000 || behind <= 100)
    }
}

fn is_newer(sequence: u16, than: u16) -> bool {
    sequence.wrapping_sub(than) < 1 << 15
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn numbers_start_where_the_seed_says_and_keep_gaps_and_order() {
        let now = origin();
        let mut out = Rewriter::new(7, 8000, [0xff, 0xfe, 0, 0, 0, 9]);
        let first = out.rewrite(now, packet(1, 65535, 160), 0);
        assert_eq!(
            (first.sequence, first.timestamp, first.ssrc),
            (0x7ffe, 9, 7)
        );
        assert!(first.marker, "a stream begins with a marker");
        let third = out.rewrite(now, packet(1, 1, 480), 0);
        let second = out.rewrite(now, packet(1, 0, 320), 0);
        assert_eq!((second.sequence, second.timestamp), (0x7fff, 169));
        assert_eq!((third.sequence, third.timestamp), (0x8000, 329));
    }

    #[test]
    fn a_new_source_goes_on_behind_the_old_one() {
        let now = origin();
        let mut out = Rewriter::new(7, 8000, [0; 6]);
        let before = out.rewrite(now, packet(1, 100, 1000), 0);
        let late = now + Duration::from_millis(40);
        let after = out.rewrite(late, packet(2, 60000, 77), 8);
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp, before.timestamp + 320);
        assert!(after.marker);
        assert_eq!((after.ssrc, after.payload_type), (7, 8));
    }

    #[test]
    fn a_source_that_restarts_its_numbers_goes_on_behind_itself() {
        let now = origin();
        let mut out = Rewriter::new(7, 8000, [0; 6]);
        let before = out.rewrite(now, packet(1, 50_000, 1000), 0);
        let gap = out.rewrite(now, packet(1, 52_999, 1000), 0);
        assert_eq!(gap.sequence - before.sequence, 2999, "a long gap is kept");
        let restarted = out.rewrite(now, packet(1, 7, 0), 0);
        assert_eq!(restarted.sequence, gap.sequence + 1);
        assert!(restarted.marker);
        let late = out.rewrite(now, packet(1, 5, 0), 0);
        assert_eq!(late.sequence, restarted.sequence - 2, "reordering is kept");
    }
}
