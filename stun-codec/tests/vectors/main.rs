//! Known answers and broken messages: JSON files.
//!
//! `VECTORS=DIR cargo test -p stun-codec --test vectors` checks `DIR/stun/*.json`,
//! `DIR/torture/stun.json` and files directly in DIR, a relative DIR counting from the workspace's root.
//! Otherwise those of `../shared/vectors` are checked where that folder is at hand. A file is known by
//! its fields, not by its name. What is not there and what this crate does not have is told in a line; so
//! is each case that fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly

mod credentials;
mod messages;
mod torture;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What came of a case: checked, or why not.
type Check = Result<(), Skipped>;

/// Nothing here knows such a case.
struct Skipped(&'static str);

/// What came of the cases so far.
#[derive(Default)]
struct Tally {
    checked: usize,
    skipped: usize,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, name: &str, check: impl FnOnce() -> Check + std::panic::UnwindSafe) {
        match std::panic::catch_unwind(check) {
            Ok(Ok(())) => self.checked += 1,
            Ok(Err(Skipped(reason))) => {
                println!("skipped: {name}: {reason}");
                self.skipped += 1;
            }
            Err(_) => {
                println!("FAILED: {name}");
                self.failed.push(name.into());
            }
        }
    }

    fn add_file(&mut self, name: &str, path: &Path) {
        let text = std::fs::read(path).unwrap();
        let Ok(file) = serde_json::from_slice::<Value>(&text) else {
            return self.failed.push(format!("{name}: no JSON"));
        };
        let before = (self.checked, self.skipped, self.failed.len());
        for list in ["vectors", "rows", "cases", "negative"] {
            for (at, case) in file[list].as_array().into_iter().flatten().enumerate() {
                let id = case["id"].as_str().map(String::from);
                let label = format!("{name}: {}", id.unwrap_or_else(|| format!("{list}[{at}]")));
                self.add(&label, || one(case));
            }
        }
        if file.get("password_prep").is_some() {
            self.add(&format!("{name}: password_prep"), || {
                credentials::preparation(&file["password_prep"])
            });
        }
        if before == (self.checked, self.skipped, self.failed.len()) {
            self.add(name, || Err(Skipped("nothing in it that is known here")));
        }
    }
}

/// Checks a case by what it has.
fn one(case: &Value) -> Check {
    let has = |field: &str| case.get(field).is_some();
    if has("message_hex") {
        messages::message(case)
    } else if has("type_hex") {
        messages::message_type(case)
    } else if has("verdict") {
        torture::case(case)
    } else if has("hex") {
        torture::seed(case)
    } else if has("nonce_prefix") || has("nonce") {
        credentials::nonce(case)
    } else if has("userhash_hex") {
        credentials::userhash(case)
    } else if has("key_hex") {
        credentials::key(case)
    } else {
        Err(Skipped("a kind that is not known here"))
    }
}

/// The bytes of a hexadecimal field.
fn hex_field(object: &Value, field: &str) -> Vec<u8> {
    hex::decode(object[field].as_str().expect("a text field")).expect("hexadecimal")
}

/// Every file to check: its name and where it is.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let json = |below: &str| {
        let entries = std::fs::read_dir(folder.join(below)).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.ends_with(".json"))
            .map(|name| format!("{below}{name}"))
            .collect::<Vec<_>>()
    };
    let mut names: BTreeSet<String> = json("stun/").into_iter().chain(json("")).collect();
    for name in ["torture/stun.json", "torture/stun_fuzz_seeds.json"] {
        names.insert(name.into());
    }
    let place = |name: String| {
        let path = folder.join(&name);
        if path.is_file() {
            return Some((name, path));
        }
        println!("skipped: {name} is not in {}", folder.display());
        None
    };
    names.into_iter().filter_map(place).collect()
}

#[test]
fn vectors() {
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let told = std::env::var_os("VECTORS");
    let folder = match &told {
        Some(folder) => workspace.join(folder),
        None => workspace.join("../shared/vectors"),
    };
    let mut tally = Tally::default();
    for (name, path) in files(&folder) {
        tally.add_file(&name, &path);
    }
    let Tally {
        checked,
        skipped,
        failed,
    } = tally;
    println!(
        "{checked} cases checked, {skipped} skipped, {} failed",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // Without the folder of other projects there are still `tests/rfc5769.rs` and `tests/rules.rs`.
    assert!(
        checked > 0 || (told.is_none() && !folder.exists()),
        "nothing was checked"
    );
}
