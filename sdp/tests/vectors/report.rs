//! Where vectors are found, and what became of them.

use std::io::Write;
use std::path::PathBuf;

use sdp::attribute::{Attribute, Raw};
use sdp::{Description, Mode, Options, ParseError};
use serde_json::Value;

/// What was checked, and what was wrong.
#[derive(Default)]
pub(crate) struct Report {
    checked: usize,
    wrong: Vec<String>,
    /// The file at hand.
    file: String,
    in_file: usize,
}

/// The folders that vectors may stand in.
pub(crate) fn folders() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("VECTORS") {
        // As a shell in the workspace means it; tests run in the folder of their crate.
        let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let folder = PathBuf::from(folder);
        return vec![if folder.is_dir() {
            folder
        } else {
            workspace.join(folder)
        }];
    }
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let others = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    vec![own.into(), others.into()]
}

/// One file of vectors, if it is there.
pub(crate) fn json(name: &str) -> Option<Value> {
    let file = folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())?;
    let text = std::fs::read_to_string(&file).unwrap();
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
}

/// A line to the terminal: the harness keeps back what is printed by a test that passes.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Report {
    /// Checks one file.
    pub(crate) fn file(&mut self, name: &str, check: fn(&mut Self, &Value)) {
        let Some(file) = json(name) else {
            return say(&format!("{name}: not there, passed over"));
        };
        self.section(name, |report| check(report, &file));
    }

    /// Checks what is named `name`.
    pub(crate) fn section(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        name.clone_into(&mut self.file);
        self.in_file = 0;
        check(self);
        say(&format!("{name}: {} cases", self.in_file));
    }

    /// One case was checked.
    pub(crate) fn case(&mut self, id: &str, result: Result<(), String>) {
        self.checked += 1;
        self.in_file += 1;
        if let Err(problem) = result {
            self.wrong.push(format!("{} {id}: {problem}", self.file));
        }
    }

    /// A case that cannot be judged here.
    pub(crate) fn passed_over(&self, id: &str, why: &str) {
        say(&format!("{} {id}: passed over, {why}", self.file));
    }

    /// Fails with every case that was wrong.
    pub(crate) fn finish(self) {
        say(&format!(
            "{} cases checked, {} wrong",
            self.checked,
            self.wrong.len()
        ));
        assert!(self.checked > 0, "no vector was found in {:?}", folders());
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

/// The cases of a file below one of its keys; none if it has no such key.
pub(crate) fn cases<'v>(file: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    file[key].as_array().into_iter().flatten()
}

/// A text of a case; empty if it has none.
pub(crate) fn str<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_default()
}

/// The texts of a list.
pub(crate) fn strs<'v>(case: &'v Value, key: &str) -> Vec<&'v str> {
    cases(case, key).filter_map(Value::as_str).collect()
}

/// Fails unless `is`.
pub(crate) fn need(is: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if is { Ok(()) } else { Err(problem()) }
}

/// Reads in `mode`, and holds what was read to be written back byte for byte, borrowed and owned.
pub(crate) fn read(bytes: &[u8], mode: Mode) -> Result<Description<'_>, ParseError> {
    let options = Options {
        mode,
        ..Options::default()
    };
    let description = Description::parse_bytes(bytes, options)?;
    assert_eq!(description.to_bytes(), bytes, "written as read");
    let owned = description.clone().into_owned();
    assert_eq!(owned, description);
    assert_eq!(owned.to_bytes(), bytes, "owned, written as read");
    for section in description.media().iter().map(|media| media.section()) {
        for attribute in section.attributes() {
            assert!(reads_back(&attribute), "{attribute}");
        }
    }
    Ok(description)
}

/// Whether an attribute as it is written is read as the same one. Its text need not be the same:
/// `20.0` ms are 20.
pub(crate) fn reads_back(attribute: &Attribute<'_>) -> bool {
    let text = attribute.to_string();
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, Some(value)),
        None => (&*text, None),
    };
    Attribute::read(Raw { name, value }) == *attribute
}
