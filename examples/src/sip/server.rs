//! The SIP server that calls go to.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// How SIP messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams; the default.
    Udp,
    /// A plain connection.
    Tcp,
    /// A connection over TLS.
    Tls,
}

impl Transport {
    /// The well-known port (RFC 3261 §19.1.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

/// A SIP server by host, port and transport, written `HOST[:PORT][;transport=udp|tcp|tls]`.
///
/// The host is a DNS name, an IPv4 address or an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    host: String,
    port: u16,
    transport: Transport,
}

impl Server {
    /// The host: a DNS name or an address; IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The transport.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The server at an address.
    #[must_use]
    pub fn at(address: SocketAddr, transport: Transport) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            transport,
        }
    }
}

/// What is wrong with the text of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidServer {
    /// No host in front of the port.
    #[error("the host is missing; expected HOST[:PORT][;transport=udp|tcp|tls]")]
    NoHost,
    /// The host has characters that no DNS name or address has.
    #[error("{0:?} is neither a DNS name nor an address (IPv6 stands in brackets)")]
    Host(String),
    /// A URI in place of a host.
    #[error("leave out \"{0}:\"; expected HOST[:PORT][;transport=udp|tcp|tls]")]
    Scheme(String),
    /// The port is no number from 1 to 65535.
    #[error("{0:?} is no port; expected 1 to 65535")]
    Port(String),
    /// What follows the `;` is not a known transport.
    #[error("{0:?} is not understood; expected transport=udp, transport=tcp or transport=tls")]
    Transport(String),
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let (address, transport) = match text.split_once(';') {
            Some((address, parameter)) => (address, transport_of(parameter)?),
            None => (text, Transport::Udp),
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (inside, after) = rest
                    .split_once(']')
                    .ok_or_else(|| InvalidServer::Host(address.to_owned()))?;
                if inside.parse::<Ipv6Addr>().is_err() {
                    return Err(InvalidServer::Host(inside.to_owned()));
                }
                (inside, after)
            }
            None => {
                let (host, port) = address.split_at(address.find(':').unwrap_or(address.len()));
                if host.is_empty() {
                    return Err(InvalidServer::NoHost);
                }
                if !is_host_name(host) {
                    return Err(InvalidServer::Host(host.to_owned()));
                }
                (host, port)
            }
        };
        let port = match port.strip_prefix(':') {
            Some(rest) if is_scheme(host) && rest.parse::<u64>().is_err() => {
                return Err(InvalidServer::Scheme(host.to_owned()));
            }
            Some(digits) => port_of(digits)?,
            None if port.is_empty() => transport.default_port(),
            None => return Err(InvalidServer::Port(port.to_owned())),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            transport,
        })
    }
}

fn transport_of(parameter: &str) -> Result<Transport, InvalidServer> {
    match parameter.to_ascii_lowercase().as_str() {
        "transport=udp" => Ok(Transport::Udp),
        "transport=tcp" => Ok(Transport::Tcp),
        "transport=tls" => Ok(Transport::Tls),
        _ => Err(InvalidServer::Transport(parameter.to_owned())),
    }
}

/// A host may have that name too: a number behind it is its port.
fn is_scheme(host: &str) -> bool {
    ["sip", "sips"]
        .iter()
        .any(|name| host.eq_ignore_ascii_case(name))
}

fn port_of(digits: &str) -> Result<u16, InvalidServer> {
    match digits.parse() {
        Ok(port) if port != 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(InvalidServer::Port(digits.to_owned())),
    }
}

/// Labels of letters, digits, `-` and `_`, at most 253 bytes together (RFC 1123 §2.1). A dotted
/// address has that shape too.
fn is_host_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port)?,
            false => write!(f, "{}:{}", self.host, self.port)?,
        }
        match self.transport {
            Transport::Udp => Ok(()),
            other => write!(f, ";transport={other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_server_reads_and_writes() {
        for (text, written) in [
            ("pbx", "pbx:5060"),
            ("pbx.example.com:5070", "pbx.example.com:5070"),
            ("10.0.0.1;transport=TCP", "10.0.0.1:5060;transport=tcp"),
            ("pbx;transport=tls", "pbx:5061;transport=tls"),
            ("[2001:db8::1]:5080;transport=udp", "[2001:db8::1]:5080"),
            ("[::1]", "[::1]:5060"),
            ("sip:5070", "sip:5070"),
        ] {
            let server: Server = text.parse().unwrap();
            assert_eq!(server.to_string(), written);
            assert_eq!(written.parse(), Ok(server));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let host = |h: &str| InvalidServer::Host(h.to_owned());
        let port = |p: &str| InvalidServer::Port(p.to_owned());
        for (text, problem) in [
            ("", InvalidServer::NoHost),
            (":5060", InvalidServer::NoHost),
            ("a b", host("a b")),
            ("a@b", host("a@b")),
            ("a..b", host("a..b")),
            ("[::1", host("[::1")),
            ("[pbx]", host("pbx")),
            ("pbx:", port("")),
            ("pbx:0", port("0")),
            ("pbx:+1", port("+1")),
            ("pbx:65536", port("65536")),
            ("::1", InvalidServer::NoHost),
            ("[::1]x", port("x")),
            ("sip:pbx", InvalidServer::Scheme("sip".to_owned())),
            ("SIPS:a@[::1]:1", InvalidServer::Scheme("SIPS".to_owned())),
            ("sip:0", port("0")),
            ("pbx;lr", InvalidServer::Transport("lr".to_owned())),
        ] {
            assert_eq!(text.parse::<Server>(), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in any::<String>()) {
            if let Ok(server) = text.parse::<Server>() {
                prop_assert_eq!(server.to_string().parse(), Ok(server));
            }
        }
    }
}
