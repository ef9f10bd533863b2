//! What was agreed.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::attribute::Direction;
use crate::negotiate::{Codec, Credentials, DtlsRole, Refusal};

/// What both sides have agreed to, section by section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// The media sections in their order: what was agreed, or why the section is rejected.
    pub sections: Vec<Result<Agreed, Refusal>>,
}

impl Agreement {
    /// The sections that were not rejected.
    pub fn accepted(&self) -> impl Iterator<Item = &Agreed> {
        self.sections
            .iter()
            .filter_map(|section| section.as_ref().ok())
    }

    /// What was agreed for a stream of [`Capabilities::streams`](super::Capabilities::streams).
    #[must_use]
    pub fn stream(&self, stream: usize) -> Option<&Agreed> {
        self.accepted().find(|agreed| agreed.stream == stream)
    }
}

/// What was agreed for one media section.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// The section's place among the media sections.
    pub section: usize,
    /// Our stream's place in [`Capabilities::streams`](super::Capabilities::streams).
    pub stream: usize,
    /// The name of the section.
    pub mid: Option<String>,
    /// Which way media flows, seen from us.
    pub direction: Direction,
    /// What it carries.
    pub content: AgreedContent,
    /// Where what we send goes.
    pub destination: Destination,
    /// The section whose transport it uses: in a BUNDLE the first one, otherwise itself.
    pub transport: usize,
    /// Whether RTCP shares the port of RTP.
    pub rtcp_mux: bool,
    /// The peer's side of ICE.
    pub ice: Option<RemoteIce>,
    /// How it is protected.
    pub keys: Keys,
    /// The sources that the peer names.
    pub ssrcs: Vec<u32>,
}

impl Agreed {
    /// The formats of RTP, if it carries RTP.
    #[must_use]
    pub fn formats(&self) -> Option<&Formats> {
        match &self.content {
            AgreedContent::Rtp(formats) => Some(formats),
            AgreedContent::Data(_) => None,
        }
    }
}

/// What an agreed section carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgreedContent {
    /// RTP in these formats.
    Rtp(Formats),
    /// Data channels; this is the peer's side.
    Data(super::DataChannel),
}

/// The formats of RTP that were agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats {
    /// The most wanted codec.
    pub codec: AgreedCodec,
    /// Others that the peer may change to at any time.
    pub alternatives: Vec<AgreedCodec>,
    /// The keys of the keypad.
    pub telephone_event: Option<TelephoneEvent>,
    /// The numbers of comfort noise (RFC 3389), which stands beside codecs of 8000 Hz.
    pub comfort_noise: Option<PayloadTypes>,
    /// How much media the peer wants in a packet that we send.
    pub packet_time: Option<Duration>,
}

/// A codec that was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedCodec {
    /// The codec, one of ours.
    pub codec: Codec,
    /// Its numbers.
    pub payload_types: PayloadTypes,
    /// The peer's `a=fmtp` for it: what the peer can receive.
    pub remote_parameters: Option<String>,
}

/// The numbers of one format. They differ only if the answerer chose its own (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadTypes {
    /// In packets that we send: the peer's number.
    pub send: u8,
    /// In packets that we receive: our number.
    pub receive: u8,
}

/// What was agreed for `telephone-event` (RFC 4733).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Its numbers.
    pub payload_types: PayloadTypes,
    /// The clock that durations are counted in, in hertz: that of the codec, or 8000 if the peer
    /// has no other.
    pub clock_rate: u32,
}

/// Where what we send goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// Where ICE finds.
    Ice,
    /// To these addresses.
    Address(Addresses),
    /// Nowhere: the peer put us on hold with the address `0.0.0.0` (RFC 3264 §8.4). Before it was
    /// at these addresses, and what it still sends, such as music, comes from there.
    Held(Option<Addresses>),
}

impl Destination {
    /// The addresses of the peer, whether or not it listens there now.
    #[must_use]
    pub fn addresses(&self) -> Option<Addresses> {
        match self {
            Self::Ice => None,
            Self::Address(addresses) => Some(*addresses),
            Self::Held(addresses) => *addresses,
        }
    }
}

/// Addresses of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Addresses {
    /// Where RTP goes.
    pub rtp: SocketAddr,
    /// Where RTCP goes; the same address where it is multiplexed.
    pub rtcp: SocketAddr,
}

/// The peer's side of ICE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteIce {
    /// The peer's credentials.
    pub credentials: Credentials,
    /// Whether the peer is a lite agent.
    pub lite: bool,
    /// The candidates so far: `candidate:1 1 udp ...`.
    pub candidates: Vec<String>,
    /// Whether no more candidates will follow.
    pub end_of_candidates: bool,
}

/// How a section is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keys {
    /// Not at all.
    Plain,
    /// By keys of a DTLS association.
    Dtls(AgreedDtls),
    /// By keys in the descriptions (RFC 4568).
    Sdes(SdesKeys),
}

impl Keys {
    /// The DTLS association, if there is one.
    #[must_use]
    pub fn dtls(&self) -> Option<&AgreedDtls> {
        match self {
            Self::Dtls(dtls) => Some(dtls),
            _ => None,
        }
    }
}

/// A DTLS association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedDtls {
    /// Our role.
    pub role: DtlsRole,
    /// The fingerprints of the peer's certificate whose hash is known: `sha-256 19:E2:...`. One
    /// must match (RFC 8122 §5).
    pub fingerprints: Vec<String>,
    /// The peer's name of the association.
    pub tls_id: Option<String>,
}

/// Keys of both directions. `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct SdesKeys {
    /// The tag that both lines have.
    pub tag: u32,
    /// The crypto suite.
    pub suite: String,
    /// `inline:...`, of what we send. Secret.
    pub send: String,
    /// `inline:...`, of what the peer sends. Secret.
    pub receive: String,
}

impl fmt::Debug for SdesKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, suite, .. } = self;
        f.debug_struct("SdesKeys")
            .field("tag", tag)
            .field("suite", suite)
            .finish_non_exhaustive()
    }
}
