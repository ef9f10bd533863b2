//! STUN and TURN servers by their URIs (RFC 7064, RFC 7065).

use std::net::SocketAddr;
use std::str::FromStr;

use ice_agent::{Transport, TurnServer};
use tokio::net::lookup_host;

/// `stun:host[:port]`, `turn:host[:port][?transport=udp|tcp]` or `turns:host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUri {
    /// The name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How a TURN server is reached; `None` for a STUN server.
    pub turn: Option<Transport>,
}

/// The text is no URI of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not like stun:host:port, turn:host:port?transport=tcp or turns:host:port")]
pub struct InvalidServerUri(String);

impl FromStr for ServerUri {
    type Err = InvalidServerUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| InvalidServerUri(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<ServerUri> {
    let (scheme, rest) = text.split_once(':')?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (turn, default) = match (scheme, query) {
        ("stun", "") => (None, 3478),
        ("turn", "" | "transport=udp") => (Some(Transport::Udp), 3478),
        ("turn", "transport=tcp") => (Some(Transport::Tcp), 3478),
        ("turns", "" | "transport=tcp") => (Some(Transport::Tls), 5349),
        _ => return None,
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => default,
    };
    (!host.is_empty()).then(|| ServerUri {
        host: host.to_owned(),
        port,
        turn,
    })
}

impl ServerUri {
    /// The first address of the server.
    ///
    /// # Errors
    /// When its name cannot be resolved.
    pub async fn resolve(&self) -> std::io::Result<SocketAddr> {
        let mut found = lookup_host((self.host.as_str(), self.port)).await?;
        let none = || std::io::Error::other(format!("{} has no address", self.host));
        found.next().ok_or_else(none)
    }

    /// The TURN server at `address`; `None` for a STUN server. `server_name` is the name that its
    /// certificate must have, where it is not that of the URI.
    #[must_use]
    pub fn turn_server(
        &self,
        address: SocketAddr,
        server_name: Option<&str>,
    ) -> Option<TurnServer> {
        Some(match self.turn? {
            Transport::Udp => TurnServer::udp(address),
            Transport::Tcp => TurnServer::tcp(address),
            _ => TurnServer::tls(address, server_name.unwrap_or(&self.host)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read() {
        let read = |text: &str| {
            let uri: ServerUri = text.parse().unwrap();
            (uri.host, uri.port, uri.turn)
        };
        assert_eq!(read("stun:a.test"), ("a.test".into(), 3478, None));
        let udp = Some(Transport::Udp);
        assert_eq!(read("turn:192.0.2.1:99"), ("192.0.2.1".into(), 99, udp));
        let tcp = Some(Transport::Tcp);
        assert_eq!(
            read("turn:[2001:db8::1]:99?transport=tcp"),
            ("2001:db8::1".into(), 99, tcp)
        );
        let tls = Some(Transport::Tls);
        assert_eq!(read("turns:a.test"), ("a.test".into(), 5349, tls));
        for wrong in [
            "a.test",
            "http:a",
            "turn:",
            "turn:a:b",
            "turn:a?transport=sctp",
            "stun:a?b",
        ] {
            assert!(wrong.parse::<ServerUri>().is_err(), "{wrong}");
        }
    }
}
