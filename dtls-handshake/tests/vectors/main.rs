//! Vectors: key schedules, handshakes of other implementations, and hostile datagrams.
//!
//! `VECTORS=DIR cargo test -p dtls-handshake --test vectors` reads `DIR/dtls/*.json` and
//! `DIR/torture/dtls.json` and nothing else. Without it they are those beside this file, which the
//! standards print or which were computed for this project, and those of other projects in the
//! folder that is shared beside the workspace, where it is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod handshake12;
mod handshake13;
mod hostile;
mod records13;
mod rfc8448;
mod schedule12;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cases::{Cases, say};
use serde_json::Value;

/// What checks a file: the beginning of its name in the folder, and how.
type Check = (&'static str, fn(&mut Cases, &str, &Value));

const CHECKS: [Check; 9] = [
    ("dtls/tls12_prf", schedule12::prf),
    ("dtls/tls12_key_schedule", schedule12::key_schedule),
    ("dtls/dtls12_openssl", handshake12::handshake),
    ("dtls/dtls13_illustrated", handshake13::handshake),
    ("dtls/dtls13_record", records13::records),
    ("dtls/dtls13_sn_mask", records13::masks),
    ("dtls/dtls13_sn_reconstruction", records13::numbers),
    ("dtls/rfc8448", rfc8448::handshake),
    ("torture/dtls", hostile::datagrams),
];

/// The folders to read; a file in one of them hides those of its name in the next.
fn folders() -> Vec<PathBuf> {
    match std::env::var_os("VECTORS") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => vec![
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors").into(),
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors").into(),
        ],
    }
}

/// The JSON files of a folder's two parts, by name without extension.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for part in ["dtls", "torture"] {
        let entries = match std::fs::read_dir(folder.join(part)) {
            Ok(entries) => entries,
            Err(error) => {
                say(&format!(
                    "not read: {}: {error}",
                    folder.join(part).display()
                ));
                continue;
            }
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let name = path.file_stem().unwrap().to_string_lossy();
                found.push((format!("{part}/{name}"), path));
            }
        }
    }
    found
}

#[test]
fn vectors() {
    let mut all = BTreeMap::new();
    for folder in folders() {
        for (name, path) in files(&folder) {
            all.entry(name).or_insert(path);
        }
    }
    let mut cases = Cases::default();
    for (start, check) in CHECKS {
        let mut named = all
            .iter()
            .filter(|(name, _)| name.starts_with(start))
            .peekable();
        if named.peek().is_none() {
            say(&format!("skipped: {start}*.json is not there"));
        }
        for (name, path) in named {
            let before = cases.checked;
            let file = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            check(&mut cases, name, &file);
            say(&format!("{name}: {} cases", cases.checked - before));
        }
    }
    let Cases { checked, failed } = cases;
    say(&format!("{checked} cases checked, {} failed", failed.len()));
    assert!(failed.is_empty(), "{failed:#?}");
    assert_ne!(checked, 0, "nothing was checked");
}
