//! The configuration file and the token file.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{ConfigError, Secret, Token, Tokens};

/// Reads the settings of a TOML file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    parse(path, &contents("config", path)?)
}

/// The settings that a TOML file of this text holds.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        let key = text
            .lines()
            .nth(line - 1)
            .and_then(|line| line.split_once('='));
        let problem = match key {
            Some((key, _)) if !error.message().contains(&format!("`{}`", key.trim())) => {
                format!("{}: {}", key.trim(), in_plain_words(error.message()))
            }
            _ => in_plain_words(error.message()),
        };
        ConfigError::File {
            path: path.to_owned(),
            line,
            column,
            problem,
        }
    })
}

/// Reads a file with one `name:token` a line; empty lines and those from `#` on are skipped.
pub(crate) fn read_tokens(path: &Path, tokens: &mut Tokens) -> Result<(), ConfigError> {
    const KEY: &str = "token-file";
    let mut is_empty = true;
    for (index, line) in contents(KEY, path)?.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        is_empty = false;
        line.split_once(':')
            .ok_or("expected name:token")
            .and_then(|(name, token)| Token::new(name, Secret::new(token)))
            .and_then(|token| tokens.add(token))
            .map_err(|problem| ConfigError::Secret {
                key: KEY,
                whose: format!("{}, line {}", path.display(), index + 1),
                problem,
            })?;
    }
    match is_empty {
        true => Err(ConfigError::invalid(KEY, path.display(), "no token in it")),
        false => Ok(()),
    }
}

/// Whether users other than the file's own may read it.
#[cfg(unix)]
pub(crate) fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Not told on this platform.
#[cfg(not(unix))]
pub(crate) fn is_readable_by_others(_: &Path) -> bool {
    false
}

/// The bytes of a file that a key names.
pub(crate) fn read_bytes(key: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|source| ConfigError::Unreadable {
        key,
        path: path.to_owned(),
        source,
    })
}

/// The text of a file that a key names.
pub(crate) fn contents(key: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| ConfigError::Unreadable {
            key,
            path: path.to_owned(),
            source,
        })
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or("").chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// What the library calls its types, and what a person writes.
const TYPES: [(&str, &str); 6] = [
    (
        "struct UserEntry",
        "tables with name and password: [{ name = \"…\", password = \"…\" }]",
    ),
    ("i64", "a whole number, without quotes"),
    ("a boolean", "true or false, without quotes"),
    ("a sequence", "a list in brackets"),
    ("a string", "a text in quotes"),
    ("path string", "a text in quotes"),
];

/// The library's message in plain words, and without the value of a wrong type: it may be a secret
/// at a wrong place.
fn in_plain_words(message: &str) -> String {
    if let Some((unknown, key)) = meant(message) {
        return format!("unknown key `{unknown}`; did you mean `{key}`?");
    }
    let expected = message.rsplit_once(", expected ");
    match expected.filter(|_| message.starts_with("invalid ")) {
        Some((_, expected)) => {
            let plain = TYPES.iter().find(|(name, _)| *name == expected);
            format!("expected {}", plain.map_or(expected, |(_, plain)| plain))
        }
        None => message.to_owned(),
    }
}

/// An unknown key, and the known one of the same letters: who writes `packet_time` means `packet-time`.
fn meant(message: &str) -> Option<(&str, &str)> {
    let (unknown, known) = message
        .strip_prefix("unknown field `")?
        .split_once("`, expected ")?;
    let letters = |key: &str| -> String {
        let letters = key.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let asked = letters(unknown);
    let mut known = known.split('`').skip(1).step_by(2);
    Some((unknown, known.find(|key| letters(key) == asked)?))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use crate::calls::CallId;

    /// What reading a file of this text fails with, without the file's name.
    fn failure(text: &str) -> String {
        let name = format!("crosspoint-{}.toml", CallId::random().unwrap());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        let error = read::<Settings>(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        error
            .strip_prefix(&path.display().to_string())
            .unwrap()
            .to_owned()
    }

    #[test]
    fn errors_name_line_and_key() {
        let unknown = failure("listen = \"127.0.0.1:1\"\nlisten-on = 1\n");
        assert!(
            unknown.starts_with(", line 2, column 1: unknown field `listen-on`"),
            "{unknown}"
        );
        let mistyped = failure("\n\nmax-calls = \"many\"\n");
        assert_eq!(
            mistyped,
            ", line 3, column 13: max-calls: expected a whole number, without quotes"
        );
        for (text, expected) in [
            ("media-address = '10.0.0.1'", "expected a list in brackets"),
            ("sip-server = 5", "expected a text in quotes"),
            ("tls-cert = 5", "expected a text in quotes"),
            (
                "comfort-noise = 'yes'",
                "expected true or false, without quotes",
            ),
        ] {
            let error = failure(text);
            let key = text.split(' ').next().unwrap();
            assert!(error.ends_with(&format!("{key}: {expected}")), "{error}");
        }
        assert_eq!(
            failure("packet_time = 20"),
            ", line 1, column 1: unknown key `packet_time`; did you mean `packet-time`?"
        );
        let broken = failure("listen = \n");
        assert!(
            broken.starts_with(", line 1, column 10: listen:"),
            "{broken}"
        );
        let nested = failure("tokens = [{ name = \"a\", token = \"b\", admin = true }]\n");
        assert!(
            nested.contains("line 1") && nested.contains("unknown field `admin`"),
            "{nested}"
        );
        assert!(failure("tokens = [{ name = \"a\" }]").contains("missing field `token`"));
    }

    #[test]
    fn errors_do_not_tell_secrets() {
        for text in [
            "tokens = \"hunter2\"",
            "tokens = [\"hunter2\"]",
            "tokens = [{ name = \"a\", token = [\"hunter2\"] }]",
            "tokens = [{ name = 1, token = \"hunter2\" }]",
            "tokens = [{ name = \"a\", token = hunter2 }]",
            "tokens = [{ name = \"a\", token = \"hunter2 }]",
            "max-calls = \"hunter2, expected 2\"",
            "ice-servers = \"hunter2\"",
        ] {
            let error = failure(text);
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
        assert!(!failure("tokens = [{ name = \"a\", token = 7654321 }]").contains("7654321"));
        assert!(!failure("tokens = 7654321").contains("7654321"));
    }
}
