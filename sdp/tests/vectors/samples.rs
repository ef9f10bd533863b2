//! Test data of other projects, with what a strict reader finds in it.

use sdp::Mode;
use serde_json::Value;

use crate::report::{self, Report, cases, need, str, strs};

/// What the strict checker of the collection found and lenient reading forgives.
const FORGIVEN: [&str; 12] = [
    "bare-lf",
    "empty-session-name",
    "missing-s",
    "line-out-of-order",
    "connection-ttl-on-unicast-address",
    "bad-rtpmap",
    "bad-fingerprint-syntax",
    "empty-line",
    "missing-final-crlf",
    "bad-ssrc",
    "bad-repeat",
    "bad-imageattr",
];

pub(crate) fn check(report: &mut Report, file: &Value) {
    for case in cases(file, "cases") {
        report.case(str(case, "id"), one(case));
    }
}

fn is_forgiven(code: &&str) -> bool {
    FORGIVEN.contains(code)
        || code.contains("-at-session-level")
        || code.contains("-at-media-level")
}

fn one(case: &Value) -> Result<(), String> {
    let text = str(case, "sdp").as_bytes();
    let codes = strs(case, "strict_codes");
    let lenient = report::read(text, Mode::Lenient);
    let strict = report::read(text, Mode::Strict);
    // What the project refuses for reasons of its own is not held against a description.
    need(lenient.is_ok() || !codes.iter().all(is_forgiven), || {
        format!("{codes:?}, leniently: {lenient:?}")
    })?;
    need(strict.is_ok() || !codes.is_empty(), || {
        format!("strictly: {strict:?}")
    })?;
    need(lenient.is_ok() || strict.is_err(), || {
        "strict, but not lenient".to_owned()
    })
}
