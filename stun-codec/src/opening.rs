//! Opening: how a state machine asks its driver for sockets, and what the driver may answer.
//!
//! A machine tells [`Open`] and [`Close`] by event. The driver answers each `Open` once, by
//! `handle_opened(now, id, local)` or `handle_open_failed(now, id, error)`; a socket or connection
//! that ends later is told by `handle_closed(now, id)`, a connection that was accepted at a
//! listening socket by `handle_accepted(now, path)`. DNS and TLS belong to the driver.
//!
//! The machine chooses the ids of its requests by [`SocketId::asked`]; ids that a driver gives to
//! sockets of its own are smaller, so that the two never meet. They are the machine's own: a
//! driver of several machines keeps them apart by machine.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use alloc::string::String;

use crate::path::SocketId;
use crate::stream::Framing;

/// A socket or connection is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its name from now on, in paths too.
    pub id: SocketId,
    /// What it is to be.
    pub what: Wanted,
}

/// What a socket is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// A UDP socket.
    Udp {
        /// Where it is bound.
        local: Local,
        /// Which port it has.
        port: Port,
    },
    /// A TCP connection.
    Tcp {
        /// Where to.
        remote: SocketAddr,
        /// How frames stand in its stream.
        framing: Framing,
    },
    /// A TCP connection from one of our addresses, which is not framed: it is joined to another one, byte
    /// for byte (RFC 6062).
    TcpFrom {
        /// Our address: that of a [`TcpListener`](Self::TcpListener).
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
    },
    /// A TCP socket that listens, and whose address connections can be made from as well.
    TcpListener {
        /// Where it is bound.
        local: Local,
    },
    /// A TCP socket that listens for connections of peers, whose streams are framed.
    FramedTcpListener {
        /// Where it is bound.
        local: Local,
        /// Which port it has.
        port: Port,
        /// How frames stand in the streams that it accepts.
        framing: Framing,
    },
    /// A TLS connection, to a TURN server.
    Tls {
        /// Where to.
        remote: SocketAddr,
        /// How frames stand in its stream.
        framing: Framing,
        /// The name that the certificate must have (RFC 6066 §3, RFC 9525).
        server_name: String,
    },
}

/// The address family of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Where a socket is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Local {
    /// To an address of this family that the driver chooses, and reports: never `0.0.0.0`.
    Family(Family),
    /// To this address.
    Ip(IpAddr),
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family(family) => family.fmt(f),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// Which port a socket has, of those that the driver may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// Any.
    Any,
    /// An even one (RFC 8656 §18.7, EVEN-PORT).
    Even,
    /// An even one, and the next higher one is kept free for a later request.
    Pair,
    /// One of these, and no other.
    Within {
        /// The lowest.
        least: u16,
        /// The highest.
        most: u16,
    },
}

/// A socket or connection of an earlier [`Open`] is not needed any more. The driver closes it and
/// answers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// Which one.
    pub id: SocketId,
}

/// Why a socket could not be opened, or a connection not be made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The other side refused the connection.
    #[error("the connection was refused")]
    Refused,
    /// Nobody answered in time.
    #[error("there was no answer in time")]
    TimedOut,
    /// There is no way to the address, or it is none of this machine.
    #[error("the address cannot be reached")]
    Unreachable,
    /// No port is free.
    #[error("no port is free")]
    NoPort,
    /// The server's certificate is not valid any more, or not yet.
    #[error("the server's certificate has expired or is not valid yet")]
    CertificateExpired,
    /// Nobody who is trusted vouches for the server's certificate.
    #[error("the server's certificate is not trusted")]
    CertificateUntrusted,
    /// The server's certificate is for another name.
    #[error("the server's certificate is for another name")]
    CertificateName,
    /// The driver opens no sockets of this kind.
    #[error("this program opens no such sockets")]
    Unsupported,
    /// Something else, in the words of the system.
    #[error("{0}")]
    Other(String),
}
