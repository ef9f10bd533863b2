//! What an operator watches, in the text format that Prometheus reads (version 0.0.4).
//!
//! | metric | kind | labels | what it tells |
//! | --- | --- | --- | --- |
//! | `crosspoint_build_info` | gauge | `version` | 1 |
//! | `crosspoint_calls_active` | gauge | | calls whose phone is invited or talks |
//! | `crosspoint_calls_total` | counter | `outcome` | calls that are over, by [`Outcome`] |
//! | `crosspoint_offer_seconds` | histogram | | from an offer to its 201 |
//! | `crosspoint_answer_seconds` | histogram | | from the INVITE to the phone's answer |
//! | `crosspoint_event_streams` | gauge | | event streams that are read |
//! | `crosspoint_packets_received_total` | counter | `direction` | RTP packets that arrived |
//! | `crosspoint_packets_sent_total` | counter | `direction` | RTP packets sent on |
//! | `crosspoint_octets_received_total` | counter | `direction` | their payload |
//! | `crosspoint_octets_sent_total` | counter | `direction` | their payload |
//! | `crosspoint_packets_lost_total` | counter | `direction` | packets that never arrived here |
//! | `crosspoint_rtcp_received_total` | counter | `direction` | RTCP datagrams that ended here |
//! | `crosspoint_rtcp_sent_total` | counter | `direction` | RTCP packets of our own |
//! | `crosspoint_dropped_total` | counter | `direction`, `reason` | datagrams not sent on |
//! | `crosspoint_unsent_total` | counter | | datagrams that the kernel did not take |
//!
//! `direction` is `to_phone` or `to_browser`. The reasons are those of
//! [`DropReason`](crate::bridge::DropReason), and for what browsers send also `unroutable` (of no
//! call), `srtp_refused` (forged, replayed), `before_keys`, `dtls_refused` and `unknown`.
//!
//! [`Metrics`] holds what calls and HTTP count; media counts by itself, and its
//! [`Totals`] are given to [`Metrics::text`]. Nothing here does input or
//! output: `http` serves the text.

mod histogram;
mod json;
pub(crate) mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::bridge::Counts;
use crate::media::Totals;
use histogram::Histogram;
use text::{Kind, Text};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The browser hung up or went away.
    Browser,
    /// The phone hung up.
    Phone,
    /// The gateway ended it: media failed, or it is shutting down.
    Gateway,
    /// The phone was never reached, or refused.
    Failed,
    /// The offer was refused, for what it says or because there is no room for another call.
    Refused,
}

impl Outcome {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Browser,
        Self::Phone,
        Self::Gateway,
        Self::Failed,
        Self::Refused,
    ];

    /// The value of the label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Phone => "phone",
            Self::Gateway => "gateway",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// What calls and HTTP count. Cheap to count from anywhere.
#[derive(Debug, Default)]
pub struct Metrics {
    active: Arc<AtomicUsize>,
    over: [AtomicU64; Outcome::ALL.len()],
    offer: Histogram,
    answer: Histogram,
    event_streams: Arc<AtomicUsize>,
}

impl Metrics {
    /// A call is active while the guard lives.
    #[must_use]
    pub fn active_call(&self) -> Present {
        Present::new(&self.active)
    }

    /// An event stream is read while the guard lives.
    #[must_use]
    pub fn event_stream(&self) -> Present {
        Present::new(&self.event_streams)
    }

    /// A call is over.
    pub fn call_over(&self, outcome: Outcome) {
        if let Some(count) = self.over.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A call took this long from the offer to its 201.
    pub fn offer_answered(&self, time: Duration) {
        self.offer.observe(time);
    }

    /// A phone took this long from the INVITE to its answer.
    pub fn phone_answered(&self, time: Duration) {
        self.answer.observe(time);
    }

    /// Everything, with what media has counted.
    #[must_use]
    pub fn text(&self, media: &Totals) -> String {
        let mut text = Text::default();
        let version = env!("CARGO_PKG_VERSION");
        text.family("build_info", Kind::Gauge, "The version that runs.")
            .sample(&[("version", version)], 1);
        text.family(
            "calls_active",
            Kind::Gauge,
            "Calls whose phone is invited or talks.",
        )
        .sample(&[], present(&self.active));
        let calls = "Calls that are over, by who or what ended them.";
        let mut calls = text.family("calls_total", Kind::Counter, calls);
        for (outcome, count) in Outcome::ALL.iter().zip(&self.over) {
            calls.sample(
                &[("outcome", outcome.name())],
                count.load(Ordering::Relaxed),
            );
        }
        let offer = "Seconds from an offer to its 201.";
        self.offer.write(&mut text, "offer_seconds", offer);
        let answer = "Seconds from the INVITE to the phone's answer.";
        self.answer.write(&mut text, "answer_seconds", answer);
        text.family("event_streams", Kind::Gauge, "Event streams that are read.")
            .sample(&[], present(&self.event_streams));
        write_media(&mut text, media);
        text.into_string()
    }
}

fn present(count: &AtomicUsize) -> u64 {
    count.load(Ordering::Relaxed) as u64
}

/// Something that is counted for as long as it is there.
#[derive(Debug)]
pub struct Present(Arc<AtomicUsize>);

impl Present {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn write_media(text: &mut Text, media: &Totals) {
    type Read = fn(&Counts) -> u64;
    let families: [(&str, &str, Read); 7] = [
        (
            "packets_received_total",
            "RTP packets that arrived from the speaking side.",
            |counts| counts.received.packets,
        ),
        (
            "packets_sent_total",
            "RTP packets sent on to the listening side.",
            |counts| counts.sent.packets,
        ),
        (
            "octets_received_total",
            "Payload of the RTP packets that arrived.",
            |counts| counts.received.octets,
        ),
        (
            "octets_sent_total",
            "Payload of the RTP packets sent on.",
            |counts| counts.sent.octets,
        ),
        (
            "packets_lost_total",
            "Packets of the speaking side that never arrived here.",
            |counts| counts.lost,
        ),
        (
            "rtcp_received_total",
            "RTCP datagrams of the speaking side; they end here.",
            |counts| counts.rtcp,
        ),
        (
            "rtcp_sent_total",
            "RTCP packets of our own, to the listening side.",
            |counts| counts.rtcp_sent,
        ),
    ];
    let directions = [
        ("to_phone", &media.to_phone),
        ("to_browser", &media.to_browser),
    ];
    for (name, help, read) in families {
        let mut family = text.family(name, Kind::Counter, help);
        for (direction, counts) in directions {
            family.sample(&[("direction", direction)], read(counts));
        }
    }
    let dropped = "Datagrams that were not sent on, by reason.";
    let mut dropped = text.family("dropped_total", Kind::Counter, dropped);
    for (direction, counts) in directions {
        for (reason, count) in counts.drops.iter() {
            dropped.sample(
                &[("direction", direction), ("reason", reason.name())],
                count,
            );
        }
    }
    for (reason, count) in [
        ("unroutable", media.unroutable),
        ("srtp_refused", media.session.srtp_refused),
        ("before_keys", media.session.before_keys),
        ("dtls_refused", media.session.dtls_refused),
        ("unknown", media.session.unknown),
    ] {
        dropped.sample(&[("direction", "to_phone"), ("reason", reason)], count);
    }
    text.family(
        "unsent_total",
        Kind::Counter,
        "Datagrams that the kernel did not take.",
    )
    .sample(&[], media.unsent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_every_metric_of_the_table_with_its_kind_and_no_other() {
        let text = Metrics::default().text(&Totals::default());
        let mut told: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .collect();
        let table = include_str!("mod.rs").lines().filter_map(|line| {
            let mut cells = line.strip_prefix("//! | `")?.split(['`', '|']);
            Some((cells.next()?, cells.nth(1)?.trim()))
        });
        let mut table: Vec<_> = table.collect();
        told.sort_unstable();
        table.sort_unstable();
        assert_eq!(told, table);
        assert_eq!(table.len(), 15);
    }

    #[test]
    fn the_readme_explains_every_reason_for_a_drop() {
        let text = Metrics::default().text(&Totals::default());
        let readme = include_str!("../../README.md");
        let rows = readme.lines().filter(|line| line.starts_with("| `"));
        let explained: String = rows.filter_map(|row| row.split('|').nth(1)).collect();
        let reasons = text.split("reason=\"").skip(1);
        let reasons: Vec<_> = reasons.filter_map(|rest| rest.split('"').next()).collect();
        assert!(reasons.len() > 8);
        for reason in reasons {
            assert!(explained.contains(&format!("`{reason}`")), "{reason}");
        }
    }

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        let call = metrics.active_call();
        drop(metrics.event_stream());
        metrics.call_over(Outcome::Phone);
        metrics.offer_answered(Duration::from_millis(30));
        let mut media = Totals {
            unroutable: 7,
            ..Totals::default()
        };
        media.to_browser.lost = 5;
        let text = metrics.text(&media);
        for line in [
            "crosspoint_calls_active 1",
            "crosspoint_calls_total{outcome=\"phone\"} 1",
            "crosspoint_calls_total{outcome=\"failed\"} 0",
            "crosspoint_offer_seconds_bucket{le=\"0.025\"} 0",
            "crosspoint_offer_seconds_bucket{le=\"0.05\"} 1",
            "crosspoint_offer_seconds_bucket{le=\"+Inf\"} 1",
            "crosspoint_offer_seconds_sum 0.03",
            "crosspoint_offer_seconds_count 1",
            "crosspoint_event_streams 0",
            "crosspoint_packets_lost_total{direction=\"to_browser\"} 5",
            "crosspoint_dropped_total{direction=\"to_phone\",reason=\"unroutable\"} 7",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}:\n{text}");
        }
        drop(call);
        let text = metrics.text(&media);
        assert!(text.contains("\ncrosspoint_calls_active 0\n"));
    }
}
