//! The audio codecs the gateway passes through.

use std::fmt;
use std::str::FromStr;

/// An audio codec, by its SDP name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
}

impl Codec {
    /// All of them, in the order of the defaults.
    pub const ALL: [Self; 1] = [Self::Pcmu];

    /// As SDP describes it.
    #[must_use]
    pub fn to_sdp(self) -> sdp::negotiate::Codec {
        match self {
            Self::Pcmu => sdp::negotiate::Codec::PCMU,
        }
    }

    /// The name in SDP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
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
#[error("no such codec; there is PCMU")]
pub struct UnknownCodec;

impl FromStr for Codec {
    type Err = UnknownCodec;

    /// Codec names do not distinguish case (RFC 8866 §6.6).
    fn from_str(text: &str) -> Result<Self, UnknownCodec> {
        let named = |codec: &Self| codec.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or(UnknownCodec)
    }
}
