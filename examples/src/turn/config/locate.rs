//! The line of a file on which a bad value stands.

use std::path::Path;

use crate::config::ConfigError;

/// The same error with file, line and column, if its key and value stand in the file.
pub(super) fn locate(error: ConfigError, path: &Path, text: &str) -> ConfigError {
    let (key, value) = match &error {
        ConfigError::Invalid { key, value, .. } => (*key, value.as_str()),
        ConfigError::Secret { key, whose, .. } => (*key, whose.as_str()),
        ConfigError::Alone { present, .. } => (*present, ""),
        ConfigError::Unreadable { key, .. } => (*key, ""),
        _ => return error,
    };
    let Some((line, column)) = position(text, key, value) else {
        return error;
    };
    ConfigError::File {
        path: path.to_owned(),
        line,
        column,
        problem: error.to_string(),
    }
}

/// Line and column, from 1, of a value behind its key; of the key where the value is not seen.
fn position(text: &str, key: &str, value: &str) -> Option<(usize, usize)> {
    let is_key = |line: &str| {
        let name = line.split(['=', ' ']).next().unwrap_or(line);
        name.trim_matches('"') == key || line.trim_end() == format!("[[{key}]]")
    };
    let lines = || (1..).zip(text.lines());
    let begin = lines().find(|(_, line)| is_key(line.trim_start()))?;
    // A list may go on over lines, until the next key.
    let next = |line: &str| line.starts_with(char::is_alphabetic) && line.contains('=');
    let list = lines().skip(begin.0).take_while(|(_, line)| !next(line));
    let mut behind = std::iter::once(begin).chain(list);
    let seen = behind.find_map(|(number, line)| {
        let at = (!value.is_empty()).then(|| line.rfind(value)).flatten()?;
        Some((number, line.get(..at)?.chars().count() + 1))
    });
    Some(seen.unwrap_or_else(|| {
        let indent = begin.1.chars().take_while(|c| c.is_whitespace());
        (begin.0, indent.count() + 1)
    }))
}
