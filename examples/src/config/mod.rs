//! One validated configuration.
//!
//! [`Arguments`] come from the command line, the rest from a TOML file with the same names, the
//! rest from defaults; in this order of precedence. [`Config::load`] reads, joins and checks them
//! once. What it returns has final types: nothing behind it parses text or checks a range again.

mod cli;
mod codec;
mod error;
pub(crate) mod file;
mod http;
mod limits;
mod login;
pub(crate) mod network;
mod origins;
mod settings;
mod sip;
mod state_dir;
mod token;
mod turn;
mod validate;
pub(crate) mod value;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use cors_policy::Policy;

use crate::calls::IceServer;
use crate::http::Limits;
use crate::session::DtlsRole;
use crate::sip::{Credentials, Server};

pub use cli::Arguments;
pub use codec::{Codec, UnknownCodec};
pub use error::ConfigError;
pub use settings::{IceServerEntry, Settings, TokenEntry};
pub use token::{Secret, Token, Tokens};

/// What the gateway runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTPS side.
    pub http: Http,
    /// The phone side.
    pub sip: Sip,
    /// The media side.
    pub media: Media,
    /// The embedded TURN server, if there is to be one.
    pub turn: Option<Turn>,
    /// How many calls there may be at once.
    pub max_calls: usize,
    /// How many of them one token may have.
    pub max_calls_per_token: usize,
    /// Where metrics are told, over plain HTTP; nowhere without.
    pub metrics: Option<SocketAddr>,
    /// The filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// What the operator should be told at start: choices that are allowed but open a door.
    pub notices: Vec<String>,
}

/// The configuration of the HTTPS side.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where HTTPS listens.
    pub listen: SocketAddr,
    /// Host names that requests may use besides the listen address, in lower case.
    pub public_names: Vec<String>,
    /// The certificate.
    pub tls: Tls,
    /// The bearer tokens.
    pub tokens: Tokens,
    /// Whether requests without a token are taken.
    pub anonymous: bool,
    /// Which pages may call from a browser.
    pub cors: Policy,
    /// What `GET /v1/ice-servers` answers.
    pub ice_servers: Vec<IceServer>,
    /// What a client may take.
    pub limits: Limits,
}

/// Where the certificate of HTTPS comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// One is made, and kept in this folder.
    SelfSigned {
        /// The folder, made when it is missing.
        state_dir: PathBuf,
    },
    /// The operator's own PEM files.
    Files {
        /// The certificate chain, the gateway's own first.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

/// The configuration of the phone side.
#[derive(Debug, Clone)]
pub struct Sip {
    /// The SIP server; without one only the embedded echo phone can be called.
    pub server: Option<Server>,
    /// Our address towards the server and the phones; without one, that which leads to the server.
    pub local: Option<IpAddr>,
    /// What the SIP server is answered when it asks who calls.
    pub credentials: Option<Credentials>,
    /// The certificates, in PEM, that a SIP server over TLS is checked against.
    pub tls_roots: Option<Vec<u8>>,
    /// The codecs offered to phones, the preferred first. Never empty.
    pub codecs: Vec<Codec>,
    /// How long a phone may ring.
    pub ring_timeout: Duration,
}

/// The configuration of the media side.
#[derive(Debug, Clone)]
pub struct Media {
    /// The UDP ports for media.
    pub ports: RangeInclusive<u16>,
    /// The addresses told to browsers; empty for those of all interfaces. Phones are told
    /// [`Sip::local`].
    pub addresses: Vec<IpAddr>,
    /// The number of worker threads.
    pub workers: NonZeroUsize,
    /// How long a call lives without media.
    pub timeout: Duration,
    /// Whether comfort noise (RFC 3389) is agreed on with browsers that offer it beside G.711.
    ///
    /// A browser sends no sound then while it hears nobody speak, and it takes music for nobody.
    /// What it sends instead is lost on phones that do not know comfort noise, which is known only
    /// when they answer.
    pub comfort_noise: bool,
    /// Whether a phone may send from another port than its SDP names: once, from the same host.
    pub learn_phone_address: bool,
    /// How much sound a packet should hold, unless the browser asks for another time.
    pub packet_time: Duration,
    /// Our side of the DTLS handshake where the browser leaves the choice to us.
    pub dtls_role: DtlsRole,
    /// The versions of DTLS that are spoken with browsers. Never empty.
    pub dtls_versions: Vec<dtls_handshake::Version>,
}

/// The configuration of the embedded TURN server. It uses the addresses and ports of [`Media`], and the
/// certificate of [`Http`] where that is the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Where it listens, over UDP and TCP.
    pub listen: SocketAddr,
    /// Where it listens over TLS, if it has a certificate that browsers trust.
    pub tls_listen: SocketAddr,
    /// Its realm.
    pub realm: String,
    /// How browsers reach it, as in a URL; without, by the name under which they reach the gateway.
    pub host: Option<String>,
}

impl Config {
    /// Reads the file that the arguments name, joins it with them and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong: an unreadable file, an unknown key, a bad value, or a
    /// combination that would leave the gateway open to anybody.
    pub fn load(arguments: Arguments) -> Result<Self, ConfigError> {
        let file = match &arguments.config {
            Some(path) => file::read(path)?,
            None => Settings::default(),
        };
        Self::from_settings(arguments.settings.or(file))
    }

    /// Checks settings and gives those left out their defaults.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        validate::validate(settings)
    }
}
