//! What the runner expects of a connection that is established.

use dtls_handshake::{Connected, Version};

use crate::Failure;
use crate::flags::Expected;

/// What was seen besides what the connection tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// A HelloRetryRequest came or went.
    pub(crate) retry: bool,
    /// The verifier was asked.
    pub(crate) judged: bool,
}

impl Expected {
    pub(crate) fn check(&self, connected: &Connected, seen: Seen) -> Result<(), Failure> {
        let version = match connected.version {
            Version::Dtls12 => 0xFEFD,
            Version::Dtls13 => 0xFEFC,
            other => return Err(Failure::failed(other)),
        };
        equal("version", self.version, version)?;
        equal(
            "cipher suite",
            self.cipher_suite,
            connected.cipher_suite.into(),
        )?;
        equal("group", self.group, connected.group.into())?;
        equal("HelloRetryRequest", self.retry, seen.retry)?;
        equal("verified", self.peer_judged.then_some(true), seen.judged)?;
        let certificate = connected.peer.certificate();
        equal(
            "no certificate",
            self.no_certificate.then_some(true),
            certificate.is_empty(),
        )
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: Option<T>,
    found: T,
) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::Failed(format!(
            "{what}: {found:?}, expected {expected:?}"
        ))),
        _ => Ok(()),
    }
}
