//! A firewall in front of a host.

/// What a firewall lets through. Answers always come in; what it does not let through is dropped without
/// a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firewall {
    /// Whether datagrams get through, in both directions.
    pub udp: bool,
    /// Where connections can be made to.
    pub tcp: Ports,
}

/// Ports of remote hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// All.
    All,
    /// This one alone.
    Only(u16),
    /// None.
    None,
}

impl Firewall {
    /// Lets everything through, connections from outside included.
    pub const OPEN: Self = Self {
        udp: true,
        tcp: Ports::All,
    };
    /// Lets connections out, and no datagram.
    pub const NO_UDP: Self = Self {
        udp: false,
        tcp: Ports::All,
    };
    /// Lets connections out to port 443, and nothing else.
    pub const HTTPS_ONLY: Self = Self {
        udp: false,
        tcp: Ports::Only(443),
    };
    /// Lets nothing through.
    pub const CLOSED: Self = Self {
        udp: false,
        tcp: Ports::None,
    };

    /// Whether a connection may go out to this port.
    pub(crate) fn lets_out(self, port: u16) -> bool {
        match self.tcp {
            Ports::All => true,
            Ports::Only(only) => only == port,
            Ports::None => false,
        }
    }

    /// Whether a connection may come in.
    pub(crate) fn lets_in(self) -> bool {
        self == Self::OPEN
    }
}
