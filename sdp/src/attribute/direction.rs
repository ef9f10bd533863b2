//! `a=sendrecv`, `a=sendonly`, `a=recvonly`, `a=inactive` (RFC 8866 §6.7).

use std::fmt;

use super::{Raw, Typed};
use crate::grammar::Invalid;

/// Which way media flows, seen from the side that wrote the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both ways; assumed where nothing is said.
    #[default]
    Sendrecv,
    /// From the writer only.
    Sendonly,
    /// To the writer only.
    Recvonly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// The direction of one who sends and receives as stated.
    #[must_use]
    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Sendrecv,
            (true, false) => Self::Sendonly,
            (false, true) => Self::Recvonly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }

    /// The same, seen from the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What is left of this direction when the other side wants `theirs`, each seen from its own
    /// side: the answer of RFC 3264 §6.1.
    #[must_use]
    pub fn answer(self, theirs: Self) -> Self {
        Self::of(self.sends() && theirs.receives(), self.receives() && theirs.sends())
    }
}

impl<'a> Typed<'a> for Direction {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read_property()?;
        Ok(match raw.name {
            "sendonly" => Self::Sendonly,
            "recvonly" => Self::Recvonly,
            "inactive" => Self::Inactive,
            _ => Self::Sendrecv,
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sendrecv => "sendrecv",
            Self::Sendonly => "sendonly",
            Self::Recvonly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Inactive, Recvonly, Sendonly, Sendrecv};

    #[test]
    fn answers_as_rfc_3264_says() {
        assert_eq!(Sendrecv.answer(Sendonly), Recvonly);
        assert_eq!(Sendrecv.answer(Recvonly), Sendonly);
        assert_eq!(Sendrecv.answer(Inactive), Inactive);
        assert_eq!(Sendonly.answer(Sendonly), Inactive);
        assert_eq!(Sendonly.answer(Sendrecv), Sendonly);
    }
}
