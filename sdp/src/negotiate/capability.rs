//! What we can do now: the streams, most wanted first.

use std::borrow::Cow;
use std::time::Duration;

use crate::attribute::Direction;
use crate::negotiate::{Codec, LocalTransport};

/// What we can do now.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Our streams, most wanted first. In a later offer or answer of the same session each stands
    /// at the same place of this list; one that is gone is [`Stream::stopped`].
    pub streams: Vec<Stream>,
    /// Whether all streams use the transport of the first one (BUNDLE, RFC 9143). One that has
    /// another transport keeps it where the peer does not bundle it.
    pub bundle: bool,
}

impl Capabilities {
    /// One stream, on a transport of its own.
    #[must_use]
    pub fn one(stream: Stream) -> Self {
        Self {
            streams: vec![stream],
            bundle: false,
        }
    }

    /// Streams that share the transport of the first one.
    #[must_use]
    pub fn bundled(streams: Vec<Stream>) -> Self {
        Self {
            streams,
            bundle: true,
        }
    }

    /// Streams of which each has a transport of its own.
    #[must_use]
    pub fn apart(streams: Vec<Stream>) -> Self {
        Self {
            streams,
            bundle: false,
        }
    }

    /// The transport of a stream in an offer, or where it shares that of the others.
    pub(super) fn transport(&self, stream: usize) -> Option<&LocalTransport> {
        self.own_transport(if self.bundle { 0 } else { stream })
    }

    /// The transport of a stream that stands outside of the BUNDLE.
    pub(super) fn own_transport(&self, stream: usize) -> Option<&LocalTransport> {
        self.streams.get(stream).map(|stream| &stream.transport)
    }

    /// Whether a stream has a transport that is not the shared one.
    pub(super) fn has_own_transport(&self, stream: usize) -> bool {
        let place = |index| {
            let transport = self.own_transport(index)?;
            let ufrag = transport.ice.as_ref().map(|ice| &ice.credentials.ufrag);
            Some((transport.rtp, ufrag))
        };
        place(stream) != place(0)
    }
}

/// One stream of ours.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stream {
    /// What it carries.
    pub content: Content,
    /// Which way we let it flow. [`Direction::Sendonly`] puts the peer on hold (RFC 3264 §8.4).
    pub direction: Direction,
    /// Where it goes, and how it is protected.
    pub transport: LocalTransport,
    /// The name of its section where we offer it. Without one it has a name only in a BUNDLE.
    pub mid: Option<String>,
    /// Whether it is not used any more: offered with port 0, and rejected in answers.
    pub stopped: bool,
}

impl Stream {
    /// A stream of RTP, both ways.
    #[must_use]
    pub fn rtp(content: Rtp, transport: LocalTransport) -> Self {
        Self::new(Content::Rtp(content), transport)
    }

    /// Audio, both ways, with keys (`telephone-event`).
    #[must_use]
    pub fn audio(codecs: Vec<Codec>, transport: LocalTransport) -> Self {
        Self::rtp(Rtp::audio(codecs), transport)
    }

    /// Data channels (RFC 8841).
    #[must_use]
    pub fn data(content: DataChannel, transport: LocalTransport) -> Self {
        Self::new(Content::Data(content), transport)
    }

    fn new(content: Content, transport: LocalTransport) -> Self {
        Self {
            content,
            direction: Direction::Sendrecv,
            transport,
            mid: None,
            stopped: false,
        }
    }
}

/// What a stream carries.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Content {
    /// Audio or video over RTP.
    Rtp(Rtp),
    /// Data channels over SCTP inside DTLS.
    Data(DataChannel),
}

impl Content {
    /// The kind of its media sections.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Rtp(rtp) => &rtp.kind,
            Self::Data(_) => "application",
        }
    }
}

/// Audio or video over RTP.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rtp {
    /// `audio`, `video` or another kind of `m=`.
    pub kind: Cow<'static, str>,
    /// Our codecs, most wanted first.
    pub codecs: Vec<Codec>,
    /// How many of the common codecs an answer of ours takes.
    pub selection: Selection,
    /// Whether to agree to `telephone-event` (RFC 4733).
    pub telephone_event: bool,
    /// Whether to agree to comfort noise (RFC 3389).
    pub comfort_noise: bool,
    /// What both sides should put into one packet, unless the peer asks for another time.
    pub packet_time: Option<Duration>,
    /// Whether our offers use the profiles with early feedback, as browsers do (RFC 4585).
    pub feedback: bool,
    /// How what we send is named.
    pub source: Option<Source>,
}

impl Rtp {
    /// Audio with keys.
    #[must_use]
    pub fn audio(codecs: Vec<Codec>) -> Self {
        Self {
            telephone_event: true,
            ..Self::of("audio", codecs)
        }
    }

    /// Video.
    #[must_use]
    pub fn video(codecs: Vec<Codec>) -> Self {
        Self::of("video", codecs)
    }

    /// Media of another kind.
    #[must_use]
    pub fn of(kind: impl Into<Cow<'static, str>>, codecs: Vec<Codec>) -> Self {
        Self {
            kind: kind.into(),
            codecs,
            selection: Selection::First,
            telephone_event: false,
            comfort_noise: false,
            packet_time: None,
            feedback: false,
            source: None,
        }
    }
}

/// How many of the common codecs an answer of ours takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Selection {
    /// The first of ours that the peer has: it will not change while media flows.
    #[default]
    First,
    /// Every one, in our order: the peer may change between them at any time (RFC 3264 §6.1).
    All,
}

/// How what we send is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The media stream of `a=msid`, 1 to 64 token characters.
    pub stream: String,
    /// The track of `a=msid`, 1 to 64 token characters.
    pub track: String,
    /// The source of the packets that we send.
    pub ssrc: u32,
    /// The canonical name of the source in RTCP.
    pub cname: String,
}

/// Data channels over SCTP inside DTLS (RFC 8841).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataChannel {
    /// Our port of SCTP.
    pub port: u16,
    /// The largest message that we take, in bytes; 0 for any.
    pub max_message_size: u64,
}
