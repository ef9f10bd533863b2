//! The audio codecs the gateway passes through.

use std::fmt;
use std::str::FromStr;

/// An audio codec, by its SDP name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// Opus (RFC 7587), its packets unchanged.
    Opus,
}

impl Codec {
    /// All of them, in the order of the defaults.
    pub const ALL: [Self; 3] = [Self::Pcmu, Self::Pcma, Self::Opus];

    /// As SDP describes it.
    #[must_use]
    pub fn to_sdp(self) -> sdp::negotiate::Codec {
        match self {
            Self::Pcmu => sdp::negotiate::Codec::PCMU,
            Self::Pcma => sdp::negotiate::Codec::PCMA,
            Self::Opus => sdp::negotiate::Codec::OPUS,
        }
    }

    /// The name in SDP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::Opus => "opus",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No codec of that name passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such codec; there are PCMU, PCMA and opus")]
pub struct UnknownCodec;

impl FromStr for Codec {
    type Err = UnknownCodec;

    /// Codec names do not distinguish case (RFC 8866 §6.6).
    fn from_str(text: &str) -> Result<Self, UnknownCodec> {
        let named = |codec: &Self| codec.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or(UnknownCodec)
    }
}
