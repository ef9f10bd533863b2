//! What a run of vectors found, and how their JSON is read.

use std::fmt::Display;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dtls_handshake::HashAlgorithm;
use serde_json::Value;

/// The cases of all files.
#[derive(Default)]
pub(crate) struct Cases {
    pub(crate) checked: usize,
    pub(crate) failed: Vec<String>,
}

impl Cases {
    /// Runs one case; a case that fails does not keep the others from being run.
    pub(crate) fn check(&mut self, name: impl Display, case: impl FnOnce()) {
        self.checked += 1;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(case)) {
            let why = panic.downcast_ref::<String>().map_or("", String::as_str);
            say(&format!("FAILED {name}: {why}"));
            self.failed.push(name.to_string());
        }
    }
}

/// One line on the terminal, also when the test passes: the harness keeps only what `print!` says.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

/// The bytes of a field that may be absent or null.
pub(crate) fn optional_bytes(value: &Value) -> Option<Vec<u8>> {
    (!value.is_null()).then(|| bytes(value))
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

pub(crate) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// The elements of a list; none of one that is absent.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn hash(name: &Value) -> HashAlgorithm {
    match text(name) {
        "sha256" => HashAlgorithm::Sha256,
        "sha384" => HashAlgorithm::Sha384,
        other => panic!("{other}"),
    }
}

/// The value of `hash` over `data`.
pub(crate) fn digest(hash: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    dtls_handshake::Fingerprint::of(hash, data).bytes().to_vec()
}
