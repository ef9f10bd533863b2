//! What messages lead to, and what a handshake of either version leaves behind.

use crate::error::ExportError;
use crate::srtp::Srtp;
use crate::wire::{CipherSuite, Group};
use crate::{Version, v12, v13};

/// What a message led to.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // it is taken apart at once
pub(crate) enum Step<S> {
    /// More of the peer's flight is due.
    Wait(S),
    /// The peer's flight is complete and ours is out, to be repeated until it is answered.
    Answered(S),
    /// The handshake is complete.
    Complete(Completed),
}

impl<S> Step<S> {
    pub(crate) fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Step<T> {
        match self {
            Self::Wait(state) => Step::Wait(wrap(state)),
            Self::Answered(state) => Step::Answered(wrap(state)),
            Self::Complete(completed) => Step::Complete(completed),
        }
    }
}

/// What a handshake leaves behind.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) session: Session,
    /// In DER. Its owner is who we speak with; whether that is who we want, nobody has said yet.
    pub(crate) peer_certificate: Vec<u8>,
    pub(crate) srtp: Option<Srtp>,
    pub(crate) group: Group,
}

/// The secrets of a connection and what belongs to them.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each connection
pub(crate) enum Session {
    Dtls12(v12::Session),
    Dtls13(v13::Session),
}

impl Session {
    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Dtls12(_) => Version::Dtls12,
            Self::Dtls13(_) => Version::Dtls13,
        }
    }

    pub(crate) fn cipher_suite(&self) -> CipherSuite {
        match self {
            Self::Dtls12(session) => session.suite().id,
            Self::Dtls13(session) => session.suite().id,
        }
    }

    pub(crate) fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        match self {
            Self::Dtls12(session) => session.export(label, context, out),
            Self::Dtls13(session) => session.export(label, context, out),
        }
    }
}
