//! Candidates: the addresses at which an agent may be reached (RFC 8445 §5.1, RFC 8839 §5.1).

mod extensions;
mod foundation;
mod grammar;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use extensions::Extensions;
pub use foundation::{Foundation, InvalidFoundation};
pub use grammar::{Field, ParseCandidateError};

/// One candidate, as it is signalled.
///
/// [`FromStr`] reads the grammar of RFC 8839 §5.1 with or without the prefixes `candidate:` and
/// `a=candidate:`. [`Display`](fmt::Display) prints it with the prefix `candidate:`, which is what
/// `RTCIceCandidate.candidate` holds; an SDP line is `a=` and then that.
///
/// Printing what was read gives the same text except that known words are in lower case, the
/// related address and then a `tcptype` stand before all extensions, and IPv6 addresses are in
/// their canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Equal for candidates of the same kind, base address and server (RFC 8445 §5.1.1.3).
    pub foundation: Foundation,
    /// The component, 1 to 256. RTP is 1 and RTCP is 2 (RFC 8445 §4).
    pub component: u16,
    /// The transport protocol between the peers.
    pub protocol: Protocol,
    /// The priority, 1 to 2^31 - 1 (RFC 8445 §5.1.2).
    pub priority: u32,
    /// Where the candidate is reached.
    pub address: Address,
    /// How the address was learned.
    pub kind: Kind,
    /// The related address: the base of a reflexive candidate, the mapped address of a relayed
    /// one. Peers that hide it send `0.0.0.0`. Diagnostic only.
    pub related: Option<Address>,
    /// Extension attributes by name and value, in their order (`generation`, `ufrag`,
    /// `network-cost`, ...). Unknown ones are kept.
    pub extensions: Extensions,
}

impl Candidate {
    /// The address to pair, when there is one: `None` for a name.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Ip(addr) => Some(addr),
            Address::Name { .. } => None,
        }
    }

    /// The value of the first extension called `name`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.find(name)
    }
}

impl FromStr for Candidate {
    type Err = ParseCandidateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        grammar::parse(text)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        grammar::print(self, f)
    }
}

/// How a candidate's address was learned (RFC 8445 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An address of an interface: `host`.
    Host,
    /// What a STUN server saw: `srflx`.
    ServerReflexive,
    /// What the peer saw in a check: `prflx`.
    PeerReflexive,
    /// An address on a TURN server: `relay`.
    Relayed,
    /// A kind this crate does not know. Kept, never paired.
    Other(Box<str>),
}

impl Kind {
    fn token(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
            Self::Other(token) => token,
        }
    }

    fn from_token(token: &str) -> Self {
        let known = [
            Self::Host,
            Self::ServerReflexive,
            Self::PeerReflexive,
            Self::Relayed,
        ];
        let found = known
            .into_iter()
            .find(|kind| kind.token().eq_ignore_ascii_case(token));
        found.unwrap_or_else(|| Self::Other(token.into()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// The transport protocol of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP, with who opens the connection (RFC 6544).
    Tcp(TcpKind),
    /// A protocol this crate does not know. Kept, never paired.
    Other(Box<str>),
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp(_) => "tcp",
            Self::Other(token) => token,
        })
    }
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpKind {
    /// It opens connections and accepts none. The port means nothing.
    Active,
    /// It accepts connections.
    Passive,
    /// Both sides open at the same moment.
    SimultaneousOpen,
}

impl TcpKind {
    const ALL: [Self; 3] = [Self::Active, Self::Passive, Self::SimultaneousOpen];

    fn token(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }

    fn from_token(token: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.token().eq_ignore_ascii_case(token))
    }
}

/// Where a candidate is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and port.
    Ip(SocketAddr),
    /// A name and port, such as the mDNS names browsers use in place of private addresses.
    /// Resolving it is the caller's work.
    Name {
        /// The name, for instance `9b36eaac-bb2e-49bb-bb78-21c41c499900.local`.
        host: Box<str>,
        /// The port.
        port: u16,
    },
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl Address {
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Ip(addr) => addr.port(),
            Self::Name { port, .. } => *port,
        }
    }

    /// Whether this is a multicast DNS name (RFC 6762 §3).
    #[must_use]
    pub fn is_mdns(&self) -> bool {
        match self {
            Self::Ip(_) => false,
            Self::Name { host, .. } => {
                let top = host.trim_end_matches('.').rsplit('.').next();
                top.is_some_and(|label| label.eq_ignore_ascii_case("local"))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}
