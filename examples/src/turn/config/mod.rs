//! One validated configuration of `turn-server`.
//!
//! [`Arguments`] come from the command line, the rest from a TOML file with the same names, the
//! rest from defaults; in this order of precedence. [`Config::load`] reads, joins and checks them
//! once. What it returns has final types: nothing behind it parses text or checks a range again.

mod cli;
mod credentials;
mod locate;
mod peers;
pub(crate) mod ports;
mod settings;
mod store;
mod validate;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{ConfigError, file};

pub use cli::Arguments;
pub(super) use credentials::key;
pub use credentials::{Credentials, Proof, User};
pub use peers::{BadRange, PeerRange};
pub use settings::{Settings, UserEntry};
pub use store::{Holds, RedisAddress, Source, Store};

/// What the TURN server runs with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where clients reach it.
    pub listeners: Listeners,
    /// Where peers see its clients.
    pub relay: Relay,
    /// What the credentials are for; part of every key.
    pub realm: String,
    /// The name by which clients know the server, in lower case.
    pub server_name: Option<String>,
    /// Who may log in.
    pub credentials: Credentials,
    /// Whether an allocation ends with its time-limited credential.
    pub strict_expiry: bool,
    /// How long a nonce serves.
    pub nonce_lifetime: Duration,
    /// What clients may take.
    pub limits: Limits,
    /// Who may be relayed to.
    pub peers: Peers,
    /// Whether an allocation may move to another address of its client (RFC 8016).
    pub mobility: bool,
    /// Where clients of its family over UDP and TCP are sent while this server goes down or is full.
    pub alternate_server: Option<SocketAddr>,
    /// The files of the certificate, if TLS is spoken.
    pub tls: Option<Tls>,
    /// The number of threads that relay.
    pub workers: NonZeroUsize,
    /// Where metrics and health are told, over plain HTTP; nowhere without.
    pub admin: Option<SocketAddr>,
    /// How long allocations may live on when the server is told to end.
    pub drain_time: Duration,
    /// The filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// What the operator should be told at start: choices that are allowed but open a door.
    pub notices: Vec<String>,
}

/// Where clients reach the server. Not all of them are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Over UDP.
    pub udp: Vec<SocketAddr>,
    /// Over TCP.
    pub tcp: Vec<SocketAddr>,
    /// Over TLS; empty without a certificate.
    pub tls: Vec<SocketAddr>,
}

/// Where peers see the server's clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The addresses; empty for the best of those where clients come.
    pub addresses: Vec<RelayAddress>,
    /// The ports.
    pub ports: RangeInclusive<u16>,
}

/// An address that relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayAddress {
    /// On which the socket is opened; unspecified for that of the machine's first interface.
    pub local: IpAddr,
    /// Which clients and peers are told; another one behind a 1:1 NAT.
    pub public: IpAddr,
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.local == self.public {
            true => write!(f, "{}", self.public),
            false => write!(f, "{} (here {})", self.public, self.local),
        }
    }
}

/// What clients may take. None of the counts is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Allocations at once.
    pub allocations: Option<NonZeroUsize>,
    /// Allocations at once of one user.
    pub allocations_per_user: Option<NonZeroUsize>,
    /// Bytes a second that an allocation may relay, on the average of both ways: together twice as much.
    pub bandwidth: Option<NonZeroU64>,
    /// How long an allocation may live without a refresh.
    pub lifetime: Duration,
}

/// Who may be relayed to, beside or instead of the addresses that are denied from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peers {
    /// Allowed even where they are denied, here or from the start.
    pub allowed: Vec<PeerRange>,
    /// Denied.
    pub denied: Vec<PeerRange>,
    /// Whether clients may be each other's peers: at the addresses and ports that relay, unless these
    /// are denied or loopback.
    pub clients: bool,
}

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

impl Config {
    /// Reads the file that the arguments name, joins it with them and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong, with the line of the file where it stands there: an
    /// unreadable file, an unknown key, a bad value, or nobody who could log in.
    pub fn load(arguments: Arguments) -> Result<Self, ConfigError> {
        match &arguments.config {
            Some(path) => {
                let text = file::contents("config", path)?;
                let mut config = Self::from_text(path, &text, arguments.settings)?;
                let has_secrets = ["password", "key =", "secrets", "redis", "postgres"];
                let has_secrets = has_secrets.iter().any(|key| text.contains(key));
                if has_secrets && file::is_readable_by_others(path) {
                    let notice = format!("config: any user can read {}", path.display());
                    config.notices.push(notice);
                }
                Ok(config)
            }
            None => Self::from_settings(&arguments.settings),
        }
    }

    /// Checks the text of a file, under settings that go before it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_text(path: &Path, text: &str, above: Settings) -> Result<Self, ConfigError> {
        let settings = above.or(file::parse(path, text)?);
        Self::from_settings(&settings).map_err(|error| locate::locate(error, path, text))
    }

    /// Checks settings and gives those left out their defaults.
    ///
    /// # Errors
    /// As [`Config::load`], without a line.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        validate::validate(settings)
    }
}

#[cfg(test)]
mod tests;
