//! From what the keys said to the settings.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::{self, Key};
use super::lines::{Line, flag};
use super::{Imported, Warning};
use crate::turn::config::PeerRange;

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
            Key::ExternalIp => self.externals.push((number, value.to_owned())),
            Key::Realm => self.set("realm", number, value),
            Key::ServerName => self.set("server-name", number, value),
            Key::Cert => self.file("tls-cert", number, value),
            Key::Pkey => self.file("tls-key", number, value),
            Key::User => self.user(line),
            Key::UseAuthSecret if flag(value) => self.is_timed = some,
            Key::StaticAuthSecret => self.secrets.push((number, value.into())),
            Key::UserQuota => self.limit("max-allocations-per-user", line),
            Key::TotalQuota => self.limit("max-allocations", line),
            Key::MaxBps => self.limit("max-bandwidth", line),
            Key::DeniedPeerIp => self.peers("deny-peers", line),
            Key::AllowedPeerIp => self.peers("allow-peers", line),
            Key::RedisUserdb => self.set("redis", number, value),
            Key::PsqlUserdb => self.set("postgres", number, value),
            Key::StaleNonce => self.nonce(line),
            Key::MaxAllocateLifetime => self.limit("max-lifetime", line),
            Key::Mobility if flag(value) => self.set("mobility", number, true),
            Key::NoTcpRelay if flag(value) => self.has_tcp_relays = false,
            Key::NoUdp if flag(value) => self.transports[0] = false,
            Key::NoTcp if flag(value) => self.transports[1] = false,
            Key::NoTls if flag(value) => self.transports[2] = false,
            Key::AlternateServer => self.alternate(line),
            Key::RelayThreads if value != "0" => self.limit("workers", line),
            Key::Prometheus if flag(value) => self.prometheus = some,
            Key::Verbose if flag(value) => self.set("log", number, "info,examples=debug"),
            // The flag is off, or nothing is to be done.
            _ => {}
        }
    }

    fn finish(mut self) -> Imported {
        self.listeners();
        self.relays();
        self.logins();
        if let Some(number) = self.prometheus {
            let at = format!("127.0.0.1:{}", self.prometheus_port);
            let text = format!("prometheus: told at {at} only; admin-listen may name another");
            self.warn(number, text);
            self.set("admin-listen", number, at);
        }
        if !self.settings.contains_key("allow-peers") {
            self.note(
                "coturn relays to private addresses unless they are denied; here they are denied \
                 unless allow-peers has them",
            );
        }
        if self.has_tcp_relays {
            self.note("coturn relays TCP (RFC 6062), too; this server does not");
        }
        Imported {
            path: self.path.to_owned(),
            settings: self.settings,
            origins: self.origins,
            warnings: self.warnings,
        }
    }

    /// coturn knows either users or secrets, from the file and from the database alike.
    fn logins(&mut self) {
        let users = std::mem::take(&mut self.users);
        let secrets = std::mem::take(&mut self.secrets);
        let timed = self.is_timed.or(secrets.first().map(|(line, _)| *line));
        let database = ["redis", "postgres"]
            .iter()
            .any(|key| self.settings.contains_key(*key));
        if database {
            let holds = if timed.is_some() { "secrets" } else { "users" };
            self.set("store-holds", timed.unwrap_or(1), holds);
        }
        match (timed, users.first()) {
            (Some(_), first) => {
                if let Some((line, _)) = first {
                    let text = "user: left out: with use-auth-secret coturn knows no users";
                    self.warn(*line, text.into());
                }
                if let Some((line, _)) = secrets.first() {
                    let list = secrets.iter().map(|(_, secret)| secret.clone()).collect();
                    self.set("secrets", *line, Value::Array(list));
                }
            }
            (None, Some((line, _))) => {
                let list = users.iter().map(|(_, user)| user.clone()).collect();
                self.set("users", *line, Value::Array(list));
            }
            (None, None) if !database => {
                self.note("coturn lets everybody in with such a file; here somebody must log in");
            }
            (None, None) => {}
        }
    }

    fn user(&mut self, line: &Line<'_>) {
        let Some((name, secret)) = line.value.split_once(':') else {
            return self.warn(line.number, "user: left out: expected name:password".into());
        };
        let mut user = Table::new();
        user.insert("name".into(), name.into());
        let key = if secret.starts_with("0x") {
            "key"
        } else {
            "password"
        };
        user.insert(key.into(), secret.into());
        self.users.push((line.number, Value::Table(user)));
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

    /// A number; 0 stands for no limit.
    fn limit(&mut self, key: &'static str, line: &Line<'_>) {
        match line.value.parse::<u32>() {
            Ok(0) => {}
            Ok(limit) => self.set(key, line.number, i64::from(limit)),
            Err(_) => self.bad(line, "a number"),
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
