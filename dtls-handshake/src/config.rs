//! What a connection is told beforehand.

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::{GROUPS, SigningKey};
use crate::error::{CloseCause, Parameter};
use crate::event::Version;
use crate::identity::Identity;
use crate::peer::PeerVerifier;
use crate::suite::Suite;
use crate::wire::{AlertDescription, CipherSuite, Group};

/// The smallest datagram every network carries, less what tunnels take: smaller is not useful.
const MIN_MTU: usize = 256;
/// The largest payload of UDP over IPv4.
const MAX_MTU: usize = 65_507;
/// More profiles for SRTP than are registered.
const MAX_SRTP_PROFILES: usize = 64;
/// What the length of an identifier can count.
const MAX_SRTP_MKI: usize = 255;
pub(crate) const MIN_TIMEOUT: Duration = Duration::from_millis(1);
/// Longer than anybody waits, short enough to add to any time.
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// What a server wants to see of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// A certificate, as WebRTC does (RFC 8827 §6.5). Who has none is refused.
    #[default]
    Required,
    /// A certificate of those who have one, which is judged as if it were required. Who has none is
    /// accepted, unless fingerprints were announced.
    Optional,
    /// Nothing: whoever speaks to it is accepted, unless fingerprints were announced.
    NotRequested,
}

/// The settings of a connection. Put into an [`Arc`] once and used for many.
#[derive(Debug, Clone)]
pub struct Config {
    /// `None`: a client that shows no certificate.
    pub(crate) identity: Option<Identity>,
    pub(crate) client_certificates: ClientCertificates,
    pub(crate) suites: Vec<Suite>,
    pub(crate) srtp_profiles: Vec<u16>,
    pub(crate) srtp_mki: Vec<u8>,
    pub(crate) takes_srtp_mki: bool,
    pub(crate) connection_id_length: Option<u8>,
    versions: Vec<Version>,
    /// Known ones only, at least one.
    pub(crate) groups: Vec<Group>,
    pub(crate) mtu: usize,
    pub(crate) initial_timeout: Duration,
    pub(crate) maximum_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
    pub(crate) peer_verifier: Option<PeerVerifier>,
    pub(crate) key_log: Option<KeyLog>,
}

impl Config {
    /// DTLS 1.3 and 1.2, all cipher suites and groups, no use_srtp, datagrams of up to 1200 bytes,
    /// retransmission after 400 ms (RFC 9147 §5.8.2
    /// for real-time media), then doubling up to 3.2 s, 30 s for the whole handshake, no key log.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self::of(Some(identity))
    }

    /// As [`new`](Self::new), for a client that shows no certificate to a server that asks for one.
    /// A server with it accepts nobody: it ends with
    /// [`NothingInCommon`](crate::CloseCause::NothingInCommon).
    #[must_use]
    pub fn without_certificate() -> Self {
        Self::of(None)
    }

    fn of(identity: Option<Identity>) -> Self {
        Self {
            identity,
            client_certificates: ClientCertificates::Required,
            suites: Suite::ALL.to_vec(),
            srtp_profiles: Vec::new(),
            srtp_mki: Vec::new(),
            takes_srtp_mki: false,
            connection_id_length: None,
            versions: vec![Version::Dtls12, Version::Dtls13],
            groups: GROUPS.to_vec(),
            mtu: 1200,
            initial_timeout: Duration::from_millis(400),
            maximum_timeout: Duration::from_millis(3200),
            handshake_timeout: Duration::from_secs(30),
            peer_verifier: None,
            key_log: None,
        }
    }

    /// As server: whether clients are asked for a certificate, and may have none.
    #[must_use]
    pub fn with_client_certificates(mut self, wanted: ClientCertificates) -> Self {
        self.client_certificates = wanted;
        self
    }

    /// The cipher suites that are offered or accepted, the preferred first: of both sides' common
    /// ones a server takes the first in its own list. Repetitions and unknown numbers are left
    /// out. A version for which none remains is not spoken; where none remains at all, the end of
    /// a connection is [`NothingInCommon`](crate::CloseCause::NothingInCommon).
    #[must_use]
    pub fn with_cipher_suites(mut self, suites: &[CipherSuite]) -> Self {
        self.suites.clear();
        for suite in suites.iter().copied().filter_map(Suite::by_id) {
            if !self.suites.iter().any(|known| known.id == suite.id) {
                self.suites.push(suite);
            }
        }
        self
    }

    /// Our key; [`NothingInCommon`](CloseCause::NothingInCommon) where there is none.
    pub(crate) fn key(&self) -> Result<&SigningKey, CloseCause> {
        let identity = self.identity.as_ref();
        identity
            .map(Identity::key)
            .ok_or(CloseCause::NothingInCommon(Parameter::SignatureScheme))
    }

    /// The suites of one version, the preferred first.
    pub(crate) fn suites_of(&self, version: Version) -> impl Iterator<Item = Suite> {
        let suites = self.suites.iter().copied();
        suites.filter(move |suite| suite.version == version)
    }

    /// The protection profiles for SRTP that are offered or accepted, the preferred first, by
    /// their registered numbers (RFC 5764 §4.1.2). Repetitions, and what comes after 64 numbers,
    /// are left out.
    #[must_use]
    pub fn with_srtp_profiles(mut self, profiles: &[u16]) -> Self {
        self.srtp_profiles.clear();
        for profile in profiles.iter().take(MAX_SRTP_PROFILES) {
            if !self.srtp_profiles.contains(profile) {
                self.srtp_profiles.push(*profile);
            }
        }
        self
    }

    /// As client: the master key identifier to offer for packets of SRTP, at most 255 bytes; what
    /// is longer is cut there. Without profiles it has no effect. Whether the server takes it is in
    /// [`Connected::srtp_mki`](crate::Connected::srtp_mki) (RFC 5764 §4.1.3).
    #[must_use]
    pub fn with_srtp_mki(mut self, mki: &[u8]) -> Self {
        let length = mki.len().min(MAX_SRTP_MKI);
        self.srtp_mki = mki.get(..length).unwrap_or_default().to_vec();
        self
    }

    /// As server: takes the master key identifier that a client offers. Without this there is
    /// none, for owners whose packets of SRTP have no room for it.
    #[must_use]
    pub fn with_peer_srtp_mki(mut self) -> Self {
        self.takes_srtp_mki = true;
        self
    }

    /// Speaks of connection IDs (RFC 9146, RFC 9147 §9): the peer puts one of this length into what
    /// it sends, chosen at random for each connection
    /// ([`Connection::connection_id`](crate::Connection::connection_id)), so that it is found when
    /// the peer's address changes. With 0 it puts in none, and this side puts in the peer's.
    #[must_use]
    pub fn with_connection_id_length(mut self, length: u8) -> Self {
        self.connection_id_length = Some(length);
        self
    }

    /// The versions that are spoken; the latest in common is. With an empty list nothing changes.
    #[must_use]
    pub fn with_versions(mut self, versions: &[Version]) -> Self {
        if !versions.is_empty() {
            self.versions = versions.to_vec();
        }
        self
    }

    /// The groups for the key exchange, the preferred first. Those that this crate does not know
    /// are left out; when none remains nothing changes. With the hybrid group alone DTLS 1.2 is not
    /// spoken. In DTLS 1.2 the list of the client also says which curves a server's certificate
    /// may be on (RFC 8422 §5.1): it should have P-256.
    ///
    /// A client sends a share of the first, and where that is the hybrid one of the first other as
    /// well. A server takes the first of its own that there is a share of.
    #[must_use]
    pub fn with_groups(mut self, groups: &[Group]) -> Self {
        let mut known = Vec::new();
        for group in groups {
            if GROUPS.contains(group) && !known.contains(group) {
                known.push(*group);
            }
        }
        if !known.is_empty() {
            self.groups = known;
        }
        self
    }

    /// The groups of one version, the preferred first.
    pub(crate) fn groups_of(&self, version: Version) -> impl Iterator<Item = Group> {
        let groups = self.groups.iter().copied();
        groups.filter(move |group| version == Version::Dtls13 || !group.is_hybrid())
    }

    /// Whether there is any version with a suite and a group.
    pub(crate) fn speaks_any(&self) -> bool {
        self.versions.iter().any(|version| self.speaks(*version))
    }

    pub(crate) fn speaks(&self, version: Version) -> bool {
        self.versions.contains(&version)
            && self.suites_of(version).next().is_some()
            && self.groups_of(version).next().is_some()
    }

    /// The longest datagram to send, in bytes of UDP payload: 256 to 65507, what is outside is
    /// taken as the nearest. After three unanswered flights datagrams of 512 bytes are tried
    /// (RFC 6347 §4.1.1.1).
    #[must_use]
    pub fn with_mtu(mut self, mtu: usize) -> Self {
        self.mtu = Self::clamp_mtu(mtu);
        self
    }

    pub(crate) fn clamp_mtu(mtu: usize) -> usize {
        mtu.clamp(MIN_MTU, MAX_MTU)
    }

    /// When an unanswered flight is sent again for the first time: 1 ms to a day, as all times
    /// here; what is outside is taken as the nearest. It doubles with each time.
    #[must_use]
    pub fn with_initial_timeout(mut self, timeout: Duration) -> Self {
        self.initial_timeout = timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
        self
    }

    /// The bound of that doubling.
    #[must_use]
    pub fn with_maximum_timeout(mut self, timeout: Duration) -> Self {
        self.maximum_timeout = timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
        self
    }

    /// How long the handshake may take, from making the connection to `Connected`; in DTLS 1.3 to
    /// the acknowledgement of the last flight, and each change of keys has as long again.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
        self
    }

    /// Judges the peer's certificates in place of fingerprints, or beside them: where both are
    /// given, both have to agree. With a verifier `Connected` does not wait for fingerprints.
    ///
    /// `verify` is given the chain that the peer sent, in DER, its own certificate first, at most
    /// 16 of them, in the middle of the handshake: that the peer has the key is known only when
    /// `Connected` comes. The alert that it refuses with is what the peer is told.
    #[must_use]
    pub fn with_peer_verifier(
        mut self,
        verify: impl Fn(&[&[u8]]) -> Result<(), AlertDescription> + Send + Sync + 'static,
    ) -> Self {
        self.peer_verifier = Some(PeerVerifier::new(verify));
        self
    }

    /// A hook that is given each line of a key log in the format of NSS, for debugging with
    /// packet captures. Whoever has these lines can read the traffic.
    #[must_use]
    pub fn with_key_log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.key_log = Some(KeyLog(Arc::new(log)));
        self
    }
}

/// Where key log lines go.
#[derive(Clone)]
pub(crate) struct KeyLog(Arc<dyn Fn(&str) + Send + Sync>);

impl KeyLog {
    pub(crate) fn write(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLog")
    }
}
