//! The statistics of a call as JSON, in answers and in the log. Times are milliseconds.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::bridge::{Direction, Reported, Stats, Traffic};

impl Stats {
    /// What `GET /v1/calls/{id}/stats` answers, and the log tells at the end of a call.
    #[must_use]
    pub fn json(&self) -> Value {
        let (session, ice) = (&self.session, &self.ice);
        json!({
            "to_phone": direction(&self.to_phone),
            "to_browser": direction(&self.to_browser),
            "browser": {
                "srtp_opened": session.opened,
                "srtp_refused": session.srtp_refused,
                "before_keys": session.before_keys,
                "dtls_refused": session.dtls_refused,
                "unknown": session.unknown,
                "ice_checks_sent": ice.checks_sent,
                "ice_requests_received": ice.requests_received,
                "ice_malformed": ice.malformed,
                "ice_bad_integrity": ice.bad_request_integrity + ice.bad_response_integrity,
                "ice_restarts": ice.restarts,
            },
        })
    }
}

fn direction(direction: &Direction) -> Value {
    let counts = &direction.counts;
    let drops: Map<String, Value> = counts
        .drops
        .iter()
        .map(|(reason, count)| (reason.name().to_owned(), count.into()))
        .collect();
    json!({
        "received": traffic(&counts.received),
        "sent": traffic(&counts.sent),
        "lost": counts.lost,
        "jitter_ms": millis(direction.jitter),
        "rtcp_received": counts.rtcp,
        "rtcp_sent": counts.rtcp_sent,
        "learned": counts.learned,
        "drops": drops,
        "reported": direction.reported.as_ref().map(reported),
    })
}

fn traffic(traffic: &Traffic) -> Value {
    json!({ "packets": traffic.packets, "octets": traffic.octets })
}

fn reported(reported: &Reported) -> Value {
    json!({
        "lost": reported.lost,
        "jitter_ms": millis(reported.jitter),
        "round_trip_ms": reported.round_trip.map(millis),
    })
}

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_and_what_nobody_reported_is_null() {
        let mut stats = Stats::default();
        stats.to_phone.jitter = Duration::from_micros(1500);
        stats.to_browser.reported = Some(Reported {
            lost: 3,
            jitter: Duration::ZERO,
            round_trip: Some(Duration::from_millis(40)),
        });
        let json = stats.json();
        assert_eq!(json["to_phone"]["jitter_ms"], 1.5);
        assert_eq!(json["to_phone"]["reported"], Value::Null);
        assert_eq!(json["to_phone"]["drops"]["wrong_source"], 0);
        assert_eq!(json["to_browser"]["reported"]["round_trip_ms"], 40.0);
        assert_eq!(json["to_browser"]["reported"]["lost"], 3);
    }

    /// Every name in a value, with the names around it.
    fn names(value: &Value, around: &str, found: &mut Vec<String>) {
        for (name, inner) in value.as_object().into_iter().flatten() {
            let path = format!("{around}/{name}");
            names(inner, &path, found);
            found.push(path);
        }
    }

    #[test]
    fn the_readme_shows_every_name() {
        let readme = include_str!("../../README.md");
        let sample = readme.split("```json\n").nth(1).unwrap();
        let sample = serde_json::from_str(sample.split("```").next().unwrap()).unwrap();
        let mut stats = Stats::default();
        stats.to_phone.reported = Some(Reported::default());
        let [mut shown, mut real] = [Vec::new(), Vec::new()];
        names(&sample, "", &mut shown);
        names(&stats.json(), "", &mut real);
        assert_eq!(shown, real);
    }
}
