//! Descriptions that RFCs print.

use sdp::attribute::Fingerprint;
use sdp::{Description, Fragment, FragmentSection, Mode, ParseError};
use serde_json::Value;

use crate::report::{self, Report, cases, need, str, strs};

pub(crate) fn check(report: &mut Report, file: &Value) {
    for case in cases(file, "rfc_examples") {
        report.case(str(case, "id"), example(case));
    }
    for case in cases(file, "fragments") {
        report.case(str(case, "id"), section(case));
    }
    for case in cases(file, "trickle_candidates") {
        report.case(str(case, "id"), trickled(case));
    }
}

/// Bodies of the SIP torture tests.
pub(crate) fn check_torture(report: &mut Report, file: &Value) {
    for case in cases(file, "cases") {
        let text = str(case, "sdp").as_bytes();
        let lenient = report::read(text, Mode::Lenient);
        let refused = str(case, "verdict") == "reject";
        let result = need(lenient.is_err() == refused, || {
            format!("leniently: {lenient:?}")
        });
        report.case(str(case, "id"), result.and_then(|()| strictly(case)));
    }
}

fn example(case: &Value) -> Result<(), String> {
    let text = str(case, "sdp");
    let lenient = report::read(text.as_bytes(), Mode::Lenient);
    if case["template"] == true {
        // "$L-PUB-1" stands where addresses do: it is no description, and is told so.
        return need(lenient.is_err(), || "a template was read".to_owned());
    }
    let description = lenient.map_err(|error| error.to_string())?;
    let heads = description.media().iter().map(|media| media.head().value());
    let heads: Vec<_> = heads.collect();
    need(heads == strs(case, "m_lines"), || {
        format!("sections {heads:?}")
    })?;
    strictly(case)
}

/// Strict reading finds a fault where the strict checker of the collection did, and none elsewhere.
fn strictly(case: &Value) -> Result<(), String> {
    let findings = strs(case, "strict_findings");
    match (
        report::read(str(case, "sdp").as_bytes(), Mode::Strict),
        findings.first(),
    ) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(finding)) => Err(format!("read strictly despite {finding}")),
        (Err(error), None) => Err(format!("strictly: {error}")),
        (Err(error), Some(_)) => need(is_known(&error, &findings), || {
            format!("strictly: {error}, but {findings:?}")
        }),
    }
}

/// A finding is `line:code`, or `code` where no line is to blame.
fn is_known(error: &ParseError, findings: &[&str]) -> bool {
    findings
        .iter()
        .any(|finding| match finding.split_once(':') {
            Some((line, _)) => line == error.line.to_string(),
            None => true,
        })
}

/// The lines of one section, below a session level that says nothing.
fn section(case: &Value) -> Result<(), String> {
    let lines = strs(case, "lines").join("\r\n");
    let text = format!("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{lines}\r\n");
    let description =
        report::read(text.as_bytes(), Mode::Strict).map_err(|error| error.to_string())?;
    let media = description.media().first().ok_or("no section")?;
    let fingerprint = media.find::<Fingerprint>().ok_or("no fingerprint")?;
    let bytes = fingerprint.bytes().count() as u64;
    let expected = case["fingerprint_bytes"].as_u64().unwrap_or(bytes);
    need(bytes == expected, || {
        format!("{bytes} bytes of fingerprint")
    })
}

/// A candidate that comes later, in a fragment of its own.
fn trickled(case: &Value) -> Result<(), String> {
    let (ufrag, mid, candidate) = (str(case, "ufrag"), str(case, "mid"), str(case, "candidate"));
    let text = format!(
        "a=ice-ufrag:{ufrag}\r\na=ice-pwd:0123456789012345678901\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\na={candidate}\r\n"
    );
    let fragment = Fragment::parse(&text).map_err(|error| error.to_string())?;
    let [
        FragmentSection {
            mid: read,
            candidates,
            ..
        },
    ] = fragment.sections.as_slice()
    else {
        return Err(format!("{} sections", fragment.sections.len()));
    };
    need(read == mid && candidates == &[candidate], || {
        format!("{fragment:?}")
    })?;
    let credentials = fragment.credentials.as_ref().ok_or("no credentials")?;
    need(credentials.ufrag == ufrag, || credentials.ufrag.clone())?;
    need(
        Fragment::parse(&fragment.to_string()) == Ok(fragment),
        || "reads back otherwise".into(),
    )
}

/// The description of an example, with an address for each domain name: names are resolved
/// elsewhere.
pub(crate) fn with_addresses(text: &str) -> Description<'static> {
    let lines = text.split("\r\n").map(|line| match line.rsplit_once(' ') {
        Some((start, name)) if name.ends_with(".com") => format!("{start} 192.0.2.9"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\r\n").parse().unwrap()
}
