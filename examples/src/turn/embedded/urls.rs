//! The URLs that browsers are told (RFC 7065).

use turn_relay::Transport;

use crate::turn::Listen;

/// Where the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// The host as in a URL; without, the one by which a browser reached the gateway.
    pub host: Option<String>,
    /// The port over UDP.
    pub udp: Option<u16>,
    /// The port over TCP.
    pub tcp: Option<u16>,
    /// The port over TLS, where browsers trust the certificate.
    pub tls: Option<u16>,
}

impl Urls {
    /// Those of a server that listens there.
    pub(super) fn of(host: Option<String>, listening: &[Listen]) -> Self {
        let port = |wanted: Transport| {
            let listener = listening.iter().find(|listen| listen.transport == wanted);
            listener.map(|listen| listen.address.port())
        };
        Self {
            host,
            udp: port(Transport::Udp),
            tcp: port(Transport::Tcp),
            tls: port(Transport::Tls),
        }
    }

    /// The URLs for a browser that reached the gateway by the name `reached`, the best first.
    #[must_use]
    pub fn told(&self, reached: &str) -> Vec<String> {
        let host = self.host.as_deref().unwrap_or(reached);
        let ways = [
            ("turn", self.udp, "udp"),
            ("turn", self.tcp, "tcp"),
            ("turns", self.tls, "tcp"),
        ];
        let url = |(scheme, port, transport): (&str, Option<u16>, &str)| {
            let port = port?;
            Some(format!("{scheme}:{host}:{port}?transport={transport}"))
        };
        ways.into_iter().filter_map(url).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_the_name_it_knows_or_the_configured_one() {
        let mut urls = Urls {
            host: None,
            udp: Some(3478),
            tcp: Some(3479),
            tls: None,
        };
        let expected = [
            "turn:[::1]:3478?transport=udp",
            "turn:[::1]:3479?transport=tcp",
        ];
        assert_eq!(urls.told("[::1]"), expected);
        urls.host = Some("turn.example".into());
        urls.tls = Some(443);
        let expected = [
            "turn:turn.example:3478?transport=udp",
            "turn:turn.example:3479?transport=tcp",
            "turns:turn.example:443?transport=tcp",
        ];
        assert_eq!(urls.told("calls.example"), expected);
    }
}
