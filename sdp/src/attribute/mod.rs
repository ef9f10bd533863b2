//! The attributes (`a=`) that have a type, and [`Attribute`] over all of them.
//!
//! [`Section::find`](crate::Section::find) and [`Section::all`](crate::Section::all) read them,
//! [`Section::push`](crate::Section::push) writes one. Any other attribute stays text, as [`Raw`].

// Another attribute takes a file and one line in the registration at the end of this file.

mod lookup;

use std::fmt;

pub use source_filter::FilterMode;

use self::lookup::Table;
use crate::grammar::{self, Invalid};
use crate::options::Leniency;

/// An attribute as text: `a=<name>` or `a=<name>:<value>` (RFC 8866 §5.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The name; upper and lower case differ.
    pub name: &'a str,
    /// What follows the colon. `None` is a property attribute.
    pub value: Option<&'a str>,
}

impl<'a> Raw<'a> {
    pub(crate) fn split(text: &'a str) -> Self {
        // Names are short: one byte after the other is the fastest way.
        let colon = text.bytes().position(|byte| byte == b':');
        match colon.and_then(|colon| text.split_at_checked(colon)) {
            Some((name, value)) => Self {
                name,
                value: value.get(1..),
            },
            None => Self {
                name: text,
                value: None,
            },
        }
    }

    /// Reads the whole value with `parser`.
    fn read<P>(self, parser: P) -> Result<P::Output, Invalid>
    where
        P: nom::Parser<&'a str, Error = Invalid>,
    {
        match self.value {
            Some(value) => grammar::whole(value, parser),
            None => Err(Invalid::new("", "a colon and a value")),
        }
    }

    /// Reads a property attribute, which has no value.
    fn read_property(self) -> Result<(), Invalid> {
        match self.value {
            None => Ok(()),
            Some(value) => Err(Invalid {
                left: value.len() + 1,
                expected: "the end of the line",
            }),
        }
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{}:{value}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// Where an attribute may stand, and what the session level means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Above the media sections only.
    Session,
    /// In media sections only.
    Media,
    /// At both; the session's value holds for every section without its own.
    Inherited,
}

/// What lenient reading does with a value that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unreadable {
    /// The description is refused: to guess would negotiate something else.
    Refuse,
    /// The attribute counts as an unknown one.
    Ignore,
    /// Refused, except for one known slip. A value with the slip is forgiven even if it can be
    /// read, not more.
    RefuseUnless(Leniency, fn(&str) -> bool),
}

/// What reading a description does with an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) level: Level,
    pub(crate) unreadable: Unreadable,
}

/// What the registration says of an attribute.
pub trait Registered {
    /// The names; several only for the directions.
    const NAMES: &'static [&'static str];
    /// Where it may stand.
    const LEVEL: Level;
}

/// An attribute with a type. `Display` writes what follows `a=`.
pub trait Typed<'a>: Registered + Sized + fmt::Display {
    /// Reads the attribute.
    ///
    /// # Errors
    /// When the value does not fit the grammar of the attribute's RFC.
    fn read(raw: Raw<'a>) -> Result<Self, Invalid>;
}

/// Defines a property attribute: one that has a name and no value.
macro_rules! property {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $type;

        impl<'a> crate::attribute::Typed<'a> for $type {
            fn read(raw: crate::attribute::Raw<'a>) -> Result<Self, crate::grammar::Invalid> {
                raw.read_property().map(|()| Self)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let [name] = <Self as crate::attribute::Registered>::NAMES else { return Ok(()) };
                f.write_str(name)
            }
        }
    };
}

macro_rules! attributes {
    ($($file:ident::$type:ident $(<$life:lifetime>)? = $($name:literal)|+, $level:ident,
       $unreadable:expr;)*) => {
        $(mod $file;)*
        $(pub use $file::$type;)*

        /// An attribute as its type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Attribute<'a> {
            $(#[doc = concat!($("`a=", $name, "` "),+)] $type($type $(<$life>)?),)*
            /// One that has no type here, or that cannot be read as its type.
            Unknown(Raw<'a>),
        }

        impl<'a> Attribute<'a> {
            /// Reads an attribute; what cannot be read stays text.
            #[must_use]
            pub fn read(raw: Raw<'a>) -> Self {
                match read(raw) {
                    Some((_, Ok(attribute))) => attribute,
                    _ => Self::Unknown(raw),
                }
            }
        }

        impl fmt::Display for Attribute<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$type(attribute) => attribute.fmt(f),)*
                    Self::Unknown(raw) => raw.fmt(f),
                }
            }
        }

        /// The names of all attributes that have a type.
        pub const NAMES: &[&str] = &[$($($name),+),*];

        $(impl<'a> Registered for $type $(<$life>)? {
            const NAMES: &'static [&'static str] = &[$($name),+];
            const LEVEL: Level = Level::$level;
        })*

        /// Which type a name stands for.
        #[derive(Clone, Copy)]
        enum Kind {
            $($type,)*
        }

        static KINDS: Table<Kind> = Table::new(&[$($(($name, Kind::$type)),+),*]);

        /// Reads a known attribute, and says what holds for it. `None` for an unknown one.
        pub(crate) fn read(raw: Raw<'_>) -> Option<(Rule, Result<Attribute<'_>, Invalid>)> {
            Some(match KINDS.find(raw.name)? {
                $(Kind::$type => {
                    let rule = Rule { level: Level::$level, unreadable: $unreadable };
                    (rule, $type::read(raw).map(Attribute::$type))
                })*
            })
        }
    };
}

use Leniency::{RtpmapWithoutClockRate, SetupCase, SpaceBeforeFingerprint};
use Unreadable::{Ignore, Refuse, RefuseUnless};

attributes! {
    bundle_only::BundleOnly = "bundle-only", Media, Ignore;
    candidate::Candidate<'a> = "candidate", Media, Ignore;
    content::Content<'a> = "content", Media, Ignore;
    crypto::Crypto<'a> = "crypto", Media, Ignore;
    direction::Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive", Inherited, Ignore;
    end_of_candidates::EndOfCandidates = "end-of-candidates", Inherited, Ignore;
    extmap::Extmap<'a> = "extmap", Inherited, Refuse;
    extmap_allow_mixed::ExtmapAllowMixed = "extmap-allow-mixed", Inherited, Ignore;
    fingerprint::Fingerprint<'a> = "fingerprint", Inherited,
        RefuseUnless(SpaceBeforeFingerprint, |value| value.starts_with(' '));
    fmtp::Fmtp<'a> = "fmtp", Media, Refuse;
    framerate::Framerate<'a> = "framerate", Media, Ignore;
    group::Group<'a> = "group", Session, Refuse;
    ice_lite::IceLite = "ice-lite", Session, Ignore;
    ice_options::IceOptions<'a> = "ice-options", Inherited, Ignore;
    ice_pwd::IcePwd<'a> = "ice-pwd", Inherited, Refuse;
    ice_ufrag::IceUfrag<'a> = "ice-ufrag", Inherited, Refuse;
    label::Label<'a> = "label", Media, Ignore;
    max_message_size::MaxMessageSize = "max-message-size", Media, Ignore;
    maxptime::Maxptime = "maxptime", Media, Ignore;
    mid::Mid<'a> = "mid", Media, Refuse;
    msid::Msid<'a> = "msid", Media, Ignore;
    ptime::Ptime = "ptime", Media, Ignore;
    rid::Rid<'a> = "rid", Media, Ignore;
    rtcp::Rtcp<'a> = "rtcp", Media, Ignore;
    rtcp_fb::RtcpFb<'a> = "rtcp-fb", Media, Ignore;
    rtcp_mux::RtcpMux = "rtcp-mux", Media, Ignore;
    rtcp_mux_only::RtcpMuxOnly = "rtcp-mux-only", Media, Ignore;
    rtcp_rsize::RtcpRsize = "rtcp-rsize", Media, Ignore;
    rtpmap::Rtpmap<'a> = "rtpmap", Media,
        RefuseUnless(RtpmapWithoutClockRate, |value| !value.contains('/'));
    sctp_port::SctpPort = "sctp-port", Media, Ignore;
    setup::Setup = "setup", Inherited,
        RefuseUnless(SetupCase, |value| value.bytes().any(|byte| byte.is_ascii_uppercase()));
    simulcast::Simulcast<'a> = "simulcast", Media, Ignore;
    source_filter::SourceFilter<'a> = "source-filter", Inherited, Ignore;
    ssrc::Ssrc<'a> = "ssrc", Media, Ignore;
    ssrc_group::SsrcGroup<'a> = "ssrc-group", Media, Ignore;
    tls_id::TlsId<'a> = "tls-id", Inherited, Ignore;
}

/// Whether the attribute's value is a secret, which no error and no `Debug` repeats.
pub(crate) fn is_secret(name: &str) -> bool {
    matches!(name, "ice-pwd" | "crypto")
}
