//! The message type: a class and a method, interleaved in 14 bits (RFC 8489 §5, figure 3).

use core::fmt;

/// What kind of message of its method this is (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Asks for nothing.
    Indication,
    /// Grants a request.
    Success,
    /// Refuses a request; carries ERROR-CODE.
    Error,
}

impl Class {
    /// Whether this class answers a request.
    pub const fn is_response(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Indication => "indication",
            Self::Success => "success response",
            Self::Error => "error response",
        })
    }
}

/// A method: 12 bits. Any value can be held; only the low 12 bits reach the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(pub u16);

macro_rules! methods {
    ($($(#[$doc:meta])* $constant:ident = $value:literal, $name:literal;)*) => {
        impl Method {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// The registered name, if this crate knows one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

methods! {
    /// What is my address? (RFC 8489 §18.2)
    BINDING = 0x001, "Binding";
    /// Make a relayed address (RFC 8656 §7).
    ALLOCATE = 0x003, "Allocate";
    /// Keep or drop an allocation (RFC 8656 §8).
    REFRESH = 0x004, "Refresh";
    /// Data towards a peer, an indication (RFC 8656 §11).
    SEND = 0x006, "Send";
    /// Data from a peer, an indication (RFC 8656 §11).
    DATA = 0x007, "Data";
    /// Let a peer's address in (RFC 8656 §10).
    CREATE_PERMISSION = 0x008, "CreatePermission";
    /// Give a peer a channel number (RFC 8656 §12).
    CHANNEL_BIND = 0x009, "ChannelBind";
    /// Open a TCP connection to a peer (RFC 6062 §4.3).
    CONNECT = 0x00a, "Connect";
    /// Make this connection the data connection (RFC 6062 §4.3).
    CONNECTION_BIND = 0x00b, "ConnectionBind";
    /// A peer has connected, an indication (RFC 6062 §4.4).
    CONNECTION_ATTEMPT = 0x00c, "ConnectionAttempt";
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Method({self})")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#05x}", self.0),
        }
    }
}

/// The 14 bits of a class and a method.
pub(crate) const fn to_wire(class: Class, method: Method) -> u16 {
    let m = method.0;
    let class_bits = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    (m & 0x000f) | ((m & 0x0070) << 1) | ((m & 0x0f80) << 2) | class_bits
}

/// The class and the method in the low 14 bits of `wire`.
pub(crate) const fn from_wire(wire: u16) -> (Class, Method) {
    let class = match wire & 0x0110 {
        0x0000 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    };
    let method = (wire & 0x000f) | ((wire & 0x00e0) >> 1) | ((wire & 0x3e00) >> 2);
    (class, Method(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_the_wire() {
        for wire in 0..0x4000 {
            let (class, method) = from_wire(wire);
            assert!(method.0 <= 0xfff);
            assert_eq!(to_wire(class, method), wire);
        }
    }
}
