//! From the gateway's configuration to the server's options.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use turn_relay::Transport;
use turn_relay::server::{self, Credentials, PeerPolicy, Quota};

use crate::config;
use crate::http;
use crate::turn::{self, Certificate, Listen, Options, every_address};

/// Allocations of one login. A browser makes one for each URL and each of its addresses, and all of
/// them again when it restarts ICE.
const ALLOCATIONS_OF_ONE: usize = 64;

/// Allocations for each call that the gateway may carry: one carries it, others were tried.
const ALLOCATIONS_FOR_EACH: usize = 8;

/// What stands around the server.
#[derive(Debug)]
pub struct Around<'a> {
    /// Where the gateway takes media of browsers: the only peers.
    pub peers: Vec<SocketAddr>,
    /// The ports of relayed addresses, which are on the peers' addresses.
    pub ports: RangeInclusive<u16>,
    /// The number of threads.
    pub workers: NonZeroUsize,
    /// Calls at once.
    pub max_calls: usize,
    /// The certificate, if browsers trust it.
    pub certificate: Option<&'a http::Certificate>,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Nobody can listen there, or somebody does already.
    #[error("{key}: {address}: {source}; turn = false runs no TURN server")]
    Taken {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The addresses of the machine.
    #[error("interface addresses: {0}")]
    Interfaces(#[source] io::Error),
    /// The certificate cannot be used.
    #[error("tls-cert: {0}")]
    Certificate(#[from] rustls::Error),
    /// The server itself.
    #[error("TURN: {0}")]
    Server(#[source] turn::StartError),
}

impl From<turn::StartError> for StartError {
    fn from(error: turn::StartError) -> Self {
        match error {
            turn::StartError::Listen { listen, source } => Self::Taken {
                key: match listen.transport {
                    Transport::Tls => "turn-tls-listen",
                    _ => "turn-listen",
                },
                address: listen.address,
                source,
            },
            error => Self::Server(error),
        }
    }
}

/// What the server runs with.
pub(super) fn options(config: &config::Turn, around: &Around<'_>) -> Result<Options, StartError> {
    let users = Credentials::new().with_store();
    let allocations = around.max_calls.saturating_mul(ALLOCATIONS_FOR_EACH);
    let mut relaying = server::Config::new(&config.realm, users)
        .with_policy(policy(&around.peers))
        .with_quota(Quota::new(allocations).with_per_user(ALLOCATIONS_OF_ONE));
    for ip in addresses(&around.peers) {
        relaying = relaying.with_relay_address(ip);
    }
    let mut options = Options::new(relaying);
    options.ports = around.ports.clone();
    options.workers = around.workers.get();
    for transport in [Transport::Udp, Transport::Tcp] {
        let wanted = listeners(transport, config.listen)?;
        options.listen.extend(wanted);
    }
    if let Some(certificate) = around.certificate {
        let (chain, key) = certificate.parts();
        options.certificate = Some(Certificate::new(chain, key)?);
        let wanted = listeners(Transport::Tls, config.tls_listen)?;
        options.listen.extend(wanted);
    }
    Ok(options)
}

/// The gateway's media, and nothing else.
fn policy(peers: &[SocketAddr]) -> PeerPolicy {
    peers.iter().fold(PeerPolicy::nobody(), |policy, peer| {
        let whole = if peer.is_ipv4() { 32 } else { 128 };
        policy.allow(peer.ip(), whole, peer.port()..=peer.port())
    })
}

fn addresses(peers: &[SocketAddr]) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for ip in peers.iter().map(SocketAddr::ip) {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    addresses
}

fn listeners(transport: Transport, address: SocketAddr) -> Result<Vec<Listen>, StartError> {
    every_address(Listen { transport, address }).map_err(StartError::Interfaces)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn only_the_gateways_media_ports_are_permitted() {
        let peers = ["192.0.2.1:20000", "192.0.2.1:20001", "[fd00::1]:20000"];
        let policy = policy(&peers.map(|peer| peer.parse().unwrap()));
        for peer in peers {
            assert!(policy.permits(peer.parse().unwrap()), "{peer}");
        }
        for other in [
            "192.0.2.1:20002",
            "192.0.2.1:443",
            "192.0.2.2:20000",
            "127.0.0.1:20000",
            "8.8.8.8:20000",
            "[::ffff:192.0.2.1]:20000",
            "[fd00::2]:20000",
        ] {
            assert!(!policy.permits(other.parse().unwrap()), "{other}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_told_with_its_key() {
        let held = UdpSocket::bind("127.0.0.1:0").unwrap();
        let listen = held.local_addr().unwrap();
        let config = config::Turn {
            listen,
            tls_listen: listen,
            realm: "a".into(),
            host: None,
        };
        let around = Around {
            peers: vec!["127.0.0.1:20000".parse().unwrap()],
            ports: 20_000..=29_999,
            workers: NonZeroUsize::MIN,
            max_calls: 1,
            certificate: None,
        };
        let error = super::super::Embedded::start(&config, &around).unwrap_err();
        let expected = format!("turn-listen: {listen}: ");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
