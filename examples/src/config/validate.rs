//! From settings to a configuration: every check, once.

use std::env;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use super::{
    Codec, Config, ConfigError, Http, IceServerEntry, Media, Settings, Sip, Tls, Token, TokenEntry,
    Tokens, file, limits, login, network, origins, state_dir,
};
use crate::calls::IceServer;
use crate::session::DtlsRole;
use crate::sip::{Server, Transport};

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
const MEDIA_PORTS: std::ops::RangeInclusive<u16> = 16384..=65535;
const MAX_CALLS: i64 = 1000;
const RING_TIMEOUT: i64 = 60;
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
    let metrics = metrics(settings.metrics_listen.as_deref(), &mut notices)?;
    let http = http(settings, &mut notices)?;
    Ok(Config {
        metrics,
        http,
        sip,
        media,
        max_calls,
        max_calls_per_token,
        log,
        notices,
    })
}

fn metrics(
    listen: Option<&str>,
    notices: &mut Vec<String>,
) -> Result<Option<SocketAddr>, ConfigError> {
    let listen: Option<SocketAddr> = listen
        .map(|text| parse("metrics-listen", text))
        .transpose()?;
    if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
        notices.push(format!("anybody who reaches {listen} can read the metrics"));
    }
    Ok(listen)
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

fn http(settings: Settings, notices: &mut Vec<String>) -> Result<Http, ConfigError> {
    let listen = parsed("listen", settings.listen.as_deref(), LISTEN)?;
    let limits = limits::read(&settings)?;
    let tokens = tokens(settings.tokens, settings.token_file, notices)?;
    let is_local = listen.ip().is_loopback();
    let allow_anonymous = settings.allow_anonymous.unwrap_or(false);
    if !is_local && tokens.is_empty() && !allow_anonymous {
        return Err(ConfigError::NoTokens { listen });
    }
    let anonymous = allow_anonymous || tokens.is_empty();
    if anonymous && !is_local {
        notices.push(format!(
            "anybody who reaches {listen} can call without a token"
        ));
    }
    let cors = origins::policy(settings.domain_whitelist.as_deref())?;
    if cors.admits_every_origin() {
        if anonymous {
            return Err(ConfigError::AnyOriginAnonymous);
        }
        notices.push("domain-whitelist is empty: a page of any origin can call".to_owned());
    }
    Ok(Http {
        listen,
        limits,
        public_names: public_names(settings.public_names.unwrap_or_default())?,
        tls: tls(settings.tls_cert, settings.tls_key, settings.state_dir)?,
        tokens,
        anonymous,
        cors,
        ice_servers: settings
            .ice_servers
            .unwrap_or_default()
            .into_iter()
            .map(ice_server)
            .collect::<Result<_, _>>()?,
    })
}

fn sip(settings: &Settings, notices: &mut Vec<String>) -> Result<Sip, ConfigError> {
    let server = settings.sip_server.as_deref();
    let codecs = match settings.codecs.as_deref() {
        None => Codec::ALL.to_vec(),
        Some([]) => return Err(ConfigError::invalid("codecs", "[]", "a call needs a codec")),
        Some(names) => each("codecs", names, |name| name.parse())?,
    };
    let server = server
        .map(|text| parse::<Server>("sip-server", text))
        .transpose()?;
    let local = settings.phone_address.as_deref().map(|text| {
        network::media_address(text)
            .map_err(|problem| ConfigError::invalid("phone-address", text, problem))
    });
    let local = local.transpose()?;
    let tls_roots = match (&server, &settings.sip_tls_ca) {
        (Some(server), None) if server.transport() == Transport::Tls => {
            let problem = "a SIP server over TLS needs sip-tls-ca, the file with its CA";
            return Err(ConfigError::invalid("sip-server", server, problem));
        }
        (_, Some(path)) => Some(file::read_bytes("sip-tls-ca", path)?),
        (_, None) => None,
    };
    Ok(Sip {
        server,
        local,
        credentials: login::login(settings, notices)?,
        tls_roots,
        codecs,
        ring_timeout: seconds("ring-timeout", settings.ring_timeout, RING_TIMEOUT)?,
    })
}

fn media(settings: &Settings) -> Result<Media, ConfigError> {
    let ports = settings.media_ports.as_deref();
    let ports = ports.map_or(Ok(MEDIA_PORTS), |text| {
        network::port_range(text)
            .map_err(|problem| ConfigError::invalid("media-ports", text, problem))
    })?;
    let addresses = settings.media_address.as_deref().unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = number(
        "workers",
        settings.workers,
        i64::try_from(cores).unwrap_or(1),
        256,
    )?;
    Ok(Media {
        ports,
        addresses: each("media-address", addresses, network::media_address)?,
        workers: NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN),
        timeout: seconds("media-timeout", settings.media_timeout, MEDIA_TIMEOUT)?,
        comfort_noise: settings.comfort_noise.unwrap_or(false),
        learn_phone_address: settings.learn_phone_address.unwrap_or(false),
        packet_time: packet_time(settings.packet_time)?,
        dtls_role: parsed("dtls-role", settings.dtls_role.as_deref(), DtlsRole::Client)?,
    })
}

fn tokens(
    entries: Option<Vec<TokenEntry>>,
    token_file: Option<PathBuf>,
    notices: &mut Vec<String>,
) -> Result<Tokens, ConfigError> {
    let mut tokens = Tokens::default();
    for TokenEntry { name, token } in entries.unwrap_or_default() {
        Token::new(&name, token)
            .and_then(|token| tokens.add(token))
            .map_err(|problem| ConfigError::Secret {
                key: "tokens",
                whose: name,
                problem,
            })?;
    }
    if let Some(path) = token_file {
        file::read_tokens(&path, &mut tokens)?;
        if file::is_readable_by_others(&path) {
            notices.push(format!("token-file: any user can read {}", path.display()));
        }
    }
    Ok(tokens)
}

fn public_names(names: Vec<String>) -> Result<Vec<String>, ConfigError> {
    for name in &names {
        if !network::is_host(name) {
            let problem = "expected a host name, without scheme and port";
            return Err(ConfigError::invalid("public-names", name, problem));
        }
    }
    Ok(names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn tls(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    state_dir: Option<PathBuf>,
) -> Result<Tls, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Tls::Files { certificate, key }),
        (Some(_), None) => Err(ConfigError::Alone {
            present: "tls-cert",
            missing: "tls-key",
        }),
        (None, Some(_)) => Err(ConfigError::Alone {
            present: "tls-key",
            missing: "tls-cert",
        }),
        (None, None) => state_dir
            .or_else(|| state_dir::default(|name| env::var_os(name)))
            .map(|state_dir| Tls::SelfSigned { state_dir })
            .ok_or(ConfigError::NoStateDir),
    }
}

fn ice_server(entry: IceServerEntry) -> Result<IceServer, ConfigError> {
    const KEY: &str = "ice-servers";
    let IceServerEntry {
        urls,
        username,
        credential,
    } = entry;
    if urls.is_empty() {
        return Err(ConfigError::invalid(
            KEY,
            "urls = []",
            "a server needs a URL",
        ));
    }
    for url in &urls {
        // RFC 7064 and RFC 7065.
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        match scheme {
            Some("stun" | "stuns") => {}
            Some("turn" | "turns") if username.is_some() && credential.is_some() => {}
            Some("turn" | "turns") => {
                let problem = "a TURN server needs username and credential";
                return Err(ConfigError::invalid(KEY, url, problem));
            }
            _ => {
                let problem = "expected stun:, stuns:, turn: or turns:";
                return Err(ConfigError::invalid(KEY, url, problem));
            }
        }
    }
    let credential = credential.map(|secret| secret.reveal().to_owned());
    Ok(IceServer {
        urls,
        username,
        credential,
    })
}

fn parse<T: FromStr<Err: Display>>(key: &'static str, text: &str) -> Result<T, ConfigError> {
    text.parse()
        .map_err(|problem| ConfigError::invalid(key, text, problem))
}

fn parsed<T: FromStr<Err: Display>>(
    key: &'static str,
    text: Option<&str>,
    default: T,
) -> Result<T, ConfigError> {
    text.map_or(Ok(default), |text| parse(key, text))
}

fn each<T, E: Display>(
    key: &'static str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, ConfigError> {
    let read =
        |text: &String| read(text).map_err(|problem| ConfigError::invalid(key, text, problem));
    texts.iter().map(read).collect()
}

pub(super) fn number(
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

pub(super) fn seconds(
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
