//! Small parts of capabilities and facts.

use std::fmt;
use std::net::IpAddr;

/// The `o=` line of our descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalOrigin {
    /// The same for all descriptions of a session; JSEP wants 63 random bits (RFC 9429 §5.2.1).
    pub session_id: u64,
    /// The version of the first description; each that differs from the last has one more
    /// (RFC 3264 §8).
    pub session_version: u64,
    /// Nothing is ever sent to it; `0.0.0.0` tells nothing about us.
    pub address: IpAddr,
}

/// ICE credentials (RFC 8839 §5.4). `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The username fragment.
    pub ufrag: String,
    /// The password. Secret.
    pub pwd: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}
