//! The settings as they are written: by name, as text, each of them optional.
//!
//! One struct serves the command line and the file, so that a setting has one name and one
//! explanation. A setting with `arg(skip)` stands in the file only.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Secret;

/// Settings before any check. See [`super::Config`] for their meaning.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Where HTTPS listens; media does not depend on it [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The SIP server whose users can be called; without one only 'echo' can
    #[arg(long, value_name = "HOST[:PORT][;transport=udp|tcp|tls]")]
    pub sip_server: Option<String>,
    /// The user that calls are placed as, when the SIP server asks for a password
    #[arg(long, value_name = "NAME")]
    pub sip_user: Option<String>,
    /// The file with the password of that user
    #[arg(long, value_name = "FILE")]
    pub sip_password_file: Option<PathBuf>,
    /// The UDP ports for media [default: 16384-65535]
    #[arg(long, value_name = "LOW-HIGH")]
    pub media_ports: Option<String>,
    /// The addresses of this machine for the browsers' media [default: those of all interfaces]
    #[arg(long, value_name = "IP", num_args = 1..)]
    pub media_address: Option<Vec<String>>,
    /// The address of this machine for SIP and the phones' media [default: the one that leads to the SIP server]
    #[arg(long, value_name = "IP")]
    pub phone_address: Option<String>,
    /// Run the embedded TURN server, through which browsers that cannot send UDP call [default: true]
    #[arg(long, value_name = "BOOL", require_equals = true)]
    pub turn: Option<bool>,
    /// Where the TURN server listens, over UDP and TCP [default: port 3478 of the address of --listen]
    #[arg(long, value_name = "ADDR:PORT")]
    pub turn_listen: Option<String>,
    /// Let anybody call without a token
    ///
    /// A listener that only this machine can reach does so anyway while no token is configured.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_anonymous: Option<bool>,
    /// The folder that keeps the self-signed certificate [default: ~/.local/state/crosspoint]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or a filter such as examples=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// The operator's own certificate chain, as a PEM file.
    #[arg(skip)]
    pub tls_cert: Option<PathBuf>,
    /// The private key of `tls_cert`, as a PEM file.
    #[arg(skip)]
    pub tls_key: Option<PathBuf>,
    /// Bearer tokens.
    #[arg(skip)]
    pub tokens: Option<Vec<TokenEntry>>,
    /// A file with one `name:token` a line.
    #[arg(skip)]
    pub token_file: Option<PathBuf>,
    /// Origins whose pages may call; empty for any, absent for the gateway's own page only.
    #[arg(skip)]
    pub domain_whitelist: Option<Vec<String>>,
    /// Host names of the gateway.
    #[arg(skip)]
    pub public_names: Option<Vec<String>>,
    /// STUN and TURN servers for browsers.
    #[arg(skip)]
    pub ice_servers: Option<Vec<IceServerEntry>>,
    /// Codec names, the preferred first.
    #[arg(skip)]
    pub codecs: Option<Vec<String>>,
    /// Where the TURN server listens over TLS.
    #[arg(skip)]
    pub turn_tls_listen: Option<String>,
    /// The realm of the TURN server.
    #[arg(skip)]
    pub turn_realm: Option<String>,
    /// How browsers reach the TURN server.
    #[arg(skip)]
    pub turn_host: Option<String>,
    /// The greatest number of calls at once.
    #[arg(skip)]
    pub max_calls: Option<i64>,
    /// The greatest number of calls at once that one token may have.
    #[arg(skip)]
    pub max_calls_per_token: Option<i64>,
    /// The greatest number of HTTPS connections at once.
    #[arg(skip)]
    pub max_connections: Option<i64>,
    /// The greatest number of event streams at once.
    #[arg(skip)]
    pub max_event_streams: Option<i64>,
    /// The longest SDP that a request may carry, in bytes.
    #[arg(skip)]
    pub max_body: Option<i64>,
    /// Seconds for the TLS handshake, and for the head of a request.
    #[arg(skip)]
    pub head_timeout: Option<i64>,
    /// Seconds that a connection may stay without a request.
    #[arg(skip)]
    pub idle_timeout: Option<i64>,
    /// Where metrics are told to Prometheus, over plain HTTP.
    #[arg(skip)]
    pub metrics_listen: Option<String>,
    /// The number of media threads.
    #[arg(skip)]
    pub workers: Option<i64>,
    /// Seconds a phone may ring.
    #[arg(skip)]
    pub ring_timeout: Option<i64>,
    /// Seconds a call lives without media.
    #[arg(skip)]
    pub media_timeout: Option<i64>,
    /// Whether browsers may replace silence by comfort noise.
    #[arg(skip)]
    pub comfort_noise: Option<bool>,
    /// Whether a phone may send media from another port than it told.
    #[arg(skip)]
    pub learn_phone_address: Option<bool>,
    /// Milliseconds of sound in a packet.
    #[arg(skip)]
    pub packet_time: Option<i64>,
    /// The password of `sip_user`.
    #[arg(skip)]
    pub sip_password: Option<Secret>,
    /// The certificates that a SIP server over TLS is checked against, as a PEM file.
    #[arg(skip)]
    pub sip_tls_ca: Option<PathBuf>,
    /// Our side of DTLS where the browser leaves the choice: `client` or `server`.
    #[arg(skip)]
    pub dtls_role: Option<String>,
    /// The versions of DTLS that are spoken with browsers: `1.2`, `1.3`.
    #[arg(skip)]
    pub dtls_versions: Option<Vec<String>>,
}

/// One of `tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Whose token it is; it appears in the log.
    pub name: String,
    /// The token.
    pub token: Secret,
}

/// One of `ice-servers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServerEntry {
    /// `stun:`, `stuns:`, `turn:` and `turns:` URLs.
    pub urls: Vec<String>,
    /// The user name for TURN.
    pub username: Option<String>,
    /// The password for TURN.
    pub credential: Option<Secret>,
}

impl Settings {
    /// These settings, and those of `below` where these say nothing.
    #[must_use]
    pub fn or(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            sip_server: self.sip_server.or(below.sip_server),
            media_ports: self.media_ports.or(below.media_ports),
            media_address: self.media_address.or(below.media_address),
            phone_address: self.phone_address.or(below.phone_address),
            turn: self.turn.or(below.turn),
            turn_listen: self.turn_listen.or(below.turn_listen),
            turn_tls_listen: self.turn_tls_listen.or(below.turn_tls_listen),
            turn_realm: self.turn_realm.or(below.turn_realm),
            turn_host: self.turn_host.or(below.turn_host),
            allow_anonymous: self.allow_anonymous.or(below.allow_anonymous),
            state_dir: self.state_dir.or(below.state_dir),
            log: self.log.or(below.log),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            tokens: self.tokens.or(below.tokens),
            token_file: self.token_file.or(below.token_file),
            domain_whitelist: self.domain_whitelist.or(below.domain_whitelist),
            public_names: self.public_names.or(below.public_names),
            ice_servers: self.ice_servers.or(below.ice_servers),
            codecs: self.codecs.or(below.codecs),
            max_calls: self.max_calls.or(below.max_calls),
            max_calls_per_token: self.max_calls_per_token.or(below.max_calls_per_token),
            max_connections: self.max_connections.or(below.max_connections),
            max_event_streams: self.max_event_streams.or(below.max_event_streams),
            max_body: self.max_body.or(below.max_body),
            head_timeout: self.head_timeout.or(below.head_timeout),
            idle_timeout: self.idle_timeout.or(below.idle_timeout),
            metrics_listen: self.metrics_listen.or(below.metrics_listen),
            workers: self.workers.or(below.workers),
            ring_timeout: self.ring_timeout.or(below.ring_timeout),
            media_timeout: self.media_timeout.or(below.media_timeout),
            comfort_noise: self.comfort_noise.or(below.comfort_noise),
            learn_phone_address: self.learn_phone_address.or(below.learn_phone_address),
            packet_time: self.packet_time.or(below.packet_time),
            dtls_role: self.dtls_role.or(below.dtls_role),
            dtls_versions: self.dtls_versions.or(below.dtls_versions),
            sip_user: self.sip_user.or(below.sip_user),
            sip_password: self.sip_password.or(below.sip_password),
            sip_password_file: self.sip_password_file.or(below.sip_password_file),
            sip_tls_ca: self.sip_tls_ca.or(below.sip_tls_ca),
        }
    }
}
