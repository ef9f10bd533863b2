//! Single attribute lines.

use sdp::Mode;
use sdp::attribute::{self, Attribute, Candidate, Crypto};
use sdp::{Description, Options};
use serde_json::Value;

use crate::report::{self, Report, cases, need, str, strs};

pub(crate) fn check(report: &mut Report, file: &Value) {
    for case in cases(file, "cases") {
        let (id, line) = (str(case, "id"), str(case, "line"));
        let attribute = line.strip_prefix("a=").unwrap_or(line);
        let name = attribute.split(':').next().unwrap_or_default();
        // Candidates and keys stay text here: the crates for ICE and SRTP judge what is in them.
        let opaque = matches!(name, "candidate" | "crypto") && read(line, Mode::Strict).is_ok();
        match &case["valid"] {
            Value::Bool(false) if opaque => report.passed_over(id, "its value is read elsewhere"),
            _ if !attribute::NAMES.contains(&name) => {
                report.passed_over(id, "it is kept as text");
            }
            valid => report.case(
                id,
                one(line, valid).and_then(|()| parsed(line, &case["parsed"])),
            ),
        }
    }
}

/// The attribute in a media section, as its type; why not, if it is refused or stays text.
fn read(line: &str, mode: Mode) -> Result<String, String> {
    let companions = companions(line);
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n\
         {line}\r\n{companions}"
    );
    let options = Options {
        mode,
        ..Options::default()
    };
    let description = Description::parse_with(&text, options).map_err(|error| error.to_string())?;
    match description.media()[0].attributes().next() {
        Some(attribute @ (Attribute::Unknown(_) | Attribute::Group(_) | Attribute::IceLite(_))) => {
            Err(format!("{attribute:?}"))
        }
        Some(attribute) if report::reads_back(&attribute) => Ok(attribute.to_string()),
        attribute => Err(format!("written as {attribute:?}")),
    }
}

/// The lines that an attribute cannot be without.
fn companions(line: &str) -> String {
    match line.split_once(':') {
        Some(("a=ice-ufrag", _)) => "a=ice-pwd:0123456789012345678901\r\n".to_owned(),
        Some(("a=ice-pwd", _)) => "a=ice-ufrag:0123\r\n".to_owned(),
        Some(("a=simulcast", lists)) => {
            let ids = lists
                .split([' ', ';', ','])
                .map(|id| id.trim_start_matches('~'));
            let ids = ids.filter(|id| !matches!(*id, "" | "send" | "recv"));
            ids.map(|id| format!("a=rid:{id} send\r\n")).collect()
        }
        _ => String::new(),
    }
}

fn one(line: &str, valid: &Value) -> Result<(), String> {
    let (strict, lenient) = (read(line, Mode::Strict), read(line, Mode::Lenient));
    match valid {
        // That it is written as it was read, the whole description shows.
        Value::Bool(true) => need(strict.is_ok() && lenient.is_ok(), || {
            format!("{strict:?}, {lenient:?}")
        }),
        Value::Bool(false) => need(strict.is_err() && lenient.is_err(), || {
            format!("{strict:?}, {lenient:?}")
        }),
        _ => need(lenient.is_ok(), || format!("leniently {lenient:?}")),
    }
}

/// The parts of candidates and keys stand in the text that the crates for ICE and SRTP get.
fn parsed(line: &str, parsed: &Value) -> Result<(), String> {
    if parsed.is_null() {
        return Ok(());
    }
    let raw = line.split_once(':').map(|(name, value)| attribute::Raw {
        name: name.trim_start_matches("a="),
        value: Some(value),
    });
    match Attribute::read(raw.ok_or("no value")?) {
        Attribute::Candidate(candidate) => same_candidate(&candidate, parsed),
        Attribute::Crypto(crypto) => same_crypto(&crypto, parsed),
        other => Err(format!("read as {other:?}")),
    }
}

fn same_candidate(candidate: &Candidate<'_>, parsed: &Value) -> Result<(), String> {
    let words: Vec<_> = candidate.text.split(' ').collect();
    let behind = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)).copied()
    };
    let at = |index: usize| words.get(index).copied();
    let fields = [
        ("foundation", at(0)),
        ("component", at(1)),
        ("transport", at(2)),
        ("priority", at(3)),
        ("address", at(4)),
        ("port", at(5)),
        ("type", behind("typ")),
        ("raddr", behind("raddr")),
        ("rport", behind("rport")),
    ];
    for (name, found) in fields {
        let expected = plain(&parsed[name]);
        need(expected.is_empty() || found == Some(&*expected), || {
            format!("{name} is {found:?}, not {expected:?}")
        })?;
    }
    let split = &parsed["priority_split"];
    let part = |name: &str| split[name].as_u64().unwrap_or_default();
    let priority = (part("type_preference") << 24)
        + (part("local_preference") << 8)
        + (256 - part("component"));
    need(
        split.is_null() || at(3) == Some(&*priority.to_string()),
        || format!("{split}"),
    )
}

fn same_crypto(crypto: &Crypto<'_>, parsed: &Value) -> Result<(), String> {
    need(plain(&parsed["tag"]) == crypto.tag.to_string(), || {
        format!("{crypto:?}")
    })?;
    need(str(parsed, "suite") == crypto.suite, || {
        crypto.suite.to_owned()
    })?;
    let session: Vec<_> = crypto
        .session_params
        .into_iter()
        .flat_map(|all| all.split(' '))
        .collect();
    need(session == strs(parsed, "session_params"), || {
        format!("{session:?}")
    })?;
    let keys: Vec<_> = crypto.key_params.split(';').collect();
    let expected: Vec<_> = cases(parsed, "keys").collect();
    need(keys.len() == expected.len(), || {
        format!("{} keys", keys.len())
    })?;
    for (key, expected) in keys.iter().zip(expected) {
        let mut parts = key
            .strip_prefix("inline:")
            .ok_or("no inline key")?
            .split('|');
        let bytes = base64(parts.next().unwrap_or_default());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let both = format!("{}{}", str(expected, "key_hex"), str(expected, "salt_hex"));
        need(hex == both, || hex.clone())?;
        for part in parts {
            let fits = match part.split_once(':') {
                Some((mki, length)) => {
                    mki == plain(&expected["mki"]) && length == plain(&expected["mki_length"])
                }
                None => lifetime(part) == expected["lifetime"].as_u64(),
            };
            need(fits, || format!("{part} of {expected}"))?;
        }
    }
    Ok(())
}

/// A text or number of a vector as it stands in SDP.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn lifetime(text: &str) -> Option<u64> {
    match text.strip_prefix("2^") {
        Some(power) => 1u64.checked_shl(power.parse().ok()?),
        None => text.parse().ok(),
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut buffer) = (Vec::new(), 0, 0u32);
    for digit in text.trim_end_matches('=').chars() {
        buffer = buffer << 6 | DIGITS.find(digit).unwrap() as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    bytes
}
