//! The metrics of the TURN server, in the text format that Prometheus reads (version 0.0.4).
//!
//! `docs/turn-server.md` has the table of them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use turn_relay::server::Traffic;

use super::Shared;
use crate::metrics::text::{Kind, Text};
use crate::turn::WorkerStats;

type Read = fn(&WorkerStats) -> u64;

/// Everything that is counted at the workers under a name of its own.
const FAMILIES: &[(&str, Kind, &str, Read)] = &[
    (
        "turn_allocations",
        Kind::Gauge,
        "Allocations that there are.",
        |w| w.allocations as u64,
    ),
    (
        "turn_allocations_total",
        Kind::Counter,
        "Allocations made.",
        |w| w.relay.allocations,
    ),
    (
        "turn_connections",
        Kind::Gauge,
        "TCP and TLS connections of clients.",
        |w| w.connections as u64,
    ),
    (
        "turn_connections_total",
        Kind::Counter,
        "Connections accepted.",
        |w| w.accepted,
    ),
    (
        "turn_relay_sockets",
        Kind::Gauge,
        "Sockets towards peers.",
        |w| w.sockets as u64,
    ),
    (
        "turn_requests_granted_total",
        Kind::Counter,
        "Requests that were granted.",
        |w| w.relay.granted,
    ),
    (
        "turn_challenges_total",
        Kind::Counter,
        "Answers 401 and 438, which are usual.",
        |w| w.relay.challenges,
    ),
    (
        "turn_lookups_total",
        Kind::Counter,
        "Questions to the store of credentials.",
        |w| w.relay.lookups,
    ),
    (
        "turn_handed_on_total",
        Kind::Counter,
        "Frames that were another worker's.",
        |w| w.handed_on,
    ),
    (
        "turn_open_failures_total",
        Kind::Counter,
        "Sockets towards peers that could not be opened.",
        |w| w.open_failures,
    ),
    (
        "turn_lost_reports_total",
        Kind::Counter,
        "Events that could not be logged in time.",
        |w| w.lost_reports + w.relay.event_overflow,
    ),
];

/// What is not relayed or answered, by reason.
const DROPS: &[(&str, Read)] = &[
    ("malformed", |w| w.relay.malformed),
    ("foreign", |w| w.foreign),
    ("unexpected_message", |w| w.relay.unexpected_message),
    ("rationed", |w| w.relay.rationed),
    ("no_allocation", |w| w.relay.no_allocation),
    ("unknown_channel", |w| w.relay.unknown_channel),
    ("unpermitted_peer", |w| w.relay.unpermitted_peer),
    ("denied_peer", |w| w.relay.denied_peer),
    ("over_bandwidth", |w| w.relay.over_bandwidth),
    ("no_room", |w| w.relay.no_room),
    ("lookup_overflow", |w| w.relay.lookup_overflow),
    ("answer_overflow", |w| w.relay.answer_overflow),
    ("stale", |w| w.stale),
    ("unsent", |w| w.unsent),
];

/// Connections that the server has ended or not taken, by reason.
const CLOSED: &[(&str, Read)] = &[
    ("turned_away", |w| w.turned_away),
    ("failed", |w| w.failed_connections),
    ("overflowed", |w| w.overflowed_connections),
];

/// Everything.
pub(super) fn text(shared: &Shared, workers: &[WorkerStats]) -> String {
    let mut text = Text::default();
    text.family("build_info", Kind::Gauge, "The version that runs.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    let sum = |read: &Read| workers.iter().map(read).sum::<u64>();
    let answering = workers.len() as u64;
    text.family("turn_workers", Kind::Gauge, "Workers that answer.")
        .sample(&[], answering);
    for (name, kind, help, read) in FAMILIES {
        text.family(name, *kind, help).sample(&[], sum(read));
    }
    refusals(&mut text, workers);
    traffic(&mut text, workers);
    let help = "Frames neither relayed nor answered, by reason.";
    let mut family = text.family("turn_dropped_total", Kind::Counter, help);
    for (reason, read) in DROPS {
        family.sample(&[("reason", reason)], sum(read));
    }
    let help = "Connections not taken, or ended by the server, by reason.";
    let mut family = text.family("turn_closed_total", Kind::Counter, help);
    for (reason, read) in CLOSED {
        family.sample(&[("reason", reason)], sum(read));
    }
    logins(&mut text, shared);
    store(&mut text, shared);
    certificate(&mut text, shared);
    let draining = u64::from(shared.is_draining.load(Ordering::Relaxed));
    text.family(
        "turn_draining",
        Kind::Gauge,
        "1 while no new allocations are made.",
    )
    .sample(&[], draining);
    text.into_string()
}

fn refusals(text: &mut Text, workers: &[WorkerStats]) {
    let mut codes = BTreeMap::new();
    for (code, count) in workers
        .iter()
        .flat_map(|worker| worker.relay.refusals.iter())
    {
        *codes.entry(code).or_insert(0) += count;
    }
    let help = "Requests refused, apart from 401 and 438, by the code of the answer.";
    let mut family = text.family("turn_requests_refused_total", Kind::Counter, help);
    for (code, count) in codes {
        family.sample(&[("code", &code.to_string())], count);
    }
}

fn traffic(text: &mut Text, workers: &[WorkerStats]) {
    type Read = fn(&Traffic) -> u64;
    let families: [(&str, &str, [Read; 2]); 2] = [
        (
            "turn_packets_total",
            "Packets relayed.",
            [|t| t.sent_packets, |t| t.received_packets],
        ),
        (
            "turn_bytes_total",
            "Bytes relayed, without headers.",
            [|t| t.sent_bytes, |t| t.received_bytes],
        ),
    ];
    for (name, help, [to_peers, to_clients]) in families {
        let mut family = text.family(name, Kind::Counter, help);
        for (direction, read) in [("to_peer", to_peers), ("to_client", to_clients)] {
            let sum = workers
                .iter()
                .map(|worker| read(&worker.relay.traffic))
                .sum();
            family.sample(&[("direction", direction)], sum);
        }
    }
}

fn logins(text: &mut Text, shared: &Shared) {
    let counts = &shared.counts;
    let help = "Logins refused under a valid nonce, by cause.";
    let mut family = text.family("turn_refused_logins_total", Kind::Counter, help);
    for (cause, count) in [
        ("unknown_user", &counts.unknown_user),
        ("wrong_password", &counts.wrong_password),
        ("expired", &counts.expired),
        ("revoked", &counts.revoked),
    ] {
        family.sample(&[("cause", cause)], count.load(Ordering::Relaxed));
    }
}

fn store(text: &mut Text, shared: &Shared) {
    let Some(store) = &shared.store else {
        return;
    };
    let health = store.health().snapshot();
    for (name, kind, help, value) in [
        (
            "turn_store_up",
            Kind::Gauge,
            "Whether the database answers.",
            u64::from(health.is_up),
        ),
        (
            "turn_store_questions_total",
            Kind::Counter,
            "Answers of the database.",
            health.questions,
        ),
        (
            "turn_store_faults_total",
            Kind::Counter,
            "Times that it failed.",
            health.faults,
        ),
        (
            "turn_store_unanswered_total",
            Kind::Counter,
            "Logins left without an answer because it failed.",
            health.unanswered,
        ),
        (
            "turn_store_revoked_total",
            Kind::Counter,
            "Users whose key was gone.",
            health.revoked,
        ),
        (
            "turn_store_live_users",
            Kind::Gauge,
            "Its users with allocations.",
            health.live,
        ),
    ] {
        text.family(name, kind, help)
            .sample(&[("store", health.name)], value);
    }
}

fn certificate(text: &mut Text, shared: &Shared) {
    let Some(certificate) = &shared.certificate else {
        return;
    };
    let health = certificate.health();
    let help = "Days until the certificate expires.";
    text.family("turn_certificate_days", Kind::Gauge, help)
        .part("", &[], format!("{:.2}", health.days));
    let help = "Times that another certificate was put in use.";
    text.family("turn_certificate_reloads_total", Kind::Counter, help)
        .sample(&[], health.reloads);
    let help = "Times that the files could not be used.";
    text.family("turn_certificate_failures_total", Kind::Counter, help)
        .sample(&[], health.failures);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_explains_every_metric_and_reason() {
        let document = include_str!("../../../../docs/turn-server.md");
        let rows: Vec<_> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let is_told = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
        let named = FAMILIES
            .iter()
            .map(|(name, ..)| format!("crosspoint_{name}"));
        for name in named {
            assert!(is_told(&name), "{name}");
        }
        assert!(is_told("crosspoint_turn_requests_refused_total"));
        for (reason, _) in DROPS.iter().chain(CLOSED) {
            assert!(is_told(reason), "{reason}");
        }
    }
}
