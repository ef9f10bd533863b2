//! The settings of the embedded TURN server.

use std::net::SocketAddr;

use super::value::with;
use super::{ConfigError, Http, Media, Settings, Turn, network};

/// The ports of TURN (RFC 8656 §15).
const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;
const REALM: &str = "crosspoint";

/// Checks the settings of the TURN server. Without one it listens where HTTPS does: whoever gets its
/// credentials reaches it.
pub(super) fn turn(
    settings: &Settings,
    http: &Http,
    media: &Media,
    metrics: Option<SocketAddr>,
) -> Result<Option<Turn>, ConfigError> {
    if !settings.turn.unwrap_or(true) {
        return refuse_without_turn(settings).map(|()| None);
    }
    let listen = address("turn-listen", settings.turn_listen.as_deref(), PORT, http)?;
    let tls = settings.turn_tls_listen.as_deref();
    let tls_listen = address("turn-tls-listen", tls, TLS_PORT, http)?;
    for (key, listener) in [("turn-listen", listen), ("turn-tls-listen", tls_listen)] {
        let taken = |problem| Err(ConfigError::invalid(key, listener, problem));
        if network::overlap(listener, http.listen) {
            return taken("listen has this port");
        }
        if metrics.is_some_and(|metrics| network::overlap(listener, metrics)) {
            return taken("metrics-listen has this port");
        }
    }
    if network::overlap(listen, tls_listen) {
        let problem = "turn-listen has this port";
        return Err(ConfigError::invalid("turn-tls-listen", tls_listen, problem));
    }
    // Media takes any port of its range, before or after.
    if media.ports.contains(&listen.port()) {
        let problem = "media-ports has this port";
        return Err(ConfigError::invalid("turn-listen", listen, problem));
    }
    Ok(Some(Turn {
        listen,
        tls_listen,
        realm: realm(settings.turn_realm.as_deref())?,
        host: with("turn-host", settings.turn_host.as_deref(), host)?,
    }))
}

/// Who sets one of these expects a server, and there would be none.
fn refuse_without_turn(settings: &Settings) -> Result<(), ConfigError> {
    let keys = [
        ("turn-listen", settings.turn_listen.as_deref()),
        ("turn-tls-listen", settings.turn_tls_listen.as_deref()),
        ("turn-realm", settings.turn_realm.as_deref()),
        ("turn-host", settings.turn_host.as_deref()),
    ];
    match keys.iter().find_map(|(key, value)| Some((*key, (*value)?))) {
        None => Ok(()),
        Some((key, value)) => Err(ConfigError::invalid(key, value, "turn = false beside it")),
    }
}

fn address(
    key: &'static str,
    text: Option<&str>,
    port: u16,
    http: &Http,
) -> Result<SocketAddr, ConfigError> {
    let address = with(key, text, network::socket_address)?;
    Ok(address.unwrap_or(SocketAddr::new(http.listen.ip(), port)))
}

/// A realm stands in quotes in other protocols, and has 127 characters at most (RFC 8489 §14.9).
fn realm(text: Option<&str>) -> Result<String, ConfigError> {
    let realm = text.unwrap_or(REALM);
    let usable = |b: u8| b == b' ' || b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    match (1..128).contains(&realm.len()) && realm.bytes().all(usable) {
        true => Ok(realm.to_owned()),
        false => {
            let problem = "expected 1 to 127 characters of ASCII, without quotes";
            Err(ConfigError::invalid("turn-realm", realm, problem))
        }
    }
}

/// A name or an address, an IPv6 address in brackets: as it stands in a URL.
fn host(text: &str) -> Result<String, &'static str> {
    match network::is_host(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("expected a host name or an IP address, without a port"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn check(text: &str) -> Result<Option<Turn>, String> {
        let settings: Settings = toml::from_str(text).unwrap();
        let below = toml::from_str("state-dir = 's'\nallow-anonymous = true").unwrap();
        let config = Config::from_settings(settings.or(below));
        config
            .map(|config| config.turn)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn it_listens_where_https_does_unless_told() {
        let turn = check("").unwrap().unwrap();
        assert_eq!(turn.listen, "127.0.0.1:3478".parse().unwrap());
        assert_eq!(turn.tls_listen, "127.0.0.1:5349".parse().unwrap());
        assert_eq!((&*turn.realm, turn.host), ("crosspoint", None));
        let turn = check("listen = '[::]:443'\nturn-tls-listen = '192.0.2.1:443'")
            .unwrap()
            .unwrap();
        assert_eq!(turn.listen, "[::]:3478".parse().unwrap());
        assert_eq!(turn.tls_listen, "192.0.2.1:443".parse().unwrap());
        assert_eq!(check("turn = false").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, expected) in [
            (
                "turn-listen = '3478'",
                "turn-listen: \"3478\": expected IP:PORT",
            ),
            (
                "turn-listen = '0.0.0.0:8443'",
                "turn-listen: \"0.0.0.0:8443\": listen has this port",
            ),
            (
                "metrics-listen = '127.0.0.1:5349'",
                "turn-tls-listen: \"127.0.0.1:5349\": metrics-listen has this port",
            ),
            (
                "turn-tls-listen = '127.0.0.1:3478'",
                "turn-tls-listen: \"127.0.0.1:3478\": turn-listen has this port",
            ),
            (
                "turn-listen = '127.0.0.1:20000'",
                "turn-listen: \"127.0.0.1:20000\": media-ports has this port",
            ),
            ("turn-realm = ''", "turn-realm: \"\": expected 1 to 127"),
            (
                "turn-host = 'a:1'",
                "turn-host: \"a:1\": expected a host name",
            ),
            (
                "turn = false\nturn-host = 'a'",
                "turn-host: \"a\": turn = false beside it",
            ),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
