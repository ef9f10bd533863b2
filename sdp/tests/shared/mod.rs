//! Test data shared by several projects, beside the workspace. Where it is absent the tests say so
//! and pass.

use std::path::PathBuf;

use serde_json::Value;

fn root() -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    if !root.is_dir() {
        println!("no shared test data at {}: nothing was tested here", root.display());
        return None;
    }
    Some(root)
}

/// One file of vectors.
pub(crate) fn json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(root()?.join(path)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The captured descriptions, with the bodies of the captured SIP messages: name and text.
pub(crate) fn sdp_files() -> Option<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()?.join("captures/sdp")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if name.ends_with(".sdp") {
            files.push((name, text));
        } else if let Some((_, body)) = text.split_once("\r\n\r\n") {
            files.push((name, body.to_owned()));
        }
    }
    files.sort();
    Some(files)
}

/// Bytes out of hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
