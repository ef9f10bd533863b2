//! The table of attribute code points: number, name and the use each belongs to.

use core::fmt;

/// The 16-bit type of an attribute. Any value can be held; the constants are the registered ones
/// this crate can name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeType(pub u16);

impl AttributeType {
    /// Whether a receiver that does not understand it must refuse the request
    /// (RFC 8489 §14: types 0x0000 to 0x7FFF).
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}

macro_rules! attribute_types {
    ($($constant:ident = $value:literal, $name:literal, $usage:ident, $rfc:literal;)*) => {
        impl AttributeType {
            $(
                #[doc = concat!("`", $name, "` (", $rfc, ").")]
                pub const $constant: Self = Self($value);
            )*

            /// The registered name, if this crate knows one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($name),)*
                    _ => None,
                }
            }

            /// The use of STUN that defines it, if this crate knows it.
            pub const fn usage(self) -> Option<Usage> {
                match self {
                    $(Self::$constant => Some(Usage::$usage),)*
                    _ => None,
                }
            }
        }
    };
}

/// The use of STUN that an attribute belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Usage {
    /// Any message (RFC 8489).
    Stun,
    /// Connectivity checks (RFC 8445 and what browsers add to it).
    Ice,
    /// Relays (RFC 8656, RFC 6062, RFC 7635, RFC 8016).
    Turn,
    /// NAT behaviour discovery (RFC 5780).
    Discovery,
}

attribute_types! {
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS", Stun, "RFC 8489 §14.1";
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST", Discovery, "RFC 5780 §7.2";
    USERNAME = 0x0006, "USERNAME", Stun, "RFC 8489 §14.3";
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY", Stun, "RFC 8489 §14.5";
    ERROR_CODE = 0x0009, "ERROR-CODE", Stun, "RFC 8489 §14.8";
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES", Stun, "RFC 8489 §14.13";
    CHANNEL_NUMBER = 0x000c, "CHANNEL-NUMBER", Turn, "RFC 8656 §18.1";
    LIFETIME = 0x000d, "LIFETIME", Turn, "RFC 8656 §18.2";
    XOR_PEER_ADDRESS = 0x0012, "XOR-PEER-ADDRESS", Turn, "RFC 8656 §18.3";
    DATA = 0x0013, "DATA", Turn, "RFC 8656 §18.4";
    REALM = 0x0014, "REALM", Stun, "RFC 8489 §14.9";
    NONCE = 0x0015, "NONCE", Stun, "RFC 8489 §14.10";
    XOR_RELAYED_ADDRESS = 0x0016, "XOR-RELAYED-ADDRESS", Turn, "RFC 8656 §18.5";
    REQUESTED_ADDRESS_FAMILY = 0x0017, "REQUESTED-ADDRESS-FAMILY", Turn, "RFC 8656 §18.6";
    EVEN_PORT = 0x0018, "EVEN-PORT", Turn, "RFC 8656 §18.7";
    REQUESTED_TRANSPORT = 0x0019, "REQUESTED-TRANSPORT", Turn, "RFC 8656 §18.8";
    DONT_FRAGMENT = 0x001a, "DONT-FRAGMENT", Turn, "RFC 8656 §18.9";
    ACCESS_TOKEN = 0x001b, "ACCESS-TOKEN", Turn, "RFC 7635 §6.2";
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MESSAGE-INTEGRITY-SHA256", Stun, "RFC 8489 §14.6";
    PASSWORD_ALGORITHM = 0x001d, "PASSWORD-ALGORITHM", Stun, "RFC 8489 §14.12";
    USERHASH = 0x001e, "USERHASH", Stun, "RFC 8489 §14.4";
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS", Stun, "RFC 8489 §14.2";
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN", Turn, "RFC 8656 §18.10";
    PRIORITY = 0x0024, "PRIORITY", Ice, "RFC 8445 §16.1";
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE", Ice, "RFC 8445 §16.1";
    PADDING = 0x0026, "PADDING", Discovery, "RFC 5780 §7.6";
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT", Discovery, "RFC 5780 §7.5";
    CONNECTION_ID = 0x002a, "CONNECTION-ID", Turn, "RFC 6062 §6.2.1";
    ADDITIONAL_ADDRESS_FAMILY = 0x8000, "ADDITIONAL-ADDRESS-FAMILY", Turn, "RFC 8656 §18.11";
    ADDRESS_ERROR_CODE = 0x8001, "ADDRESS-ERROR-CODE", Turn, "RFC 8656 §18.12";
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS", Stun, "RFC 8489 §14.11";
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN", Stun, "RFC 8489 §14.16";
    ICMP = 0x8004, "ICMP", Turn, "RFC 8656 §18.13";
    SOFTWARE = 0x8022, "SOFTWARE", Stun, "RFC 8489 §14.14";
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER", Stun, "RFC 8489 §14.15";
    CACHE_TIMEOUT = 0x8027, "CACHE-TIMEOUT", Discovery, "RFC 5780";
    FINGERPRINT = 0x8028, "FINGERPRINT", Stun, "RFC 8489 §14.7";
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED", Ice, "RFC 8445 §16.1";
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING", Ice, "RFC 8445 §16.1";
    RESPONSE_ORIGIN = 0x802b, "RESPONSE-ORIGIN", Discovery, "RFC 5780 §7.3";
    OTHER_ADDRESS = 0x802c, "OTHER-ADDRESS", Discovery, "RFC 5780 §7.4";
    ECN_CHECK = 0x802d, "ECN-CHECK STUN", Ice, "RFC 6679 §7.2.2";
    THIRD_PARTY_AUTHORIZATION = 0x802e, "THIRD-PARTY-AUTHORIZATION", Turn, "RFC 7635 §6.1";
    MOBILITY_TICKET = 0x8030, "MOBILITY-TICKET", Turn, "RFC 8016 §3.4";
    NOMINATION = 0xc001, "NOMINATION", Ice, "draft-thatcher-ice-renomination";
    GOOG_NETWORK_INFO = 0xc057, "GOOG-NETWORK-INFO", Ice, "registered without a document";
    GOOG_MISC_INFO = 0xc059, "GOOG-MISC-INFO", Ice, "registered without a document";
    GOOG_DELTA = 0xc05c, "GOOG-DELTA", Ice, "registered without a document";
    GOOG_DELTA_ACK = 0xc05d, "GOOG-DELTA-ACK", Ice, "registered without a document";
    META_DTLS_IN_STUN = 0xc070, "META-DTLS-IN-STUN", Ice, "draft-hancke-webrtc-sped";
    META_DTLS_IN_STUN_ACK = 0xc071, "META-DTLS-IN-STUN-ACK", Ice, "draft-hancke-webrtc-sped";
}

impl AttributeType {
    /// Whether this crate's table names it.
    pub const fn is_known(self) -> bool {
        self.usage().is_some()
    }

    /// Whether it protects a message or sums it up: one that only [`Builder`](crate::Builder) makes.
    #[inline]
    pub(crate) const fn is_tag(self) -> bool {
        matches!(
            self,
            Self::MESSAGE_INTEGRITY | Self::MESSAGE_INTEGRITY_SHA256 | Self::FINGERPRINT
        )
    }

    /// Whether a Binding request may carry it towards a plain STUN server or an ICE agent. The
    /// attributes of RFC 5780 are not among them: a server that ignored CHANGE-REQUEST instead of
    /// refusing it would make its client draw the wrong conclusion about its NAT (RFC 5780 §6.1).
    pub const fn is_for_binding(self) -> bool {
        matches!(self.usage(), Some(Usage::Stun | Usage::Ice))
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeType({self})")
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}
