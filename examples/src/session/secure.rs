//! The secure half of a session: DTLS, and the SRTP contexts that its keys open.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use dtls_handshake::{
    CipherSuite, CloseCause, Connected, Connection, Event, Fingerprint, Group, SRTP_EXPORTER_LABEL,
    Version,
};
use srtp::{ExportedKeys, Profile, Receiver, Sender, keys_from_dtls_export};
use zeroize::Zeroizing;

use super::DtlsRole;

/// DTLS waits for ICE, runs, and hands over to SRTP. Each state owns what it needs.
pub(super) enum Secure {
    /// ICE has no path yet. The handshake's clock has not begun.
    Waiting(Box<Start>),
    /// The handshake runs.
    Handshake {
        dtls: Box<Connection>,
        role: DtlsRole,
    },
    /// Media may flow. DTLS stays for the peer's repeated last flight and its close.
    Open {
        dtls: Box<Connection>,
        sender: Box<Sender>,
        receiver: Box<Receiver>,
    },
    /// Over. DTLS stays to send its alert.
    Closed(Option<Box<Connection>>),
}

/// All that a handshake needs to begin.
pub(super) struct Start {
    pub(super) config: dtls_handshake::Config,
    pub(super) role: DtlsRole,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) seed: Zeroizing<[u8; 32]>,
}

/// What became of the secure half by an input.
pub(super) enum Change {
    /// SRTP is open.
    Opened(Secured),
    /// It is over.
    Closed(SecureFailure),
}

/// What the handshake settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Secured {
    /// The version of DTLS.
    pub version: Version,
    /// The cipher suite of DTLS.
    pub cipher_suite: CipherSuite,
    /// The group of the key exchange.
    pub group: Group,
    /// How media is protected.
    pub profile: Profile,
}

/// Why the secure half ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecureFailure {
    /// DTLS ended, before or after it was connected.
    #[error("{0}")]
    Dtls(CloseCause),
    /// The handshake came to no SRTP profile that we have.
    #[error("DTLS agreed on no SRTP profile")]
    NoProfile,
    /// The exported keys were refused.
    #[error("the SRTP keys could not be derived")]
    Keys,
}

impl Secure {
    /// Begins the handshake if it has not begun. `rtt` sets the first retransmission time.
    pub(super) fn start(&mut self, now: Instant, rtt: Option<Duration>) {
        let Self::Waiting(start) = self else { return };
        let mut config = start.config.clone();
        if let Some(rtt) = rtt {
            config = config.with_initial_timeout(first_timeout(rtt));
        }
        let mut dtls = Box::new(match start.role {
            DtlsRole::Client => Connection::client(config, *start.seed, now),
            DtlsRole::Server => Connection::server(config, *start.seed, now),
        });
        dtls.set_peer_fingerprints(now, std::mem::take(&mut start.fingerprints));
        *self = Self::Handshake {
            dtls,
            role: start.role,
        };
    }

    /// The DTLS connection, in every state that has one.
    pub(super) fn dtls(&mut self) -> Option<&mut Connection> {
        match self {
            Self::Waiting(_) => None,
            Self::Handshake { dtls, .. } | Self::Open { dtls, .. } => Some(dtls),
            Self::Closed(dtls) => dtls.as_deref_mut(),
        }
    }

    /// Whether it is over, but perhaps for a last alert.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Waiting(_) => None,
            Self::Handshake { dtls, .. } | Self::Open { dtls, .. } => dtls.poll_timeout(),
            Self::Closed(dtls) => dtls.as_ref().and_then(|dtls| dtls.poll_timeout()),
        }
    }

    /// Appends one DTLS datagram.
    pub(super) fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<Range<usize>> {
        self.dtls()?.poll_transmit(out)
    }

    /// Takes up what DTLS has to say. After the end it has nothing to say that matters.
    pub(super) fn poll(&mut self) -> Option<Change> {
        if self.is_closed() {
            return None;
        }
        match self.dtls()?.poll_event()? {
            Event::Connected(connected) => Some(self.open(&connected)),
            Event::Closed(cause) => {
                self.fail();
                Some(Change::Closed(SecureFailure::Dtls(cause)))
            }
            _ => None,
        }
    }

    /// Derives the SRTP contexts (RFC 5764 §4.2): the client's keys protect what the client sends.
    fn open(&mut self, connected: &Connected) -> Change {
        let Self::Handshake { dtls, role } = std::mem::replace(self, Self::Closed(None)) else {
            return Change::Closed(SecureFailure::Keys);
        };
        let Some(profile) = connected.srtp_profile.and_then(Profile::from_dtls_id) else {
            *self = Self::Closed(Some(dtls));
            return Change::Closed(SecureFailure::NoProfile);
        };
        let Some(keys) = export(&dtls, connected, profile) else {
            *self = Self::Closed(Some(dtls));
            return Change::Closed(SecureFailure::Keys);
        };
        let (ours, theirs) = match role {
            DtlsRole::Client => (keys.client, keys.server),
            DtlsRole::Server => (keys.server, keys.client),
        };
        let sender = Box::new(Sender::new(ours));
        let receiver = Box::new(Receiver::new(theirs));
        *self = Self::Open {
            dtls,
            sender,
            receiver,
        };
        Change::Opened(Secured {
            version: connected.version,
            cipher_suite: connected.cipher_suite,
            group: connected.group,
            profile,
        })
    }

    /// Forgets the keys; DTLS stays for its last alert.
    fn fail(&mut self) {
        *self = match std::mem::replace(self, Self::Closed(None)) {
            Self::Waiting(_) => Self::Closed(None),
            Self::Handshake { dtls, .. } | Self::Open { dtls, .. } => Self::Closed(Some(dtls)),
            Self::Closed(dtls) => Self::Closed(dtls),
        };
    }

    /// Ends the session from our side, with close_notify.
    pub(super) fn close(&mut self, now: Instant) {
        if let Some(dtls) = self.dtls() {
            dtls.close(now);
        }
        self.fail();
    }
}

/// Twice the round trip of ICE, so that a healthy path never sees a flight twice.
fn first_timeout(rtt: Duration) -> Duration {
    (rtt * 2).clamp(Duration::from_millis(100), Duration::from_secs(2))
}

fn export(dtls: &Connection, connected: &Connected, profile: Profile) -> Option<ExportedKeys> {
    let mut exported = Zeroizing::new(vec![0; profile.export_len()]);
    let peer = &connected.peer;
    dtls.export_keying_material(peer, SRTP_EXPORTER_LABEL, None, &mut exported)
        .ok()?;
    keys_from_dtls_export(profile, &exported).ok()
}
