//! From the settings of `turn-server` to what a server runs with.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use turn_relay::Transport;
use turn_relay::server::{
    Config as Relaying, Credentials, PeerPolicy, Quota, Secret, SharedSecrets,
};

use super::config::{self, Config, Proof, RelayAddress};
use super::options::{Listen, Options, every_address};
use super::relay_addresses;
use super::tls::Certificate;
use super::worker::now;

/// Why settings that are right one by one make no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// The system does not tell its addresses.
    #[error("the addresses of this machine: {0}")]
    Addresses(#[source] io::Error),
    /// A name or password has characters that none can have.
    #[error("users: {0}")]
    User(#[from] stun_codec::credentials::PrepareError),
    /// The certificate or its key cannot be read or used.
    #[error("{key}: {path}: {problem}")]
    Certificate {
        /// The key that names it.
        key: &'static str,
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

impl Options {
    /// What a server runs with that is configured like this.
    ///
    /// # Errors
    /// [`AssembleError`].
    pub fn from_config(config: &Config) -> Result<Self, AssembleError> {
        let listen = listeners(&config.listeners).map_err(AssembleError::Addresses)?;
        let relays = relay_addresses(config, &listen);
        let relaying = relaying(config, &relays)?;
        let tls = config.tls.as_ref();
        let certificate = tls.map(|tls| Certificate::from_files(&tls.certificate, &tls.key));
        let mut options = Self::new(relaying);
        options.listen = listen;
        options.relays = relays;
        options.ports = config.relay.ports.clone();
        options.workers = config.workers.get();
        options.certificate = certificate.transpose()?;
        Ok(options)
    }
}

fn listeners(listeners: &config::Listeners) -> io::Result<Vec<Listen>> {
    let all = [
        (Transport::Udp, &listeners.udp),
        (Transport::Tcp, &listeners.tcp),
        (Transport::Tls, &listeners.tls),
    ];
    let mut listen = Vec::new();
    for (transport, addresses) in all {
        for &address in addresses {
            listen.extend(every_address(Listen { transport, address })?);
        }
    }
    Ok(listen)
}

fn relaying(config: &Config, relays: &[RelayAddress]) -> Result<Relaying, AssembleError> {
    let mut relaying = Relaying::new(&config.realm, credentials(&config.credentials)?)
        .with_policy(policy(config, relays))
        .with_quota(quota(&config.limits))
        .with_lifetimes(
            config
                .limits
                .lifetime
                .min(std::time::Duration::from_secs(600)),
            config.limits.lifetime,
        )
        .with_nonce_lifetime(config.nonce_lifetime)
        .with_mobility(config.mobility)
        .with_wall_clock(now(), wall_clock());
    for &RelayAddress { local, public } in relays {
        relaying = relaying.with_translated_relay_address(local, public);
    }
    if let Some(bandwidth) = config.limits.bandwidth {
        // The setting is the average of both ways, the machine's is for both together.
        relaying = relaying.with_bandwidth(bandwidth.get().saturating_mul(2));
    }
    if config.strict_expiry {
        relaying = relaying.with_strict_expiry();
    }
    if let Some(other) = config.alternate_server {
        relaying = relaying.with_alternate_server(other);
    }
    Ok(relaying)
}

/// Where relayed addresses are. Unless it is said, at the best addresses of those where clients come.
fn relay_addresses(config: &Config, listen: &[Listen]) -> Vec<RelayAddress> {
    let ips: Vec<IpAddr> = listen.iter().map(|listen| listen.address.ip()).collect();
    let ips = relay_addresses::usual(&ips, &relay_addresses::bridges());
    if !config.relay.addresses.is_empty() {
        let named = config.relay.addresses.iter();
        return named.filter_map(|named| with_local(*named, &ips)).collect();
    }
    let plain = |ip| RelayAddress {
        local: ip,
        public: ip,
    };
    ips.into_iter().map(plain).collect()
}

/// The address itself, or that of the first listener of its family where none is named.
fn with_local(named: RelayAddress, ips: &[IpAddr]) -> Option<RelayAddress> {
    let is_same = |ip: &&IpAddr| ip.is_ipv4() == named.public.is_ipv4();
    let local = match named.local.is_unspecified() {
        true => *ips.iter().find(is_same)?,
        false => named.local,
    };
    Some(RelayAddress { local, ..named })
}

pub(super) fn credentials(config: &config::Credentials) -> Result<Credentials, AssembleError> {
    let mut credentials = Credentials::new();
    for user in &config.users {
        credentials = match &user.proof {
            Proof::Password(password) => credentials.with_user(&user.name, password.reveal())?,
            Proof::Key(key) => match Secret::key(&key[..]) {
                Some(key) => credentials.with_secret(&user.name, key)?,
                None => credentials,
            },
        };
    }
    if let [first, rest @ ..] = &config.secrets[..] {
        let mut secrets = SharedSecrets::new(first.reveal().as_bytes());
        if let Some(second) = rest.first() {
            secrets = secrets.with_second(second.reveal().as_bytes());
        }
        credentials = credentials.with_shared_secrets(secrets);
    }
    if config
        .store
        .as_ref()
        .is_some_and(|store| store.holds.users())
    {
        credentials = credentials.with_store();
    }
    Ok(credentials)
}

fn policy(config: &Config, relays: &[RelayAddress]) -> PeerPolicy {
    let peers = &config.peers;
    let mut policy = PeerPolicy::internet();
    for range in &peers.allowed {
        for (prefix, length) in range.prefixes() {
            policy = policy.allow(prefix, length, range.ports());
        }
    }
    for range in &peers.denied {
        for (prefix, length) in range.prefixes() {
            policy = policy.deny(prefix, length, range.ports());
        }
    }
    // What is allowed wins, so what somebody has denied must not be allowed here.
    let is_denied = |ip: &IpAddr| peers.denied.iter().any(|range| range.contains(*ip));
    let own = relays.iter().flat_map(|relay| [relay.local, relay.public]);
    for ip in own.filter(|ip| peers.clients && !ip.is_loopback() && !is_denied(ip)) {
        let length = if ip.is_ipv4() { 32 } else { 128 };
        policy = policy.allow(ip, length, config.relay.ports.clone());
    }
    policy
}

fn quota(limits: &config::Limits) -> Quota {
    let quota = limits
        .allocations
        .map_or_else(Quota::default, |all| Quota::new(all.get()));
    match limits.allocations_per_user {
        Some(each) => quota.with_per_user(each.get()),
        None => quota,
    }
}

/// The keys of the settings that name the files.
const CERTIFICATE: &str = "tls-cert";
const KEY: &str = "tls-key";

impl Certificate {
    /// Reads a certificate and its key from PEM files.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, AssembleError> {
        let (chain, private) = read(certificate, key)?;
        Self::new(chain, private).map_err(|error| failed(KEY, key, error))
    }

    /// Reads them again, for whoever connects from now on.
    ///
    /// # Errors
    /// Which file is wrong, and how. The old certificate stays then.
    pub fn replace_from_files(&self, certificate: &Path, key: &Path) -> Result<(), AssembleError> {
        let (chain, private) = read(certificate, key)?;
        self.replace(chain, private)
            .map_err(|error| failed(KEY, key, error))
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read(certificate: &Path, key: &Path) -> Result<Pair, AssembleError> {
    let chain = CertificateDer::pem_file_iter(certificate);
    let chain: Result<Vec<_>, _> = chain
        .map_err(|error| failed(CERTIFICATE, certificate, error))?
        .collect();
    let chain = chain.map_err(|error| failed(CERTIFICATE, certificate, error))?;
    if chain.is_empty() {
        return Err(failed(CERTIFICATE, certificate, "there is no certificate"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(KEY, key, error))?;
    Ok((chain, private))
}

fn failed(key: &'static str, path: &Path, problem: impl ToString) -> AssembleError {
    AssembleError::Certificate {
        key,
        path: path.display().to_string(),
        problem: problem.to_string(),
    }
}

/// Names that say when they expire are held against this.
#[allow(clippy::disallowed_methods)] // a driver
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::config::Settings;

    fn permits(settings: &str, peer: &str) -> bool {
        let text = format!("realm = 'r'\nsecrets = ['s']\n{settings}");
        let config = Config::from_text(Path::new("f"), &text, Settings::default()).unwrap();
        let relays = relay_addresses(&config, &[]);
        policy(&config, &relays).permits(peer.parse().unwrap())
    }

    #[test]
    fn clients_are_each_others_peers_at_the_relays_and_nowhere_else() {
        let relay = "relay-address = ['203.0.113.5/10.0.0.5']\nrelay-ports = '50000-50999'\n";
        for ip in ["203.0.113.5", "10.0.0.5"] {
            assert!(permits(relay, &format!("{ip}:50000")), "{ip}");
            assert!(!permits(relay, "10.0.0.5:22"));
            let off = format!("{relay}relay-between-clients = false");
            assert!(!permits(&off, "10.0.0.5:50000"));
        }
        assert!(!permits(relay, "10.0.0.6:50000"));
        let denied = format!("{relay}deny-peers = ['10.0.0.0/8']");
        assert!(!permits(&denied, "10.0.0.5:50000"));
        let allowed = format!("{denied}\nallow-peers = ['10.0.0.5']");
        assert!(permits(&allowed, "10.0.0.5:50000"));
        assert!(!permits("relay-address = ['127.0.0.1']", "127.0.0.1:50000"));
    }
}
