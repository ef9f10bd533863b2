//! What a client of the HTTPS side may take.

use super::value::{number, seconds};
use super::{ConfigError, Settings};
use crate::http::Limits;

const CONNECTIONS: i64 = 1024;
const EVENT_STREAMS: i64 = 2000;
const BODY: i64 = 64 * 1024;
const HEAD_TIMEOUT: i64 = 10;
const IDLE_TIMEOUT: i64 = 60;

/// The limits that the settings name; the others have their defaults.
pub(super) fn read(settings: &Settings) -> Result<Limits, ConfigError> {
    Ok(Limits {
        connections: number(
            "max-connections",
            settings.max_connections,
            CONNECTIONS,
            1_000_000,
        )?,
        event_streams: number(
            "max-event-streams",
            settings.max_event_streams,
            EVENT_STREAMS,
            1_000_000,
        )?,
        body_len: number("max-body", settings.max_body, BODY, 1 << 20)?,
        head_time: seconds("head-timeout", settings.head_timeout, HEAD_TIMEOUT)?,
        idle_time: seconds("idle-timeout", settings.idle_timeout, IDLE_TIMEOUT)?,
        ..Limits::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_nothing_is_unlimited() {
        assert_eq!(read(&Settings::default()).unwrap(), Limits::default());
        for (text, key) in [
            ("max-connections = 0", "max-connections"),
            ("max-event-streams = -1", "max-event-streams"),
            ("max-body = 1048577", "max-body"),
            ("head-timeout = 0", "head-timeout"),
            ("idle-timeout = 3601", "idle-timeout"),
        ] {
            let error = read(&toml::from_str(text).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(key), "{text}: {error}");
        }
    }
}
