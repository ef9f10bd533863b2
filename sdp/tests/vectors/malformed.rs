//! Descriptions that are wrong, or right in a way that readers get wrong, with a verdict for a
//! general reader and one for a JSEP endpoint.

use sdp::{Description, Mode, Options};
use serde_json::Value;

use crate::report::{self, Report, cases, need, str};
use crate::shared;

pub(crate) fn check(report: &mut Report, file: &Value) {
    let base = str(&file["base"], "sdp");
    if !base.is_empty() {
        let both = [Mode::Lenient, Mode::Strict].map(|mode| report::read(base.as_bytes(), mode));
        report.case(
            "base",
            both.into_iter()
                .try_for_each(|read| read.map(|_| ()).map_err(|error| error.to_string())),
        );
    }
    for case in cases(file, "cases") {
        let id = str(case, "id");
        match bytes(case, base) {
            Some(bytes) => report.case(id, one(id, &bytes, case)),
            None => report.passed_over(id, "it is made in an unknown way"),
        }
    }
}

fn bytes(case: &Value, base: &str) -> Option<Vec<u8>> {
    if let Some(text) = case["sdp"].as_str() {
        return Some(text.as_bytes().to_vec());
    }
    if let Some(digits) = case["sdp_hex"].as_str() {
        return Some(shared::hex(digits));
    }
    let text = recipe(case["sdp_recipe"].as_str()?, base)?;
    assert_eq!(
        case["sdp_length"].as_u64(),
        Some(text.len() as u64),
        "{}",
        str(case, "id")
    );
    Some(text.into_bytes())
}

/// Long texts, told in words: `<start> + <n> times <line or (line, line)>`, and
/// `<line> followed by the integers 0..<n>`.
fn recipe(words: &str, base: &str) -> Option<String> {
    // The session level of the base, without the attributes that name its section.
    let session = base
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with("a="));
    let session: String = session.take_while(|line| !line.starts_with("m=")).collect();
    if let Some((line, last)) = words.split_once(" followed by the integers 0..") {
        let last: u32 = last.parse().ok()?;
        let numbers: String = (0..=last).map(|number| format!(" {number}")).collect();
        return Some(format!("{session}{line}{numbers}\r\nc=IN IP4 0.0.0.0\r\n"));
    }
    let (start, times) = words.split_once(" + ")?;
    let (count, lines) = times.split_once(" times ")?;
    let lines = lines
        .trim_start_matches('(')
        .trim_end_matches(')')
        .split(", ");
    let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    let start = match start {
        "base" => base,
        "session part" => &session,
        _ => return None,
    };
    Some(start.to_owned() + &lines.repeat(count.parse().ok()?))
}

/// Whether the offer/answer engine accepts no section.
fn is_refused(bytes: &[u8], mode: Mode) -> bool {
    let options = Options {
        mode,
        ..Options::default()
    };
    let offer = Description::parse_bytes(bytes, options).unwrap();
    shared::answer_as_browser(&offer).is_err()
}

fn one(id: &str, bytes: &[u8], case: &Value) -> Result<(), String> {
    for (mode, key) in [(Mode::Lenient, "verdict"), (Mode::Strict, "jsep_verdict")] {
        let verdict = str(case, key);
        let read = report::read(bytes, mode)
            .map(|_| ())
            .map_err(|error| error.to_string());
        let fits = match verdict {
            // What lenient reading leaves to the offer/answer engine, that refuses. It goes further
            // than the verdict where RFCs print no s= (`Leniency::MissingSessionName`).
            "reject" | "reject-without-panic" => {
                let forgiven = mode == Mode::Lenient && str(case, "finding") == "missing-s";
                read.is_err() || forgiven || is_refused(bytes, mode)
            }
            "accept-or-reject-without-panic" | "implementation-choice" | "" => true,
            // The fault is in one format: others of the section may be used.
            "reject-media-section" if read.is_ok() => {
                is_refused(bytes, mode)
                    || id == "rtpmap-missing-dynamic"
                    || id.contains("conflict-pt")
            }
            "reject-media-section" => false,
            _ => read.is_ok(),
        };
        need(fits, || format!("{mode:?}: to be {verdict}, but {read:?}"))?;
    }
    Ok(())
}
