//! What a server runs with. The configuration makes one of these.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use turn_relay::Transport;
use turn_relay::server::Config;

use super::config::RelayAddress;
use super::tls::Certificate;

/// Where clients come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// How.
    pub transport: Transport,
    /// The address; not `0.0.0.0` or `[::]`, since clients must be answered from the address that they
    /// have sent to. [`every_address`] has those of the machine.
    pub address: SocketAddr,
}

/// A listener on each address of the machine, where one on all of them is wanted.
///
/// # Errors
/// When the system does not tell its addresses.
pub fn every_address(listen: Listen) -> io::Result<Vec<Listen>> {
    if !listen.address.ip().is_unspecified() {
        return Ok(vec![listen]);
    }
    let interfaces = if_addrs::get_if_addrs()?;
    let ips = interfaces.iter().map(if_addrs::Interface::ip);
    // Addresses of one link need the link's name too; nobody configures them at a client.
    let is_wanted = |ip: &IpAddr| match ip {
        IpAddr::V4(_) => listen.address.is_ipv4(),
        IpAddr::V6(ip) => listen.address.is_ipv6() && !ip.is_unicast_link_local(),
    };
    let address = |ip| SocketAddr::new(ip, listen.address.port());
    let listen = |ip| Listen {
        address: address(ip),
        ..listen
    };
    Ok(ips.filter(is_wanted).map(listen).collect())
}

/// What a server runs with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where clients come.
    pub listen: Vec<Listen>,
    /// Where `relaying` relays, as far as it is to be tried at start and told.
    pub relays: Vec<RelayAddress>,
    /// The ports of relayed addresses.
    pub ports: RangeInclusive<u16>,
    /// Worker threads. By default one for each core.
    pub workers: usize,
    /// The least time from turn to turn of a worker; less than 1 ms. A packet waits
    /// for so long at most, and wake-ups are saved.
    pub gather: Duration,
    /// Bytes that the kernel holds at each UDP listener while its worker is busy.
    pub receive_buffer: usize,
    /// Most TCP and TLS connections of one worker.
    pub connections: usize,
    /// Most TCP and TLS connections of one client address at one worker.
    pub connections_per_address: usize,
    /// The certificate of the TLS listeners.
    pub certificate: Option<Certificate>,
    /// How the machine relays.
    pub relaying: Config,
}

impl Options {
    /// The usual options around how the machine relays, without a listener.
    #[must_use]
    pub fn new(relaying: Config) -> Self {
        Self {
            listen: Vec::new(),
            relays: Vec::new(),
            ports: 49152..=65535,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            gather: Duration::from_micros(900),
            receive_buffer: 4 << 20,
            connections: 16_384,
            connections_per_address: 1024,
            certificate: None,
            relaying,
        }
    }
}
