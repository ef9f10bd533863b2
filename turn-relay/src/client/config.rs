//! What an allocation is to be, checked once.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stun_codec::credentials::PrepareError;
use stun_codec::{Family, Port, Transport};
use zeroize::Zeroizing;

/// The address families that relayed addresses are wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Families {
    /// Whatever the server gives who does not ask: IPv4.
    #[default]
    Any,
    /// One of this family (REQUESTED-ADDRESS-FAMILY).
    One(Family),
    /// One of each (ADDITIONAL-ADDRESS-FAMILY). The server may still refuse one of them.
    Both,
}

/// Where the server is, who we are to it, and what it is to allocate.
///
/// ```
/// use turn_relay::client::Config;
///
/// let server = "192.0.2.1:3478".parse()?;
/// let config = Config::udp(server).with_credentials("alice", "secret").with_dont_fragment();
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(super) server: Server,
    pub(super) credentials: Option<Credentials>,
    pub(super) local: Option<IpAddr>,
    pub(super) relay: Relay,
    pub(super) lifetime: Option<Duration>,
    pub(super) dont_fragment: bool,
    pub(super) mobility: bool,
    pub(super) rto: Duration,
}

/// A server and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) link: Link,
}

/// How frames travel to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Udp,
    Tcp,
    Tls { server_name: String },
}

impl Link {
    pub(super) fn transport(&self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Tcp => Transport::Tcp,
            Self::Tls { .. } => Transport::Tls,
        }
    }
}

/// What peers reach at the relayed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relay {
    Datagrams {
        families: Families,
        port: Port,
        reservation: Option<[u8; 8]>,
    },
    /// TCP connections (RFC 6062).
    Streams { family: Option<Family> },
}

#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: Zeroizing<String>,
}

/// A configuration that no server could grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The server's port or address is zero.
    #[error("{0} is no address of a server")]
    Server(SocketAddr),
    /// The user name or the password cannot be prepared, or the name is too long
    /// (RFC 8489 §9.2.3, §14.3).
    #[error("the user name or the password: {0}")]
    Credentials(#[from] PrepareError),
    /// The server's name, which its certificate must have, is empty.
    #[error("the server's name is empty")]
    ServerName,
    /// TCP relays need a connection to the server (RFC 6062 §4.1).
    #[error("relayed TCP connections need TCP or TLS towards the server")]
    StreamsOverUdp,
    /// TCP relays have none of these (RFC 6062 §4.1).
    #[error("DONT-FRAGMENT and MOBILITY-TICKET do not go with TCP relays")]
    DatagramsOnly,
    /// A port can be kept in one family only (RFC 8656 §7.1).
    #[error("no pair of ports goes with both families")]
    PairOfBoth,
    /// A reserved address comes as it was reserved (RFC 8656 §7.1).
    #[error("a reservation goes with neither families nor EVEN-PORT")]
    Reserved,
}

impl Config {
    fn new(address: SocketAddr, link: Link) -> Self {
        Self {
            server: Server { address, link },
            credentials: None,
            local: None,
            relay: Relay::Datagrams {
                families: Families::Any,
                port: Port::Any,
                reservation: None,
            },
            lifetime: None,
            dont_fragment: false,
            mobility: false,
            rto: Duration::from_millis(500),
        }
    }

    /// A server that is reached over UDP.
    #[must_use]
    pub fn udp(server: SocketAddr) -> Self {
        Self::new(server, Link::Udp)
    }

    /// A server that is reached over TCP.
    #[must_use]
    pub fn tcp(server: SocketAddr) -> Self {
        Self::new(server, Link::Tcp)
    }

    /// A server that is reached over TLS. `server_name` is the name that its certificate must have.
    #[must_use]
    pub fn tls(server: SocketAddr, server_name: impl Into<String>) -> Self {
        let server_name = server_name.into();
        Self::new(server, Link::Tls { server_name })
    }

    /// The long-term credentials. Without them the server has to serve anybody.
    #[must_use]
    pub fn with_credentials(
        mut self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.credentials = Some(Credentials {
            username: username.into(),
            password: Zeroizing::new(password.into()),
        });
        self
    }

    /// The address that our UDP socket is bound to. By default the driver chooses.
    #[must_use]
    pub fn with_local(mut self, ip: IpAddr) -> Self {
        self.local = Some(ip);
        self
    }

    /// The families of the relayed addresses; [`Families::Any`] by default.
    #[must_use]
    pub fn with_families(mut self, wanted: Families) -> Self {
        match &mut self.relay {
            Relay::Datagrams { families, .. } => *families = wanted,
            Relay::Streams { family } => {
                *family = match wanted {
                    Families::One(one) => Some(one),
                    Families::Any | Families::Both => None,
                };
            }
        }
        self
    }

    /// The relayed port: an even one ([`Port::Even`]), or an even one with the next one kept
    /// ([`Port::Pair`]), which is told as [`Allocated::reservation`](super::Allocated::reservation)
    /// (RFC 8656 §18.7).
    #[must_use]
    pub fn with_port(mut self, wanted: Port) -> Self {
        if let Relay::Datagrams { port, .. } = &mut self.relay {
            *port = wanted;
        }
        self
    }

    /// Takes the address that an earlier allocation had kept (RFC 8656 §18.10).
    #[must_use]
    pub fn with_reservation(mut self, token: [u8; 8]) -> Self {
        if let Relay::Datagrams { reservation, .. } = &mut self.relay {
            *reservation = Some(token);
        }
        self
    }

    /// Relays TCP connections in place of datagrams (RFC 6062): see
    /// [`Allocation::connect`](super::Allocation::connect).
    #[must_use]
    pub fn with_tcp_relay(mut self) -> Self {
        self.relay = Relay::Streams { family: None };
        self
    }

    /// How long the server is asked to keep the allocation between refreshes. By default it decides:
    /// ten minutes, as a rule (RFC 8656 §3.2).
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Asks that what is sent be not fragmented (RFC 8656 §14). A server that cannot do that is used
    /// without; [`Allocated::dont_fragment`](super::Allocated::dont_fragment) tells.
    #[must_use]
    pub fn with_dont_fragment(mut self) -> Self {
        self.dont_fragment = true;
        self
    }

    /// Asks for a ticket, with which the allocation moves to another local address (RFC 8016): see
    /// [`Allocation::move_to`](super::Allocation::move_to).
    #[must_use]
    pub fn with_mobility(mut self) -> Self {
        self.mobility = true;
        self
    }

    /// The first interval after which a request over UDP is repeated; 500 ms by default
    /// (RFC 8489 §6.2.1). A server that stays silent is given up after 79 of them.
    #[must_use]
    pub fn with_rto(mut self, rto: Duration) -> Self {
        self.rto = rto.max(Duration::from_millis(10));
        self
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.server.address
    }

    /// How the server is reached.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.server.link.transport()
    }

    /// Whether TCP connections are relayed in place of datagrams (RFC 6062).
    #[must_use]
    pub fn relays_streams(&self) -> bool {
        matches!(self.relay, Relay::Streams { .. })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Server { address, link } = &self.server;
        if address.port() == 0 || address.ip().is_unspecified() {
            return Err(ConfigError::Server(*address));
        }
        match link {
            Link::Tls { server_name } if server_name.is_empty() => {
                return Err(ConfigError::ServerName);
            }
            _ => {}
        }
        self.check_relay()
    }

    fn check_relay(&self) -> Result<(), ConfigError> {
        match self.relay {
            Relay::Streams { .. } if self.server.link == Link::Udp => {
                Err(ConfigError::StreamsOverUdp)
            }
            Relay::Streams { .. } if self.dont_fragment || self.mobility => {
                Err(ConfigError::DatagramsOnly)
            }
            Relay::Datagrams {
                families,
                port,
                reservation: Some(_),
            } if families != Families::Any || port != Port::Any => Err(ConfigError::Reserved),
            Relay::Datagrams {
                families: Families::Both,
                port: Port::Pair,
                ..
            } => Err(ConfigError::PairOfBoth),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("server", &self.server)
            .field("credentials", &self.credentials)
            .field("local", &self.local)
            .field("relay", &self.relay)
            .field("lifetime", &self.lifetime)
            .field("dont_fragment", &self.dont_fragment)
            .field("mobility", &self.mobility)
            .field("rto", &self.rto)
            .finish()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
