//! From settings to a configuration: every check, once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::credentials::credentials;
use super::settings::Settings;
use super::{Config, Limits, Listeners, Peers, Relay, RelayAddress, Tls, ports};
use crate::config::value::{each, number, seconds, with};
use crate::config::{ConfigError, network};

/// RFC 8656 §18: the ports of TURN, and of TURN over TLS.
const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;

/// RFC 8656 §7.2: the dynamic ports of RFC 6335.
const RELAY_PORTS: RangeInclusive<u16> = 49152..=65535;

/// RFC 8656 §5: an hour at most.
const NONCE_LIFETIME: i64 = 3600;
const MAX_LIFETIME: i64 = 3600;
const DRAIN_TIME: i64 = 60;
const COUNT: i64 = 1_000_000;

/// Checks settings and gives those left out their defaults.
pub(super) fn validate(settings: &Settings) -> Result<Config, ConfigError> {
    let mut notices = Vec::new();
    let tls = tls(settings)?;
    let listeners = listeners(settings, tls.is_some())?;
    let admin = admin(settings, &listeners, &mut notices)?;
    let config = Config {
        relay: relay(settings, &mut notices)?,
        realm: realm(settings)?,
        server_name: server_name(settings)?,
        credentials: credentials(settings, &mut notices)?,
        strict_expiry: settings.strict_expiry.unwrap_or(false),
        nonce_lifetime: seconds("nonce-lifetime", settings.nonce_lifetime, NONCE_LIFETIME)?,
        limits: limits(settings)?,
        peers: peers(settings, &mut notices)?,
        mobility: settings.mobility.unwrap_or(false),
        alternate_server: alternate_server(settings)?,
        tls,
        listeners,
        workers: workers(settings)?,
        admin,
        drain_time: seconds("drain-time", settings.drain_time, DRAIN_TIME)?,
        log: log(settings)?,
        notices,
    };
    Ok(config)
}

fn tls(settings: &Settings) -> Result<Option<Tls>, ConfigError> {
    let alone = |present, missing| Err(ConfigError::Alone { present, missing });
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Ok(Some(Tls {
            certificate: certificate.clone(),
            key: key.clone(),
        })),
        (Some(_), None) => alone("tls-cert", "tls-key"),
        (None, Some(_)) => alone("tls-key", "tls-cert"),
        (None, None)
            if settings
                .listen_tls
                .as_ref()
                .is_some_and(|at| !at.is_empty()) =>
        {
            alone("listen-tls", "tls-cert and tls-key")
        }
        (None, None) => Ok(None),
    }
}

fn listeners(settings: &Settings, has_tls: bool) -> Result<Listeners, ConfigError> {
    let everywhere = |port| {
        let addresses = [
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
            Ipv6Addr::UNSPECIFIED.into(),
        ];
        addresses
            .map(|address| SocketAddr::from((address, port)))
            .to_vec()
    };
    let read = |key, texts: &Option<Vec<String>>, default: Vec<SocketAddr>| match texts {
        Some(texts) => each(key, texts, network::socket_address),
        None => Ok(default),
    };
    let tls_default = if has_tls {
        everywhere(TLS_PORT)
    } else {
        Vec::new()
    };
    let listeners = Listeners {
        udp: read("listen-udp", &settings.listen_udp, everywhere(PORT))?,
        tcp: read("listen-tcp", &settings.listen_tcp, everywhere(PORT))?,
        tls: read("listen-tls", &settings.listen_tls, tls_default)?,
    };
    for (key, addresses) in [
        ("listen-udp", &listeners.udp),
        ("listen-tcp", &listeners.tcp),
        ("listen-tls", &listeners.tls),
    ] {
        for (index, address) in addresses.iter().enumerate() {
            let others = addresses.iter().take(index);
            let streams = listeners.tcp.iter().filter(|_| key == "listen-tls");
            if let Some(other) = others
                .chain(streams)
                .find(|at| network::overlap(**at, *address))
            {
                let problem = format!("{other} has this port already");
                return Err(ConfigError::invalid(key, address, problem));
            }
        }
    }
    match listeners.udp.is_empty() && listeners.tcp.is_empty() && listeners.tls.is_empty() {
        true => Err(ConfigError::invalid(
            "listen-udp",
            "[]",
            "nobody could reach the server",
        )),
        false => Ok(listeners),
    }
}

fn admin(
    settings: &Settings,
    listeners: &Listeners,
    notices: &mut Vec<String>,
) -> Result<Option<SocketAddr>, ConfigError> {
    const KEY: &str = "admin-listen";
    let Some(at) = with(
        KEY,
        settings.admin_listen.as_deref(),
        network::socket_address,
    )?
    else {
        return Ok(None);
    };
    let mut streams = listeners.tcp.iter().chain(&listeners.tls);
    if let Some(other) = streams.find(|other| network::overlap(**other, at)) {
        let problem = format!("{other} has this port already");
        return Err(ConfigError::invalid(KEY, at, problem));
    }
    if !at.ip().is_loopback() {
        notices.push(format!("anybody who reaches {at} can read the metrics"));
    }
    Ok(Some(at))
}

fn relay(settings: &Settings, notices: &mut Vec<String>) -> Result<Relay, ConfigError> {
    const KEY: &str = "relay-address";
    let addresses = settings.relay_address.as_deref().unwrap_or_default();
    let ports = with(
        "relay-ports",
        settings.relay_ports.as_deref(),
        network::port_range,
    )?;
    let relay = Relay {
        addresses: each(KEY, addresses, relay_address)?,
        ports: ports.unwrap_or(RELAY_PORTS),
    };
    if let Some(ephemeral) = ports::ephemeral()
        && ports::overlap(&relay.ports, &ephemeral)
    {
        notices.push(format!(
            "relay-ports: {}",
            ports::shared(&relay.ports, &ephemeral)
        ));
    }
    Ok(relay)
}

/// `LOCAL` or `PUBLIC/LOCAL`, where the local one may be left to the machine.
fn relay_address(text: &str) -> Result<RelayAddress, &'static str> {
    let (public, local) = match text.split_once('/') {
        Some((public, local)) => {
            let local: IpAddr = local.parse().map_err(|_| "not an IP address")?;
            (network::media_address(public)?, local)
        }
        None => {
            let local = network::media_address(text)?;
            (local, local)
        }
    };
    match public.is_ipv4() == local.is_ipv4() {
        true => Ok(RelayAddress { local, public }),
        false => Err("the public address is of another family than the local one"),
    }
}

/// RFC 8489 §14.9: fewer than 763 bytes; coturn's tables hold 127.
fn realm(settings: &Settings) -> Result<String, ConfigError> {
    const LENGTH: usize = 127;
    let realm = settings.realm.as_ref().or(settings.server_name.as_ref());
    let invalid = |realm, problem| Err(ConfigError::invalid("realm", realm, problem));
    match realm {
        None => invalid(
            "",
            "it is part of every key: set realm or server-name, or name a file: --config FILE.toml",
        ),
        Some(realm) if realm.is_empty() => invalid("", "it is empty"),
        Some(realm) if realm.len() > LENGTH => invalid(realm, "it is longer than 127 bytes"),
        Some(realm) if realm.chars().any(char::is_control) => {
            invalid(realm, "it has control characters")
        }
        Some(realm) => Ok(realm.clone()),
    }
}

fn server_name(settings: &Settings) -> Result<Option<String>, ConfigError> {
    let name = |name: &str| match network::is_name(name) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err("expected a host name"),
    };
    with("server-name", settings.server_name.as_deref(), name)
}

fn limits(settings: &Settings) -> Result<Limits, ConfigError> {
    let count = |key, value: Option<i64>| match value {
        None => Ok(None),
        Some(_) => number(key, value, 0, COUNT).map(NonZeroUsize::new),
    };
    let bandwidth = settings.max_bandwidth;
    let bandwidth = match bandwidth {
        None => None,
        Some(_) => {
            let bytes = number("max-bandwidth", bandwidth, 0, i64::from(u32::MAX))?;
            NonZeroU64::new(u64::try_from(bytes).unwrap_or(u64::MAX))
        }
    };
    let lifetime = seconds("max-lifetime", settings.max_lifetime, MAX_LIFETIME)?;
    // RFC 8656 §7.2: the default lifetime is the least that a client may count on.
    const LEAST: Duration = Duration::from_secs(600);
    if lifetime < LEAST {
        let problem = "expected 600 to 3600";
        return Err(ConfigError::invalid(
            "max-lifetime",
            lifetime.as_secs(),
            problem,
        ));
    }
    Ok(Limits {
        allocations: count("max-allocations", settings.max_allocations)?,
        allocations_per_user: count(
            "max-allocations-per-user",
            settings.max_allocations_per_user,
        )?,
        bandwidth,
        lifetime,
    })
}

fn peers(settings: &Settings, notices: &mut Vec<String>) -> Result<Peers, ConfigError> {
    let read = |key, texts: &Option<Vec<String>>| {
        each(key, texts.as_deref().unwrap_or_default(), str::parse)
    };
    let peers = Peers {
        allowed: read("allow-peers", &settings.allow_peers)?,
        denied: read("deny-peers", &settings.deny_peers)?,
        clients: settings.relay_between_clients.unwrap_or(true),
    };
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ];
    for range in &peers.allowed {
        if loopback.iter().any(|address| range.contains(*address)) {
            notices.push(format!(
                "allow-peers: {range}: every user reaches the services of this machine itself that listen on loopback"
            ));
        }
    }
    Ok(peers)
}

fn alternate_server(settings: &Settings) -> Result<Option<SocketAddr>, ConfigError> {
    let server = |text: &str| {
        let at = network::socket_address(text)?;
        match at.ip().is_unspecified() || at.port() == 0 {
            true => Err("nobody can be sent there"),
            false => Ok(at),
        }
    };
    with(
        "alternate-server",
        settings.alternate_server.as_deref(),
        server,
    )
}

fn workers(settings: &Settings) -> Result<NonZeroUsize, ConfigError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let cores = i64::try_from(cores).unwrap_or(1).min(256);
    let workers = number("workers", settings.workers, cores, 256)?;
    Ok(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN))
}

fn log(settings: &Settings) -> Result<String, ConfigError> {
    let asked = settings.log.as_deref().unwrap_or("info");
    // The library takes a word that is no level for the name of a part, and silences all others.
    let is_word = |part: &&str| !part.is_empty() && !part.contains(['=', '[', ']']);
    let unknown = |part: &&str| is_word(part) && part.parse::<LevelFilter>().is_err();
    if let Some(word) = asked.split(',').map(str::trim).find(unknown) {
        let problem =
            format!("{word}: expected error, warn, info, debug, trace or off, or PART=LEVEL");
        return Err(ConfigError::invalid("log", asked, problem));
    }
    match EnvFilter::try_new(asked) {
        Ok(_) => Ok(asked.to_owned()),
        Err(problem) => Err(ConfigError::invalid("log", asked, problem)),
    }
}
