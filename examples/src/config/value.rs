//! Values as they are written, and the key that a bad one is told with.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use super::ConfigError;

/// A value of its own type.
pub(crate) fn parse<T: FromStr<Err: Display>>(
    key: &'static str,
    text: &str,
) -> Result<T, ConfigError> {
    text.parse()
        .map_err(|problem| ConfigError::invalid(key, text, problem))
}

/// A value that is left out, or that `read` makes of its text.
pub(crate) fn with<T, E: Display>(
    key: &'static str,
    text: Option<&str>,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ConfigError> {
    text.map(|text| read(text).map_err(|problem| ConfigError::invalid(key, text, problem)))
        .transpose()
}

/// A value of its own type, or its default.
pub(crate) fn parsed<T: FromStr<Err: Display>>(
    key: &'static str,
    text: Option<&str>,
    default: T,
) -> Result<T, ConfigError> {
    text.map_or(Ok(default), |text| parse(key, text))
}

/// Each value of a list.
pub(crate) fn each<T, E: Display>(
    key: &'static str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, ConfigError> {
    let read =
        |text: &String| read(text).map_err(|problem| ConfigError::invalid(key, text, problem));
    texts.iter().map(read).collect()
}

/// A number from 1 on.
pub(crate) fn number(
    key: &'static str,
    value: Option<i64>,
    default: i64,
    most: i64,
) -> Result<usize, ConfigError> {
    let value = value.unwrap_or(default);
    usize::try_from(value)
        .ok()
        .filter(|_| (1..=most).contains(&value))
        .ok_or_else(|| ConfigError::invalid(key, value, format!("expected 1 to {most}")))
}

/// Seconds, an hour at most.
pub(crate) fn seconds(
    key: &'static str,
    value: Option<i64>,
    default: i64,
) -> Result<Duration, ConfigError> {
    const HOUR: i64 = 3600;
    let seconds = number(key, value, default, HOUR)?;
    Ok(Duration::from_secs(
        u64::try_from(seconds).unwrap_or(u64::MAX),
    ))
}
