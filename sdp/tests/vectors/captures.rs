//! Descriptions of real programs: each reads leniently and comes back as it was.

use std::path::{Path, PathBuf};

use sdp::{Found, Mode};

use crate::report::{self, Report, need, say};

fn folder() -> PathBuf {
    let [folder, ..] = report::folders()
        .try_into()
        .unwrap_or_else(|all: Vec<PathBuf>| [all[0].clone()]);
    match std::env::var_os("VECTORS") {
        Some(_) => folder.join("captures/sdp"),
        None => concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/sdp").into(),
    }
}

/// Checks every description, and the bodies of SIP messages.
pub(crate) fn check(report: &mut Report) {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        return say("captures/sdp: not there, passed over");
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    report.section("captures/sdp", |report| {
        for path in files {
            if let Some(bytes) = body(&path) {
                let name = path.file_name().unwrap().to_string_lossy();
                report.case(&name, one(&name, &bytes));
            }
        }
    });
}

fn body(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    match path.extension()?.to_str()? {
        "sdp" => Some(bytes),
        "sip" => {
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
            Some(bytes[head + 4..].to_vec())
        }
        _ => None,
    }
}

fn one(name: &str, bytes: &[u8]) -> Result<(), String> {
    report::read(bytes, Mode::Lenient).map_err(|error| error.to_string())?;
    // What is in other folders may be anything that real programs send.
    if std::env::var_os("VECTORS").is_some() {
        return Ok(());
    }
    match report::read(bytes, Mode::Strict) {
        // Asterisk cut this body in the middle of its last line.
        Err(error) if name.starts_with("asterisk16-dtls") => {
            need(error.expected == "a line end (CR LF)", || error.to_string())
        }
        // libdatachannel writes "ice2,trickle" where RFC 8839 wants a space.
        Err(error) if name.starts_with("node-datachannel") => {
            need(error.found == Found::Text(",trickle".to_owned()), || {
                error.to_string()
            })
        }
        result => result
            .map(|_| ())
            .map_err(|error| format!("strictly: {error}")),
    }
}
