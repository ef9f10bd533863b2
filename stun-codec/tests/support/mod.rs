//! What the tests on shared data have in common.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)] // checks fail loudly
#![allow(dead_code)] // each of them uses a part

use std::path::PathBuf;

use serde_json::Value;

/// A file or folder of the shared test data, which lies beside the workspace and may be absent.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if full.exists() {
        return Some(full);
    }
    println!("not tested: shared test data {path} is not on this machine");
    None
}

/// A JSON file of the shared test data.
pub(crate) fn shared_json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(shared(path)?).expect("a readable file");
    Some(serde_json::from_str(&text).expect("valid JSON"))
}

/// The bytes of a hexadecimal field.
pub(crate) fn hex_field(object: &Value, field: &str) -> Vec<u8> {
    hex::decode(object[field].as_str().expect("a text field")).expect("hexadecimal")
}
