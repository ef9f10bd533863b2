//! `a=setup`: who opens the DTLS association (RFC 4145 §4, RFC 8842 §5).

use std::fmt;

use super::{Raw, Typed};
use crate::grammar::{Invalid, rest};

/// `a=setup:<role>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The writer opens: it is the DTLS client.
    Active,
    /// The writer waits: it is the DTLS server.
    Passive,
    /// The writer does either; offers only.
    Actpass,
    /// Nobody opens for now; not allowed with DTLS-SRTP.
    Holdconn,
}

const ROLES: [(&str, Setup); 4] = [
    ("active", Setup::Active),
    ("passive", Setup::Passive),
    ("actpass", Setup::Actpass),
    ("holdconn", Setup::Holdconn),
];

impl<'a> Typed<'a> for Setup {
    fn read(raw: Raw<'a>) -> Result<Self, Invalid> {
        raw.read(|input| {
            let wanted = "active, passive, actpass or holdconn";
            let (left, role) = rest(wanted)(input)?;
            let is = |(name, _): &&(&str, Self)| name.eq_ignore_ascii_case(role);
            match ROLES.iter().find(is) {
                Some((_, role)) => Ok((left, *role)),
                None => Err(nom::Err::Error(Invalid::new(input, wanted))),
            }
        })
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "setup:active",
            Self::Passive => "setup:passive",
            Self::Actpass => "setup:actpass",
            Self::Holdconn => "setup:holdconn",
        })
    }
}
