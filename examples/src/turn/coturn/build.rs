//! From what the keys said to the settings.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::{self, Key};
use super::lines::{Line, flag};
use super::{Imported, Warning};
use crate::config::network;
use crate::turn::config::PeerRange;

/// As many allocations as `turn-server` may be told.
const COUNT: u32 = 1_000_000;

/// coturn's default for the ports that relay.
const RELAY_PORTS: RangeInclusive<u16> = 49152..=65535;

/// What the lines have said so far.
pub(super) struct Import<'a> {
    pub(super) path: &'a Path,
    pub(super) settings: Table,
    pub(super) origins: Vec<(&'static str, usize)>,
    pub(super) warnings: Vec<Warning>,
    pub(super) addresses: Vec<(usize, IpAddr)>,
    pub(super) port: (Option<usize>, u16),
    pub(super) tls_port: (Option<usize>, u16),
    pub(super) transports: [bool; 3],
    pub(super) low: (Option<usize>, u16),
    pub(super) high: (Option<usize>, u16),
    pub(super) relays: Vec<(usize, IpAddr)>,
    pub(super) externals: Vec<(usize, String)>,
    pub(super) users: Vec<(usize, Value)>,
    pub(super) secrets: Vec<(usize, Value)>,
    pub(super) is_timed: Option<usize>,
    pub(super) prometheus: Option<usize>,
    pub(super) prometheus_port: u16,
    pub(super) has_tcp_relays: bool,
    /// Keys that need nothing to be done.
    pub(super) settled: Vec<&'static str>,
}

pub(super) fn build<'a>(path: &Path, lines: impl Iterator<Item = Line<'a>>) -> Imported {
    let mut import = Import {
        path,
        settings: Table::new(),
        origins: Vec::new(),
        warnings: Vec::new(),
        addresses: Vec::new(),
        port: (None, 3478),
        tls_port: (None, 5349),
        transports: [true; 3],
        low: (None, *RELAY_PORTS.start()),
        high: (None, *RELAY_PORTS.end()),
        relays: Vec::new(),
        externals: Vec::new(),
        users: Vec::new(),
        secrets: Vec::new(),
        is_timed: None,
        prometheus: None,
        prometheus_port: 9641,
        has_tcp_relays: true,
        settled: Vec::new(),
    };
    for line in lines {
        import.line(&line);
    }
    import.finish()
}

impl Import<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let number = line.number;
        match keys::find(line.key) {
            Err(Some(near)) => {
                let text = format!("{}: unknown key; did you mean {near}?", line.key);
                self.warn(number, text);
            }
            Err(None) => self.warn(number, format!("{}: unknown key, left out", line.key)),
            // A flag that is off asks for nothing.
            Ok(Key::Dangerous(_) | Key::Missing(_)) if !flag(&line.value) => {}
            Ok(Key::Dangerous(why)) => self.warn(number, format!("{}: dangerous: {why}", line.key)),
            Ok(Key::Missing(why)) => self.warn(number, format!("{}: left out: {why}", line.key)),
            Ok(Key::Settled(name)) if !self.settled.contains(&name) => self.settled.push(name),
            Ok(key) => self.known(key, line),
        }
    }

    fn known(&mut self, key: Key, line: &Line<'_>) {
        let (number, value) = (line.number, line.value.as_str());
        let some = Some(number);
        match key {
            Key::ListeningIp => {
                let address = self.address(line);
                self.addresses.extend(address);
            }
            Key::ListeningPort => self.port = (some, self.port(line, self.port.1)),
            Key::TlsListeningPort => self.tls_port = (some, self.port(line, self.tls_port.1)),
            Key::MinPort => self.low = (some, self.port(line, self.low.1)),
            Key::MaxPort => self.high = (some, self.port(line, self.high.1)),
            Key::PrometheusPort => self.prometheus_port = self.port(line, self.prometheus_port),
            Key::RelayIp => {
                let address = self.address(line);
                self.relays.extend(address);
            }
            Key::ExternalIp => self.external(line),
            Key::Realm => self.realm(line),
            Key::ServerName if !network::is_name(value) => self.bad(line, "a host name"),
            Key::ServerName => self.set("server-name", number, value),
            Key::Cert => self.file("tls-cert", number, value),
            Key::Pkey => self.file("tls-key", number, value),
            Key::User => self.user(line),
            Key::UseAuthSecret if flag(value) => self.is_timed = some,
            Key::StaticAuthSecret => self.secrets.push((number, value.into())),
            Key::UserQuota => self.limit("max-allocations-per-user", line, 1..=COUNT),
            Key::TotalQuota => self.limit("max-allocations", line, 1..=COUNT),
            Key::MaxBps => self.limit("max-bandwidth", line, 1..=u32::MAX),
            Key::DeniedPeerIp => self.peers("deny-peers", line),
            Key::AllowedPeerIp => self.peers("allow-peers", line),
            Key::RedisUserdb => self.set("redis", number, value),
            Key::PsqlUserdb => self.set("postgres", number, value),
            Key::StaleNonce => self.nonce(line),
            Key::MaxAllocateLifetime => self.limit("max-lifetime", line, 600..=3600),
            Key::Mobility if flag(value) => self.set("mobility", number, true),
            Key::NoTcpRelay if flag(value) => self.has_tcp_relays = false,
            Key::NoUdp if flag(value) => self.transports[0] = false,
            Key::NoTcp if flag(value) => self.transports[1] = false,
            Key::NoTls if flag(value) => self.transports[2] = false,
            Key::AlternateServer => self.alternate(line),
            Key::RelayThreads if value != "0" => self.limit("workers", line, 1..=255),
            Key::Prometheus if flag(value) => self.prometheus = some,
            Key::Verbose if flag(value) => self.set("log", number, "info,examples=debug"),
            // The flag is off, or nothing is to be done.
            _ => {}
        }
    }

    fn finish(mut self) -> Imported {
        self.certificate();
        self.listeners();
        self.relays();
        self.logins();
        if let Some(number) = self.prometheus {
            let at = format!("127.0.0.1:{}", self.prometheus_port);
            let text = format!("prometheus: told at {at} only; admin-listen may name another");
            self.warn(number, text);
            self.set("admin-listen", number, at);
        }
        self.note(
            "coturn relays to private addresses unless they are denied; here they are denied unless \
             allow-peers has them",
        );
        if self.has_tcp_relays {
            self.note("coturn relays TCP (RFC 6062), too; this server does not");
        }
        if !self.settled.is_empty() {
            let text = format!("it is so here in any case: {}", self.settled.join(", "));
            self.note(&text);
        }
        Imported {
            path: self.path.to_owned(),
            settings: self.settings,
            origins: self.origins,
            warnings: self.warnings,
        }
    }

    fn nonce(&mut self, line: &Line<'_>) {
        const DEFAULT: u32 = 600;
        const MOST: u32 = 3600;
        let seconds = match line.value.as_str() {
            "" => DEFAULT,
            text => match text.parse() {
                Ok(seconds @ 1..=MOST) => seconds,
                Ok(_) => {
                    let text = format!("stale-nonce: {text}: {MOST} s is the most here");
                    self.warn(line.number, text);
                    MOST
                }
                Err(_) => return self.bad(line, "a number"),
            },
        };
        self.set("nonce-lifetime", line.number, i64::from(seconds));
    }

    /// A number; 0 stands for no limit. What is out of range here becomes the nearest that is not.
    fn limit(&mut self, key: &'static str, line: &Line<'_>, range: RangeInclusive<u32>) {
        let Ok(asked) = line.value.parse::<u64>() else {
            return self.bad(line, "a number");
        };
        if asked == 0 {
            return;
        }
        let nearest = u32::try_from(asked).unwrap_or(u32::MAX);
        let nearest = nearest.clamp(*range.start(), *range.end());
        if u64::from(nearest) != asked {
            let (least, most) = range.into_inner();
            let text = format!(
                "{}: {asked}: {least} to {most} is possible here; it becomes {nearest}",
                line.key
            );
            self.warn(line.number, text);
        }
        self.set(key, line.number, i64::from(nearest));
    }

    fn realm(&mut self, line: &Line<'_>) {
        if line.value.is_empty() {
            return self.bad(line, "a name");
        }
        if let Some(Value::String(other)) = self.settings.get("realm")
            && *other != *line.value
        {
            let text = format!(
                "realm: {:?} takes the place of {other:?}: there is one realm",
                *line.value
            );
            self.warn(line.number, text);
        }
        self.set("realm", line.number, line.value.as_str());
    }

    /// `PUBLIC` or `PUBLIC/LOCAL`; no names.
    fn external(&mut self, line: &Line<'_>) {
        let (public, local) = line.value.split_once('/').unwrap_or((&line.value, ""));
        let public = network::media_address(public);
        let is_local = |public: IpAddr| match local.parse::<IpAddr>() {
            Ok(local) => local.is_ipv4() == public.is_ipv4(),
            Err(_) => local.is_empty() && !line.value.contains('/'),
        };
        match public.is_ok_and(is_local) {
            true => self.externals.push((line.number, line.value.to_string())),
            false => self.bad(line, "an IP address, or PUBLIC/LOCAL of one family"),
        }
    }

    /// TLS needs both files.
    fn certificate(&mut self) {
        for (key, partner, missing) in [
            ("tls-cert", "tls-key", "pkey"),
            ("tls-key", "tls-cert", "cert"),
        ] {
            let is_alone = !self.settings.contains_key(partner);
            if is_alone && self.settings.remove(key).is_some() {
                let line = self.origins.iter().find(|(name, _)| *name == key);
                let text = format!("{key}: left out: there is no {missing}");
                self.warn(line.map_or(1, |(_, line)| *line), text);
            }
        }
    }

    fn peers(&mut self, key: &'static str, line: &Line<'_>) {
        let (first, last) = line
            .value
            .split_once('-')
            .unwrap_or((&line.value, &line.value));
        let parsed = first.trim().parse().ok().zip(last.trim().parse().ok());
        match parsed.map(|(first, last)| PeerRange::new(first, last)) {
            Some(Ok(range)) => self.push(key, line.number, range.to_string()),
            Some(Err(problem)) => {
                let text = format!("{}: left out: {}: {problem}", line.key, *line.value);
                self.warn(line.number, text);
            }
            None => self.bad(line, "an IP address, or two with a hyphen between"),
        }
    }

    fn alternate(&mut self, line: &Line<'_>) {
        let value = line.value.as_str();
        let at: Option<std::net::SocketAddr> = value.parse().ok().or_else(|| {
            let ip: IpAddr = value.trim_matches(['[', ']']).parse().ok()?;
            Some((ip, 3478).into())
        });
        let Some(at) = at else {
            return self.bad(line, "IP or IP:PORT");
        };
        if self.settings.contains_key("alternate-server") {
            let text = format!("{}: left out: {at}: one is enough here", line.key);
            return self.warn(line.number, text);
        }
        self.set("alternate-server", line.number, at.to_string());
        let text = "alternate-server: clients are sent there only while this server goes down or \
                    is full";
        self.warn(line.number, text.into());
    }

    fn address(&mut self, line: &Line<'_>) -> Option<(usize, IpAddr)> {
        let address = line.value.trim_matches(['[', ']']).parse();
        if address.is_err() {
            self.bad(line, "an IP address");
        }
        Some((line.number, address.ok()?))
    }

    fn port(&mut self, line: &Line<'_>, default: u16) -> u16 {
        match line.value.parse() {
            Ok(0) => default,
            Ok(port) => port,
            Err(_) => {
                self.bad(line, "a port");
                default
            }
        }
    }

    /// Names of files are seen from the folder of coturn's file.
    fn file(&mut self, key: &'static str, line: usize, name: &str) {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path: PathBuf = folder.join(name);
        self.set(key, line, path.display().to_string());
    }

    pub(super) fn set(&mut self, key: &'static str, line: usize, value: impl Into<Value>) {
        self.origins.push((key, line));
        self.settings.insert(key.into(), value.into());
    }

    fn push(&mut self, key: &'static str, line: usize, value: String) {
        self.origins.push((key, line));
        let list = self
            .settings
            .entry(key)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value.into());
        }
    }

    fn bad(&mut self, line: &Line<'_>, expected: &str) {
        let text = format!(
            "{}: left out: {:?}: expected {expected}",
            line.key, *line.value
        );
        self.warn(line.number, text);
    }

    pub(super) fn warn(&mut self, line: usize, text: String) {
        self.warnings.push(Warning {
            path: self.path.to_owned(),
            line: Some(line),
            text,
        });
    }

    pub(super) fn note(&mut self, text: &str) {
        self.warnings.push(Warning {
            path: self.path.to_owned(),
            line: None,
            text: text.to_owned(),
        });
    }
}
