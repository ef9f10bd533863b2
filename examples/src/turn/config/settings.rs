//! The settings of `turn-server` as they are written: by name, as text, each of them optional.
//!
//! One struct serves the command line and the file, so that a setting has one name and one
//! explanation. A setting with `arg(skip)` stands in the file only.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::config::Secret;

/// Settings before any check. See [`super::Config`] for their meaning.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Where clients reach the server over UDP [default: port 3478 everywhere]
    #[arg(long, value_name = "IP:PORT", num_args = 1..)]
    pub listen_udp: Option<Vec<String>>,
    /// Where clients reach the server over TCP [default: port 3478 everywhere]
    #[arg(long, value_name = "IP:PORT", num_args = 1..)]
    pub listen_tcp: Option<Vec<String>>,
    /// Where clients reach the server over TLS [default: port 5349 everywhere, with tls-cert]
    #[arg(long, value_name = "IP:PORT", num_args = 1..)]
    pub listen_tls: Option<Vec<String>>,
    /// The addresses that relay: LOCAL, or PUBLIC/LOCAL behind a 1:1 NAT [default: the public ones of the listeners, or the private ones]
    #[arg(long, value_name = "IP[/IP]", num_args = 1..)]
    pub relay_address: Option<Vec<String>>,
    /// The ports that relay [default: 49152-65535]
    #[arg(long, value_name = "LOW-HIGH")]
    pub relay_ports: Option<String>,
    /// What the credentials are for; part of every key [default: server-name]
    #[arg(long, value_name = "NAME")]
    pub realm: Option<String>,
    /// The name by which clients know the server; the certificate must be for it
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// Where Prometheus and health checks ask, over plain HTTP
    #[arg(long, value_name = "IP:PORT")]
    pub admin_listen: Option<String>,
    /// What to log: error, warn, info, debug, trace, or a filter such as examples=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// The number of threads that relay [default: one per core]
    #[arg(long, value_name = "NUMBER")]
    pub workers: Option<i64>,
    /// The certificate chain for TLS, as a PEM file.
    #[arg(skip)]
    pub tls_cert: Option<PathBuf>,
    /// The private key of `tls_cert`, as a PEM file.
    #[arg(skip)]
    pub tls_key: Option<PathBuf>,
    /// Who may log in.
    #[arg(skip)]
    pub users: Option<Vec<UserEntry>>,
    /// A file with one `name:password` or `name:0xKEY` a line.
    #[arg(skip)]
    pub user_file: Option<PathBuf>,
    /// The secrets of time-limited credentials: one, or two while they change.
    #[arg(skip)]
    pub secrets: Option<Vec<Secret>>,
    /// A file with one such secret a line.
    #[arg(skip)]
    pub secret_file: Option<PathBuf>,
    /// Whether an allocation ends with its time-limited credential.
    #[arg(skip)]
    pub strict_expiry: Option<bool>,
    /// Seconds that a nonce serves.
    #[arg(skip)]
    pub nonce_lifetime: Option<i64>,
    /// A Redis database with coturn's keys: a `redis://` URL, or coturn's `redis-userdb`.
    #[arg(skip)]
    pub redis: Option<Secret>,
    /// A PostgreSQL database with coturn's tables: a `postgresql://` URL, or coturn's `psql-userdb`.
    #[arg(skip)]
    pub postgres: Option<Secret>,
    /// What is read from the database: `users`, `secrets` or `both`.
    #[arg(skip)]
    pub store_holds: Option<String>,
    /// Seconds after which a change in the database counts, for live allocations too.
    #[arg(skip)]
    pub store_interval: Option<i64>,
    /// Seconds that the database may take to answer.
    #[arg(skip)]
    pub store_timeout: Option<i64>,
    /// Peers that are relayed to although they are denied otherwise.
    #[arg(skip)]
    pub allow_peers: Option<Vec<String>>,
    /// Whether clients may be each other's peers at the relayed addresses.
    #[arg(skip)]
    pub relay_between_clients: Option<bool>,
    /// Peers that are not relayed to.
    #[arg(skip)]
    pub deny_peers: Option<Vec<String>>,
    /// The greatest number of allocations at once.
    #[arg(skip)]
    pub max_allocations: Option<i64>,
    /// The greatest number of allocations at once that one user may have.
    #[arg(skip)]
    pub max_allocations_per_user: Option<i64>,
    /// Bytes a second that an allocation may relay, on the average of both ways.
    #[arg(skip)]
    pub max_bandwidth: Option<i64>,
    /// Seconds that an allocation may ask for at once.
    #[arg(skip)]
    pub max_lifetime: Option<i64>,
    /// Whether an allocation may move to another address of its client (RFC 8016).
    #[arg(skip)]
    pub mobility: Option<bool>,
    /// Where clients over UDP and TCP are sent while this server goes down or is full.
    #[arg(skip)]
    pub alternate_server: Option<String>,
    /// Seconds that allocations may live on when the server is told to end.
    #[arg(skip)]
    pub drain_time: Option<i64>,
}

/// One of `users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// The name; it appears in the log.
    pub name: String,
    /// The password.
    pub password: Option<Secret>,
    /// Instead of it the MD5 of `name:realm:password`, in hexadecimal digits.
    pub key: Option<Secret>,
}

impl Settings {
    /// These settings, and those of `below` where these say nothing.
    #[must_use]
    pub fn or(self, below: Self) -> Self {
        Self {
            listen_udp: self.listen_udp.or(below.listen_udp),
            listen_tcp: self.listen_tcp.or(below.listen_tcp),
            listen_tls: self.listen_tls.or(below.listen_tls),
            relay_address: self.relay_address.or(below.relay_address),
            relay_ports: self.relay_ports.or(below.relay_ports),
            realm: self.realm.or(below.realm),
            server_name: self.server_name.or(below.server_name),
            admin_listen: self.admin_listen.or(below.admin_listen),
            log: self.log.or(below.log),
            workers: self.workers.or(below.workers),
            // The command line has none of these.
            ..below
        }
    }
}
