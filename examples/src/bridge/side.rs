//! One side of a bridge: what it sends us, what we send it, and the reports about both.

use std::ops::Range;
use std::time::Instant;

use bytes::BytesMut;

use super::formats::{Formats, Kind};
use super::keys::{Keys, Rates};
use super::reception::Reception;
use super::reporter::{ReportConfig, Reporter};
use super::rewrite::Rewriter;
use super::rtcp::{self, Packet};
use super::rtp::Header;
use super::stats::DropReason;

/// The RTP streams with one side.
#[derive(Debug)]
pub(super) struct Side {
    /// What comes from it.
    pub(super) incoming: Reception,
    /// Our reports to it.
    pub(super) reports: Reporter,
    /// The numbers of what goes to it.
    outgoing: Rewriter,
    /// The keys that go to it.
    keys: Keys,
}

/// A packet on its way through the bridge: its header as it came, what it is by the numbers of
/// the side that sent it, and where its payload stands.
pub(super) struct Packed {
    pub(super) header: Header,
    pub(super) kind: Option<Kind>,
    pub(super) payload: Range<usize>,
}

impl Side {
    /// A side that is sent `outgoing`. Both directions have one clock: that of the one codec.
    pub(super) fn new(outgoing: Rewriter, reports: ReportConfig) -> Self {
        let clock_rate = outgoing.clock_rate();
        Self {
            incoming: Reception::new(clock_rate),
            reports: Reporter::new(outgoing.ssrc(), clock_rate, reports),
            outgoing,
            keys: Keys::default(),
        }
    }

    /// Makes a packet of the other side, which uses the numbers `from`, one for this side, which
    /// uses those of `to`. Answers where in `buf` it stands then.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        packed: Packed,
        [from, to]: [&Formats; 2],
        buf: &mut [u8],
    ) -> Result<Range<usize>, DropReason> {
        let Packed {
            header,
            kind,
            payload,
        } = packed;
        let Some((kind, number)) = kind.and_then(|kind| Some((kind, to.number(kind)?))) else {
            self.outgoing.skip(header);
            return Err(DropReason::PayloadType);
        };
        let rewritten = self.outgoing.rewrite(now, header, kind);
        let mut rewritten = rewritten.ok_or(DropReason::TooLate)?;
        rewritten.payload_type = number;
        if kind == Kind::Event
            && let Some(rates) = self.event_rates(from, to)
            && let Some(clock) = self.outgoing.timestamp(now)
            && let Some(events) = buf.get_mut(payload.clone())
        {
            rewritten.timestamp = self.keys.convert(rates, header.timestamp, clock, events);
        }
        let written = rewritten.write_before(buf, payload);
        written.ok_or(DropReason::Malformed)
    }

    /// The clocks of events, where they differ.
    fn event_rates(&self, from: &Formats, to: &Formats) -> Option<Rates> {
        let rates = Rates {
            from: from.telephone_event?.clock_rate,
            to: to.telephone_event?.clock_rate,
            stream: self.outgoing.clock_rate(),
        };
        (rates.from != rates.to).then_some(rates)
    }

    /// The side hears nothing for now.
    pub(super) fn interrupt(&mut self, now: Instant) {
        self.outgoing.interrupt(now);
    }

    /// Reads a compound that the side has sent. Answers whether it was one.
    pub(super) fn handle_rtcp(&mut self, now: Instant, compound: &[u8]) -> bool {
        let Some(packets) = rtcp::read(compound) else {
            return false;
        };
        for packet in packets {
            match packet {
                Packet::SenderReport { ssrc, info, blocks } => {
                    self.incoming.reported(now, ssrc, &info);
                    blocks.for_each(|block| self.reports.told(now, &block));
                }
                Packet::ReceiverReport { blocks, .. } => {
                    blocks.for_each(|block| self.reports.told(now, &block));
                }
                Packet::Bye(sources) => sources.for_each(|ssrc| self.incoming.left(ssrc)),
                // Feedback asks for what only the far side could give; names mean nothing here.
                Packet::Other(_) => {}
            }
        }
        true
    }

    /// Appends the report that is due.
    pub(super) fn report(&mut self, now: Instant, out: &mut BytesMut) {
        let timestamp = self.outgoing.timestamp(now);
        self.reports.report(now, &mut self.incoming, timestamp, out);
    }

    /// Appends the last report, with a goodbye, if there is anything to say.
    pub(super) fn goodbye(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        let timestamp = self.outgoing.timestamp(now);
        self.reports
            .goodbye(now, &mut self.incoming, timestamp, out)
    }
}
