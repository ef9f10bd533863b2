//! From settings to a configuration: every check, once.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use dtls_handshake::Version;

use super::http::http;
use super::sip::sip;
use super::turn::turn;
use super::value::{each, number, parsed, seconds, with};
use super::{Config, ConfigError, Media, Settings, network};
use crate::session::DtlsRole;

const MEDIA_PORTS: std::ops::RangeInclusive<u16> = 16384..=65535;
const MAX_CALLS: i64 = 1000;
const MEDIA_TIMEOUT: i64 = 30;
const PACKET_TIME: i64 = 20;

/// Checks settings and gives those left out their defaults.
pub(super) fn validate(settings: Settings) -> Result<Config, ConfigError> {
    let max_calls = number("max-calls", settings.max_calls, MAX_CALLS, 100_000)?;
    let max_calls_per_token = number(
        "max-calls-per-token",
        settings.max_calls_per_token,
        settings.max_calls.unwrap_or(MAX_CALLS),
        100_000,
    )?;
    let log = log_filter(settings.log.as_deref().unwrap_or("info"))?;
    let mut notices = Vec::new();
    let sip = sip(&settings, &mut notices)?;
    let media = media(&settings)?;
    let http = http(&settings, &mut notices)?;
    let metrics_listen = settings.metrics_listen.as_deref();
    let metrics = metrics(metrics_listen, http.listen, &mut notices)?;
    let turn = turn(&settings, &http, &media, metrics)?;
    Ok(Config {
        metrics,
        http,
        sip,
        media,
        turn,
        max_calls,
        max_calls_per_token,
        log,
        notices,
    })
}

fn metrics(
    text: Option<&str>,
    https: SocketAddr,
    notices: &mut Vec<String>,
) -> Result<Option<SocketAddr>, ConfigError> {
    const KEY: &str = "metrics-listen";
    let Some(listen) = with(KEY, text, network::socket_address)? else {
        return Ok(None);
    };
    if network::overlap(listen, https) {
        return Err(ConfigError::invalid(KEY, listen, "listen has this port"));
    }
    if !listen.ip().is_loopback() {
        notices.push(format!("anybody who reaches {listen} can read the metrics"));
    }
    Ok(Some(listen))
}

/// The SIP library logs whole messages, credentials included: it speaks only when it is asked to
/// by name.
fn log_filter(asked: &str) -> Result<String, ConfigError> {
    tracing_subscriber::EnvFilter::try_new(asked)
        .map_err(|problem| ConfigError::invalid("log", asked, problem))?;
    Ok(match asked.contains("rsipstack") {
        true => asked.to_owned(),
        false => format!("{asked},rsipstack=warn"),
    })
}

fn media(settings: &Settings) -> Result<Media, ConfigError> {
    let ports = settings.media_ports.as_deref();
    let ports = with("media-ports", ports, network::port_range)?;
    let addresses = settings.media_address.as_deref().unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = number(
        "workers",
        settings.workers,
        i64::try_from(cores).unwrap_or(1),
        256,
    )?;
    Ok(Media {
        ports: ports.unwrap_or(MEDIA_PORTS),
        addresses: each("media-address", addresses, network::media_address)?,
        workers: NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN),
        timeout: seconds("media-timeout", settings.media_timeout, MEDIA_TIMEOUT)?,
        comfort_noise: settings.comfort_noise.unwrap_or(false),
        learn_phone_address: settings.learn_phone_address.unwrap_or(false),
        packet_time: packet_time(settings.packet_time)?,
        dtls_role: parsed("dtls-role", settings.dtls_role.as_deref(), DtlsRole::Client)?,
        dtls_versions: dtls_versions(settings.dtls_versions.as_deref())?,
    })
}

fn dtls_versions(names: Option<&[String]>) -> Result<Vec<Version>, ConfigError> {
    const KEY: &str = "dtls-versions";
    let version = |name: &str| match name {
        "1.3" => Ok(Version::Dtls13),
        "1.2" => Ok(Version::Dtls12),
        _ => Err("expected 1.2 or 1.3"),
    };
    match names {
        None => Ok(vec![Version::Dtls13, Version::Dtls12]),
        Some([]) => Err(ConfigError::invalid(KEY, "[]", "a browser needs one")),
        Some(names) => each(KEY, names, version),
    }
}

/// Opus has frames of 10, 20, 40 and 60 ms, G.711 of any.
fn packet_time(asked: Option<i64>) -> Result<Duration, ConfigError> {
    match asked.unwrap_or(PACKET_TIME) {
        time @ (10 | 20 | 40 | 60) => Ok(Duration::from_millis(time.unsigned_abs())),
        other => {
            let problem = "expected 10, 20, 40 or 60";
            Err(ConfigError::invalid("packet-time", other, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Codec;
    use super::super::http::LISTEN;
    use super::*;

    const TOKENS: &str = "tokens = [{ name = 'a', token = '0123456789abcdef' }]\n";

    fn check(text: &str) -> Result<Config, ConfigError> {
        let settings: Settings = toml::from_str(text).unwrap();
        validate(settings.or(Settings {
            state_dir: Some("s".into()),
            ..Settings::default()
        }))
    }

    fn failure(text: &str) -> String {
        check(text).unwrap_err().to_string()
    }

    #[test]
    fn defaults_serve_this_machine_alone() {
        let config = check("").unwrap();
        assert_eq!(config.http.listen, LISTEN);
        assert!(config.http.anonymous && config.notices.is_empty());
        assert!(!config.http.cors.admits_every_origin());
        assert_eq!(config.media.ports, MEDIA_PORTS);
        assert_eq!(config.sip.codecs, Codec::ALL);
        assert_eq!((config.sip.server, config.max_calls), (None, 1000));
        assert_eq!(config.sip.ring_timeout, Duration::from_secs(60));
        assert_eq!(config.media.packet_time, Duration::from_millis(20));
        assert!(!config.media.learn_phone_address && !config.media.comfort_noise);
    }

    #[test]
    fn a_bad_value_is_named_with_its_key() {
        for (text, expected) in [
            ("listen = 'here'", "listen: \"here\": "),
            (
                "listen = '127.0.0.1'",
                "listen: \"127.0.0.1\": expected IP:PORT",
            ),
            (
                "metrics-listen = '127.0.0.1:8443'",
                "metrics-listen: \"127.0.0.1:8443\": listen has this port",
            ),
            ("metrics-listen = '9464'", "metrics-listen: \"9464\": "),
            ("listen = '8443'", "listen: \"8443\": "),
            (
                "sip-server = 'pbx:0'",
                "sip-server: \"pbx:0\": \"0\" is no port",
            ),
            (
                "media-ports = '9-1'",
                "media-ports: \"9-1\": the first port is above the last",
            ),
            (
                "media-address = ['0.0.0.0']",
                "media-address: \"0.0.0.0\": nobody can send",
            ),
            (
                "phone-address = '::'",
                "phone-address: \"::\": nobody can send",
            ),
            (
                "phone-address = '10.0.0.1'",
                "phone-address needs sip-server beside it",
            ),
            (
                "sip-tls-ca = 'ca.pem'",
                "sip-tls-ca needs sip-server beside it",
            ),
            (
                "sip-user = 'a'\nsip-password = 'hunter2'",
                "sip-user needs sip-server beside it",
            ),
            (
                "sip-server = 'sip:127.0.0.1:5060'",
                "sip-server: \"sip:127.0.0.1:5060\": leave out \"sip:\"",
            ),
            (
                "sip-server = 'pbx;transport=tls'",
                "sip-server: \"pbx:5061;transport=tls\": a SIP server over TLS needs sip-tls-ca",
            ),
            ("dtls-versions = []", "dtls-versions: \"[]\": "),
            (
                "dtls-versions = ['1.0']",
                "dtls-versions: \"1.0\": expected 1.2 or 1.3",
            ),
            ("codecs = []", "codecs: \"[]\": "),
            ("codecs = ['G729']", "codecs: \"G729\": no such codec"),
            ("max-calls = 0", "max-calls: \"0\": expected 1 to"),
            ("max-calls = -1", "max-calls: \"-1\": expected 1 to"),
            ("workers = 1000", "workers: \"1000\": expected 1 to 256"),
            ("ring-timeout = 0", "ring-timeout: \"0\": "),
            (
                "packet-time = 30",
                "packet-time: \"30\": expected 10, 20, 40 or 60",
            ),
            ("media-timeout = 9999999", "media-timeout: \"9999999\": "),
            ("log = 'a=b=c'", "log: \"a=b=c\": "),
            (
                "public-names = ['https://a']",
                "public-names: \"https://a\": expected a host name",
            ),
            (
                "domain-whitelist = ['https://a/b']",
                "domain-whitelist: \"https://a/b\": ",
            ),
            ("ice-servers = [{ urls = [] }]", "ice-servers: "),
            (
                "ice-servers = [{ urls = ['http:a'] }]",
                "ice-servers: \"http:a\": expected stun:",
            ),
            (
                "ice-servers = [{ urls = ['stun:a>; rel=b'] }]",
                "ice-servers: \"stun:a>; rel=b\": expected a URL",
            ),
            (
                "ice-servers = [{ urls = ['turn:a'] }]",
                "ice-servers: \"turn:a\": a TURN server",
            ),
            ("tls-cert = 'a'", "tls-cert needs tls-key beside it"),
            ("tls-key = 'a'", "tls-key needs tls-cert beside it"),
            (
                "token-file = '/nowhere/at/all'",
                "token-file: cannot read /nowhere/at/all: ",
            ),
            (
                "tokens = [{ name = 'a', token = 'short' }]",
                "tokens: a: the token is shorter",
            ),
        ] {
            let error = failure(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        assert!(!failure("tokens = [{ name = 'a', token = 'hunter2' }]").contains("hunter2"));
    }

    #[test]
    fn what_others_can_reach_needs_tokens() {
        for listen in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            let listen = format!("listen = '{listen}'\n");
            assert!(
                matches!(check(&listen), Err(ConfigError::NoTokens { .. })),
                "{listen}"
            );
            let guarded = check(&format!("{TOKENS}{listen}")).unwrap();
            assert!(!guarded.http.anonymous && guarded.notices.is_empty());
            let open = check(&format!("{listen}allow-anonymous = true")).unwrap();
            assert!(open.http.anonymous && open.notices.len() == 1);
        }
        assert!(!check(TOKENS).unwrap().http.anonymous);
    }

    #[test]
    fn any_page_may_call_only_with_a_token() {
        let any = "domain-whitelist = []\n";
        assert!(matches!(check(any), Err(ConfigError::AnyOriginAnonymous)));
        let both = format!("{TOKENS}{any}allow-anonymous = true");
        assert!(matches!(check(&both), Err(ConfigError::AnyOriginAnonymous)));
        let config = check(&format!("{TOKENS}{any}")).unwrap();
        assert!(config.http.cors.admits_every_origin());
        assert_eq!(config.notices.len(), 1, "said at start");
    }

    #[test]
    fn nothing_shown_holds_a_secret() {
        let turn = "ice-servers = [{ urls = ['turn:a'], username = 'u', credential = 'hunter2' }]";
        let shown = format!("{:?}", check(&format!("{TOKENS}{turn}")).unwrap());
        assert!(
            !shown.contains("0123456789abcdef") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
