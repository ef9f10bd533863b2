//! The SIP server, checked.

use std::fmt;
use std::str::FromStr;

use crate::sip::{InvalidServer, Server};

/// A text that reads as a [`Server`].
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

impl FromStr for SipServer {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        text.parse::<Server>().map(|_| Self(text.to_owned()))
    }
}
