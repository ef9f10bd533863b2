//! Vectors: descriptions, single attributes, and offers with their answers, each with its verdict.
//!
//! `VECTORS=DIR` names a folder of the layout of `tests/vectors`, which may also have
//! `captures/sdp/*.sdp`. Without it those of the standards and our own are taken from
//! `tests/vectors`, those of others from `../shared` beside the workspace. What is absent is said
//! and passed over; nothing checked at all is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "vectors/attributes.rs"]
mod attributes;
#[path = "vectors/captures.rs"]
mod captures;
#[path = "vectors/examples.rs"]
mod examples;
#[path = "vectors/malformed.rs"]
mod malformed;
#[path = "vectors/pairs.rs"]
mod pairs;
#[path = "vectors/report.rs"]
mod report;
#[path = "vectors/samples.rs"]
mod samples;
mod shared;

use report::Report;

#[test]
fn vectors() {
    let mut report = Report::default();
    report.file("sdp/rfc_examples.json", examples::check);
    report.file("sdp/malformed.json", malformed::check);
    report.file("sdp/attributes.json", attributes::check);
    report.file("sdp/offer_answer_pairs.json", pairs::check);
    report.file("sdp/project_samples.json", samples::check);
    report.file("torture/sdp_rfc5118_rfc4475.json", examples::check_torture);
    captures::check(&mut report);
    report.finish();
}
