//! Known answers: JSON files of the layout that `README.md` in this folder describes.
//!
//! `VECTORS=DIR cargo test -p srtp --test vectors` checks another folder of the same layout, and only
//! that one. Otherwise the files beside this one are checked, and those of other projects in
//! `../shared/vectors` where that folder is at hand. A file is known by its fields, not by its name.
//! What is not there and what this crate does not have is told in a line; so is each case that fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod below_the_master_key;
mod case;
#[path = "../common/mod.rs"]
mod common;
mod header_extension;
mod packets;
mod parameters;
mod torture;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use case::{Case, Check, Outcome};
use common::say;

/// The files of the layout. Others in the folder `srtp` are read as well.
const LAYOUT: [&str; 15] = [
    "srtp/computed_packets.json",
    "srtp/libsrtp_full_packets.json",
    "srtp/rfc3711_b1_aes_f8.json",
    "srtp/rfc3711_b2_aes_cm_128.json",
    "srtp/rfc3711_b3_kdf.json",
    "srtp/rfc6188_s7_1_aes_cm_256.json",
    "srtp/rfc6188_s7_2_kdf_256.json",
    "srtp/rfc6188_s7_3_aes_cm_192.json",
    "srtp/rfc6188_s7_4_kdf_192.json",
    "srtp/rfc6904_appendix_a.json",
    "srtp/rfc7714_kdf_96bit_salt.json",
    "srtp/rfc7714_s16_s17_gcm.json",
    "srtp/rfc9335_appendix_a_cryptex.json",
    "srtp/srtp_parameters.json",
    "torture/srtp.json",
];

/// What came of the cases so far.
#[derive(Default)]
struct Tally {
    checked: usize,
    skipped: usize,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, file: &str, name: &str, check: Check) {
        match check {
            Ok(Outcome::Checked) => self.checked += 1,
            Ok(Outcome::Skipped(reason)) => {
                say(format_args!("skipped: {file}: {name}: {reason}"));
                self.skipped += 1;
            }
            Err(why) => {
                say(format_args!("FAILED: {file}: {name}: {why}"));
                self.failed.push(format!("{file}: {name}"));
            }
        }
    }

    fn add_file(&mut self, name: &str, path: &Path) {
        let text = std::fs::read(path).unwrap();
        let file: Value = match serde_json::from_slice(&text) {
            Ok(file) => file,
            Err(error) => return self.add(name, "the file", Err(error.to_string())),
        };
        let before = (self.checked, self.skipped, self.failed.len());
        for (list, check) in LISTS {
            for (at, case) in file[list].as_array().into_iter().flatten().enumerate() {
                let case = Case::new(case, &file);
                let label = case.label().unwrap_or_else(|| format!("{list}[{at}]"));
                self.add(name, &label, check(case));
            }
        }
        if file.get("master_key_hex").is_some() || file.get("session_key_hex").is_some() {
            let case = Case::new(&file, &file);
            let label = case.label().unwrap_or_else(|| "the file".into());
            self.add(name, &label, one(case));
        }
        if before == (self.checked, self.skipped, self.failed.len()) {
            self.skipped += 1;
            say(format_args!(
                "skipped: {name}: nothing in it that is known here"
            ));
        }
    }
}

type Checker = fn(Case<'_>) -> Check;

/// The lists that a file may have, and how a case of each is checked.
const LISTS: [(&str, Checker); 4] = [
    ("vectors", one),
    ("derived_vectors", one),
    ("rows", parameters::check),
    ("cases", torture::check),
];

/// Checks a case by what it has.
fn one(case: Case<'_>) -> Check {
    if case.has("blocks") {
        below_the_master_key::key_stream(case)
    } else if case.has("hdr_cipher_key_hex") {
        header_extension::check(case)
    } else if case.has("outputs") {
        below_the_master_key::derivation(case)
    } else if case.has("session_key_hex") {
        below_the_master_key::packet(case)
    } else if case.has("protected_packet_hex") {
        packets::check(case)
    } else {
        Ok(Outcome::Skipped("a kind that is not known here".into()))
    }
}

/// Every file to check: its name in the layout and where it is.
fn files() -> Vec<(String, PathBuf)> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"));
    let folders = match std::env::var_os("VECTORS") {
        // As written in the workspace's root: the harness runs in the crate's folder.
        Some(folder) => vec![own.join("../../..").join(folder)],
        None => vec![own.clone(), own.join("../../../../shared/vectors")],
    };
    let mut names: BTreeSet<String> = LAYOUT.map(String::from).into();
    for entry in folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder.join("srtp")))
    {
        let found = entry.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.extend(
            found
                .filter(|name| name.ends_with(".json"))
                .map(|name| format!("srtp/{name}")),
        );
    }
    let place = |name: &str| {
        let mut places = folders.iter().map(|folder| folder.join(name));
        let found = places.find(|path| path.is_file());
        if found.is_none() {
            let folders: Vec<_> = folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            say(format_args!(
                "skipped: {name} is not in {}",
                folders.join(", nor in ")
            ));
        }
        found
    };
    names
        .into_iter()
        .filter_map(|name| place(&name).map(|path| (name, path)))
        .collect()
}

#[test]
fn vectors() {
    let mut tally = Tally::default();
    for (name, path) in files() {
        tally.add_file(&name, &path);
    }
    let Tally {
        checked,
        skipped,
        failed,
    } = tally;
    say(format_args!(
        "{checked} cases checked, {skipped} skipped, {} failed",
        failed.len()
    ));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_ne!(checked, 0, "nothing was checked");
}
