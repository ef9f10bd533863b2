//! Known answers about candidates and credentials: JSON files.
//!
//! `VECTORS=DIR cargo test -p ice-agent --test vectors` checks `DIR/sdp/*.json` and files directly in DIR, a
//! relative DIR counting from the workspace's root. Otherwise those of `../shared/vectors` are checked
//! where that folder is at hand. A case is known by its `line`, not by its file: `a=candidate:`,
//! `a=ice-ufrag:` and `a=ice-pwd:` are ours. Each case that fails is told in a line.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // checks fail loudly

use std::io::Write as _;
use std::path::PathBuf;

use ice_agent::{
    Address, Candidate, Credentials, Protocol, Role, TcpKind, candidate_priority, pair_priority,
};
use serde_json::Value;

/// What is ours of a line: true when it is good.
fn reads(line: &str) -> Option<bool> {
    let (name, value) = line.split_once(':')?;
    match name {
        "a=candidate" => Some(line.parse::<Candidate>().is_ok()),
        "a=ice-ufrag" => Some(Credentials::new(value, "p".repeat(22)).is_ok()),
        "a=ice-pwd" => Some(Credentials::new("ufrag", value).is_ok()),
        _ => None,
    }
}

fn text(address: &Address) -> (String, u16) {
    match address {
        Address::Ip(address) => (address.ip().to_string(), address.port()),
        Address::Name { host, port } => (host.to_string(), *port),
    }
}

/// Whether a field says what was read, where there is such a field.
fn says(parsed: &Value, field: &str, read: &str) -> bool {
    match &parsed[field] {
        Value::Null => true,
        Value::String(said) => said.eq_ignore_ascii_case(read),
        said => format!("{said}") == read,
    }
}

/// The fields of a candidate, and its text printed and read again.
fn candidate_says(candidate: &Candidate, parsed: &Value) -> Result<(), String> {
    let (host, port) = text(&candidate.address);
    let related = candidate.related.as_ref().map(text);
    let (raddr, rport) = related.unwrap_or_default();
    let tcptype = match candidate.protocol {
        Protocol::Tcp(TcpKind::Active) => "active",
        Protocol::Tcp(TcpKind::Passive) => "passive",
        Protocol::Tcp(TcpKind::SimultaneousOpen) => "so",
        _ => "",
    };
    let fields = [
        ("foundation", candidate.foundation.to_string()),
        ("component", candidate.component.to_string()),
        ("transport", candidate.protocol.to_string()),
        ("priority", candidate.priority.to_string()),
        ("address", host),
        ("port", port.to_string()),
        ("type", candidate.kind.to_string()),
        ("raddr", raddr),
        ("rport", rport.to_string()),
        ("tcptype", tcptype.to_string()),
    ];
    for (field, read) in fields {
        if !says(parsed, field, &read) {
            return Err(format!("{field} is {read}, not {}", parsed[field]));
        }
    }
    let split = &parsed["priority_split"];
    let number = |field: &str| split[field].as_u64();
    if let Some((kind, local)) = number("type_preference").zip(number("local_preference")) {
        let last = 256 - u64::from(candidate.component);
        let priority = (kind << 24) + (local << 8) + last;
        // One example of an RFC has a priority that the formula cannot give.
        let ours = candidate_priority(&candidate.kind, local as u16, candidate.component);
        if kind <= 126 && priority != u64::from(candidate.priority) {
            return Err(format!("the priority is not {priority}"));
        }
        if u64::from(ours >> 24) == kind && ours != candidate.priority {
            return Err(format!("we would give it the priority {ours}"));
        }
    }
    match candidate.to_string().parse::<Candidate>() {
        Ok(again) if again == *candidate => Ok(()),
        other => Err(format!("printed and read again it is {other:?}")),
    }
}

/// Checks a case; `None` when it is not ours.
fn check(case: &Value) -> Option<Result<(), String>> {
    let line = case["line"].as_str()?;
    let good = reads(line)?;
    let verdict = match case["valid"] {
        Value::Bool(valid) if valid != good => Err(format!("valid is {valid}, we say {good}")),
        _ => Ok(()),
    };
    let candidate = line.parse::<Candidate>();
    Some(verdict.and_then(|()| match candidate {
        Ok(candidate) => candidate_says(&candidate, &case["parsed"]),
        Err(_) => Ok(()),
    }))
}

fn files() -> (PathBuf, Vec<PathBuf>) {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let folder = match std::env::var_os("VECTORS") {
        Some(folder) => root.join(folder),
        None => root.join("../shared/vectors"),
    };
    let in_folder = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = in_folder(folder.join("sdp")).chain(in_folder(folder.clone()));
    let paths = entries.map(|entry| entry.path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    (folder, files)
}

#[test]
fn lines_are_read_as_the_vectors_say() {
    let (folder, files) = files();
    let (mut checked, mut failed) = (0, Vec::new());
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let Ok(file) = serde_json::from_slice::<Value>(&bytes) else {
            failed.push(format!("{}: no JSON", path.display()));
            continue;
        };
        for case in file["cases"].as_array().into_iter().flatten() {
            if let Some(outcome) = check(case) {
                checked += 1;
                let name = format!("{}: {}", case["id"], case["line"]);
                failed.extend(outcome.err().map(|reason| format!("{name}: {reason}")));
            }
        }
    }
    // Also when the test passes, whose output the harness keeps to itself.
    let _ = writeln!(std::io::stderr(), "{checked} lines checked");
    assert!(failed.is_empty(), "{failed:#?}");
    let asked = std::env::var_os("VECTORS").is_some();
    let there = asked || folder.is_dir();
    assert!(checked > 0 || !there, "nothing in {}", folder.display());
}

/// RFC 8445 §6.1.2.3, with numbers of RFC 8839 §5.1.
#[test]
fn pairs_have_the_priority_of_the_formula() {
    let (host, reflexive) = (2_130_706_431_u64, 1_694_498_815_u64);
    let priority = (reflexive << 32) + 2 * host + 1;
    let ours = pair_priority(Role::Controlling, host as u32, reflexive as u32);
    assert_eq!(ours, priority);
    assert_eq!(
        pair_priority(Role::Controlled, host as u32, reflexive as u32),
        priority - 1
    );
}
