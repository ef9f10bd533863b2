//! Every description of the shared captures and vectors: read in both modes, written back.

mod shared;

use sdp::negotiate::{Codec, browser};
use sdp::{Description, Found, Mode, Options};
use serde_json::Value;
use shared::{json, sdp_files};

fn text(case: &Value) -> Option<String> {
    match (&case["sdp"], &case["sdp_hex"]) {
        (Value::String(text), _) => Some(text.clone()),
        (_, Value::String(digits)) => String::from_utf8(shared::hex(digits)).ok(),
        _ => None,
    }
}

fn reads(text: &str, mode: Mode) -> Result<(), sdp::ParseError> {
    let description = Description::parse_with(
        text,
        Options {
            mode,
            ..Options::default()
        },
    )?;
    assert_eq!(description.to_string(), text, "written as read");
    assert_eq!(
        description.clone().into_owned().to_string(),
        text,
        "owned, written as read"
    );
    Ok(())
}

#[test]
fn captures_come_back_byte_for_byte() {
    let Some(files) = sdp_files() else { return };
    assert!(files.len() > 100, "{} files", files.len());
    for (name, text) in files {
        reads(&text, Mode::Lenient).unwrap_or_else(|error| panic!("{name}: {error}"));
        match reads(&text, Mode::Strict) {
            // Asterisk cut this body in the middle of its last line.
            Err(error) if name.starts_with("asterisk16-dtls") => {
                assert_eq!(error.expected, "a line end (CR LF)", "{name}");
            }
            // libdatachannel writes "ice2,trickle" where RFC 8839 wants a space.
            Err(error) if name.starts_with("node-datachannel") => {
                assert_eq!(error.found, Found::Text(",trickle".to_owned()), "{name}");
            }
            result => result.unwrap_or_else(|error| panic!("{name}, strictly: {error}")),
        }
    }
}

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

fn forgiven(code: &str) -> bool {
    FORGIVEN.contains(&code)
        || code.contains("-at-session-level")
        || code.contains("-at-media-level")
}

#[test]
fn rfc_examples() {
    let Some(file) = json("vectors/sdp/rfc_examples.json") else {
        return;
    };
    for case in file["rfc_examples"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let text = text(case).unwrap();
        if case["template"] == true {
            continue; // "$L-PUB-1" and the like where addresses stand
        }
        let findings: Vec<_> = case["strict_findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        // RFC 9143 18.5 has no c= only in the rejected section.
        reads(&text, Mode::Lenient).unwrap_or_else(|error| panic!("{id}: {error}"));
        match (reads(&text, Mode::Strict), findings.first()) {
            (Ok(()), None) => {}
            (Ok(()), Some(finding)) => panic!("{id}: accepted strictly despite {finding}"),
            (Err(error), None) => panic!("{id}, strictly: {error}"),
            (Err(error), Some(_)) => {
                let lines: Vec<_> = findings.iter().filter_map(|f| f.split_once(':')).collect();
                let known = lines
                    .iter()
                    .any(|(line, _)| *line == error.line.to_string());
                assert!(
                    known || lines.len() < findings.len(),
                    "{id}: {error}, but {findings:?}"
                );
            }
        }
    }
}

/// The engine's refusal of an offer as an error.
fn refuses(text: &str) -> Result<(), String> {
    let offer = Description::parse(text).unwrap();
    let ours = shared::capabilities(vec![Codec::OPUS, Codec::PCMU]);
    browser::answer(&offer, &ours)
        .map(|_| ())
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn malformed_descriptions_get_their_verdict_in_both_modes() {
    let Some(file) = json("vectors/sdp/malformed.json") else {
        return;
    };
    let mut wrong = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let Some(text) = text(case) else { continue };
        for (mode, verdict) in [(Mode::Lenient, "verdict"), (Mode::Strict, "jsep_verdict")] {
            let mut result = reads(&text, mode).map_err(|error| error.to_string());
            // What lenient reading leaves to the offer/answer engine, that refuses.
            if let (Mode::Lenient, Ok(())) = (mode, &result) {
                result = refuses(&text);
            }
            let fits = match case[verdict].as_str().unwrap() {
                "reject" | "reject-without-panic" => result.is_err(),
                "accept-or-reject-without-panic" | "implementation-choice" => true,
                "reject-media-section" => reads(&text, mode).is_ok(),
                _ => result.is_ok(),
            };
            // Lenient reading goes further than the verdict: RFC 5888 prints no s=.
            if !fits && !(id == "no-session-name" && mode == Mode::Lenient) {
                wrong.push(format!("{id} {mode:?}: {} but {result:?}", case[verdict]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn samples_of_other_projects() {
    let Some(file) = json("vectors/sdp/project_samples.json") else {
        return;
    };
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let text = text(case).unwrap();
        let codes: Vec<_> = case["strict_codes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let result = reads(&text, Mode::Lenient);
        println!("{id} {codes:?} {result:?}");
        if codes.iter().all(|code| forgiven(code)) {
            result.unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        if codes.is_empty() {
            reads(&text, Mode::Strict).unwrap_or_else(|error| panic!("{id}, strictly: {error}"));
        }
    }
}
