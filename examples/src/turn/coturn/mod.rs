//! What a coturn server's configuration file means here.
//!
//! [`import`] reads the file and gives settings of `turn-server` as TOML, with a [`Warning`] for each
//! line that does not come along as it is: keys nobody knows, keys that are dangerous, keys without
//! a counterpart, and ports that the kernel gives away as well. Nothing that coturn refuses is
//! opened by an import; where coturn is more open, it is said what to write to have it so.
//!
//! | file | what it is |
//! | --- | --- |
//! | `lines` | the file's syntax |
//! | `keys` | one table: each key of coturn and what is to be made of it |
//! | `build` | from what the keys said to the settings |
//! | `addresses` | the same for listeners and relays, of which several keys speak together |
//! | `logins` | the same for users and secrets |

mod addresses;
mod build;
mod keys;
mod lines;
mod logins;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use super::config::{Config, Settings};
use crate::config::{ConfigError, file};

/// What has become of a file.
pub struct Imported {
    path: PathBuf,
    settings: toml::Table,
    /// Which line a setting comes from.
    origins: Vec<(&'static str, usize)>,
    warnings: Vec<Warning>,
}

/// Something that does not come along as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    path: PathBuf,
    /// Of the file as a whole where there is none.
    line: Option<usize>,
    text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.text)
    }
}

impl fmt::Debug for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings hold secrets.
        f.debug_struct("Imported")
            .field("path", &self.path)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Reads a file. Its own faults are warnings, too: a file that coturn runs with is to be read.
///
/// # Errors
/// When the file cannot be read at all.
pub fn import(path: &Path) -> Result<Imported, ConfigError> {
    let text = file::contents("coturn", path)?;
    Ok(import_text(path, &text))
}

/// Reads the text of a file. Names of other files in it are seen from its folder.
#[must_use]
pub fn import_text(path: &Path, text: &str) -> Imported {
    build::build(path, lines::lines(text))
}

impl Imported {
    /// What is to be told.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The file that `turn-server --config` reads.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut text = format!("# Made of {}.\n", self.path.display());
        for warning in &self.warnings {
            let place = warning.line.map(|line| format!("line {line}: "));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# {}{}", place.unwrap_or_default(), warning.text);
        }
        // Tables of texts, numbers and lists can always be written.
        let settings = toml::to_string(&self.settings).unwrap_or_default();
        text + "\n" + &settings
    }

    /// The configuration to run with, under settings that go before the file's.
    ///
    /// # Errors
    /// The first thing that is wrong, with the line of coturn's file.
    pub fn config(&self, above: Settings) -> Result<Config, ConfigError> {
        let settings: Settings = self.settings.clone().try_into().map_err(|error| {
            let error: toml::de::Error = error;
            self.locate(None, error.message().to_owned())
        })?;
        let mut config =
            Config::from_settings(&above.or(settings)).map_err(|error| match &error {
                ConfigError::Invalid { key, .. }
                | ConfigError::Secret { key, .. }
                | ConfigError::Unreadable { key, .. }
                | ConfigError::Alone { present: key, .. } => {
                    self.locate(Some(key), error.to_string())
                }
                _ => error,
            })?;
        let told = self.warnings.iter().map(Warning::to_string);
        config.notices.splice(0..0, told);
        Ok(config)
    }

    fn locate(&self, key: Option<&str>, problem: String) -> ConfigError {
        let origin = self.origins.iter().find(|(name, _)| Some(*name) == key);
        ConfigError::File {
            path: self.path.clone(),
            line: origin.map_or(1, |(_, line)| *line),
            column: 1,
            problem,
        }
    }
}

#[cfg(test)]
mod tests;
