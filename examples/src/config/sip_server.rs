//! The address of the SIP server, checked.

use std::fmt;
use std::str::FromStr;

use super::network;

/// `HOST:PORT[;transport=udp|tcp]`, checked but still text: the SIP side reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipServer(String);

impl SipServer {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SipServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text does not name a SIP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT, or HOST:PORT;transport=tcp")]
pub struct InvalidSipServer;

impl FromStr for SipServer {
    type Err = InvalidSipServer;

    fn from_str(text: &str) -> Result<Self, InvalidSipServer> {
        let (address, transport) = match text.split_once(';') {
            Some((address, parameter)) => (address, parameter.strip_prefix("transport=")),
            None => (text, Some("udp")),
        };
        let (host, port) = address.rsplit_once(':').ok_or(InvalidSipServer)?;
        let port_is_right = port.parse::<u16>().is_ok_and(|port| port != 0);
        if !matches!(transport, Some("udp" | "tcp")) || !network::is_host(host) || !port_is_right {
            return Err(InvalidSipServer);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_transport_are_checked() {
        for good in [
            "pbx:5060",
            "10.0.0.1:5060;transport=tcp",
            "[fd00::1]:5060;transport=udp",
        ] {
            assert_eq!(good.parse(), Ok(SipServer(good.to_owned())));
        }
        for bad in [
            "",
            "pbx",
            "pbx:",
            "pbx:0",
            "pbx:70000",
            ":5060",
            "fd00::1:5060",
            "a b:5060",
            "pbx:5060;transport=sctp",
            "pbx:5060;",
            "sip:pbx:5060",
            "u@pbx:5060",
            "pbx:5060;lr",
        ] {
            assert_eq!(bad.parse::<SipServer>(), Err(InvalidSipServer), "{bad}");
        }
    }
}
