//! Where our media goes, and how it is protected.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::negotiate::Credentials;

/// Where a stream goes, and how it is protected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalTransport {
    /// Where we receive RTP without ICE. Unspecified (`0.0.0.0`) where there is ICE only.
    pub rtp: SocketAddr,
    /// Where we receive RTCP. The same port as RTP multiplexes both where the peer does.
    pub rtcp_port: u16,
    /// Our side of ICE.
    pub ice: Option<LocalIce>,
    /// How media is protected.
    pub keying: Keying,
}

impl LocalTransport {
    /// RTP at `rtp`, RTCP on the next port, nothing protected.
    #[must_use]
    pub fn plain(rtp: SocketAddr) -> Self {
        Self {
            rtp,
            rtcp_port: rtp.port().saturating_add(1),
            ice: None,
            keying: Keying::default(),
        }
    }

    /// ICE and DTLS alone, RTCP multiplexed: what browsers do.
    #[must_use]
    pub fn webrtc(ice: LocalIce, dtls: LocalDtls) -> Self {
        // The addresses are in the candidates; port 9 and 0.0.0.0 say so (RFC 9429 §5.3.1).
        Self {
            rtp: (Ipv4Addr::UNSPECIFIED, 9).into(),
            rtcp_port: 9,
            ice: Some(ice),
            keying: Keying {
                encryption: Encryption::Required,
                dtls: Some(dtls),
                sdes: Vec::new(),
            },
        }
    }

    /// Whether RTCP may share the port of RTP.
    pub(super) fn multiplexes(&self) -> bool {
        self.rtp.port() == self.rtcp_port
    }

    /// Whether there is no way but ICE.
    pub(super) fn needs_ice(&self) -> bool {
        self.ice.is_some() && self.rtp.ip().is_unspecified()
    }

    /// Where we receive.
    pub(super) fn address(&self) -> IpAddr {
        self.rtp.ip()
    }
}

/// Our side of ICE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalIce {
    /// Our credentials. Others than before restart ICE.
    pub credentials: Credentials,
    /// Our candidates in the form of `RTCIceCandidate.candidate`: `candidate:1 1 udp ...`.
    pub candidates: Vec<String>,
    /// Whether no more candidates will follow.
    pub end_of_candidates: bool,
    /// Whether we are a lite agent (RFC 8445 §2.5).
    pub lite: bool,
}

/// How media is protected. By default not at all.
#[derive(Debug, Clone, Default)]
pub struct Keying {
    /// Whether it must be.
    pub encryption: Encryption,
    /// Our side of DTLS, which goes before SDES wherever both can be.
    pub dtls: Option<LocalDtls>,
    /// Our keys for SDES (RFC 4568), the most wanted suite first.
    pub sdes: Vec<LocalKey>,
}

/// Whether media must be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Encryption {
    /// It is not.
    #[default]
    Off,
    /// It is if the peer can: offers of RTP/AVP that carry fingerprints and keys (RFC 8643).
    BestEffort,
    /// It must be: a peer that cannot is refused.
    Required,
}

/// Our side of DTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDtls {
    /// The fingerprints of our certificate, at least one: `sha-256 19:E2:...`.
    pub fingerprints: Vec<String>,
    /// The role we take when an offer leaves the choice. Within a session the role that was agreed
    /// stays (RFC 8842 §5.5).
    pub role: DtlsRole,
    /// Names our DTLS association (RFC 8842 §4); another one begins another association.
    pub tls_id: Option<String>,
}

/// Who opens the DTLS association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DtlsRole {
    /// We open (`a=setup:active`).
    Client,
    /// The peer opens (`a=setup:passive`).
    Server,
}

/// A key of ours for SDES. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalKey {
    /// The crypto suite, such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: String,
    /// `inline:...`. Secret.
    pub key_params: String,
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}
