//! One case of a file: its fields, as the types that the checks want.

use std::fmt::Debug;

use serde_json::Value;
use srtp::Profile;

/// What came of a case that did not fail.
pub(crate) enum Outcome {
    Checked,
    /// This crate has not what the case is about.
    Skipped(String),
}

/// `Err` says what was wrong.
pub(crate) type Check = Result<Outcome, String>;

/// A case, and the file that it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    fields: &'a Value,
    file: &'a Value,
}

impl<'a> Case<'a> {
    pub(crate) fn new(fields: &'a Value, file: &'a Value) -> Self {
        Self { fields, file }
    }

    pub(crate) fn file(self) -> &'a Value {
        self.file
    }

    /// What the case is called.
    pub(crate) fn label(self) -> Option<String> {
        let names = ["id", "name", "sdes", "profile", "algorithm", "source"];
        let mut found = names.iter().filter_map(|name| self.fields[name].as_str());
        found.next().map(String::from)
    }

    pub(crate) fn has(self, name: &str) -> bool {
        !self.fields[name].is_null()
    }

    pub(crate) fn value(self, name: &str) -> &'a Value {
        &self.fields[name]
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, String> {
        let text = self.fields[name].as_str();
        text.ok_or_else(|| format!("no text in {name}"))
    }

    pub(crate) fn bytes(self, name: &str) -> Result<Vec<u8>, String> {
        hex::decode(self.text(name)?).map_err(|error| format!("{name}: {error}"))
    }

    pub(crate) fn list(self, name: &str) -> Result<&'a [Value], String> {
        let list = self.fields[name].as_array();
        list.map(Vec::as_slice)
            .ok_or_else(|| format!("no list in {name}"))
    }

    /// A number, or hexadecimal text of one.
    pub(crate) fn number(self, name: &str) -> Result<u64, String> {
        number(&self.fields[name]).ok_or_else(|| format!("no number in {name}"))
    }

    /// As [`number`](Self::number), in 32 bits; 0 where there is none.
    pub(crate) fn number_or_0(self, name: &str) -> Result<u32, String> {
        if !self.has(name) {
            return Ok(0);
        }
        u32::try_from(self.number(name)?).map_err(|error| format!("{name}: {error}"))
    }
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    let hexadecimal = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(hexadecimal))
}

/// The profile of a name, as SDES or as the DTLS registry writes it.
pub(crate) fn profile(name: &str) -> Option<Profile> {
    let bare = |name: &str| name.trim_start_matches("SRTP_").to_owned();
    Profile::ALL
        .into_iter()
        .find(|profile| bare(&profile.to_string()) == bare(name))
}

/// Two strings of bytes that ought to be one.
pub(crate) fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (hex::encode(found), hex::encode(expected));
    Err(format!("{what} is\n  {found}, expected\n  {expected}"))
}

/// Two values that ought to be one.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} is {found:?}, expected {expected:?}"))
}

/// What is no profile of this crate.
pub(crate) fn not_ours(name: &str) -> Check {
    Ok(Outcome::Skipped(format!(
        "{name} is no profile of this crate"
    )))
}
