//! How to read: which rules may be broken, and how large a description may be.

/// A rule that real peers and the RFCs' own examples break, and that lenient reading forgives.
///
/// This is the whole list. What is not named here refuses the description in both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leniency {
    /// `s=` or another text line with nothing after `=` (RFC 8866 §5.3); printed in RFC 3264.
    EmptyText,
    /// No `s=` line (RFC 8866 §9); printed in RFC 5888.
    MissingSessionName,
    /// The last line does not end with a line end; seen where a SIP body was cut.
    MissingLastLineEnd,
    /// Empty lines after the last line.
    TrailingBlankLines,
    /// Lines of one section in another order than RFC 8866 §9 gives; printed in RFC 3264 §9.
    LineOrder,
    /// A TTL on an IPv4 address that is not multicast (RFC 8866 §5.7); printed in RFC 4568.
    TtlOnUnicast,
    /// A media section with port 0 and no `c=` at either level; printed in RFC 9143.
    RejectedWithoutConnection,
    /// A payload type that is listed twice in `m=`.
    DuplicatePayloadType,
    /// A BUNDLE where no section has a mid: the group is ignored. Sent by Asterisk 16 when its SIP
    /// body is cut.
    GroupWithoutMids,
    /// `a=name:` with nothing after the colon, for an attribute not known here.
    EmptyAttributeValue,
    /// A known attribute at the wrong level, kept as an unknown one.
    AttributeLevel,
    /// A known attribute whose value is unreadable and not needed, kept as an unknown one: the
    /// attributes registered as `Ignore`.
    UnreadableAttribute,
    /// `a=rtpmap` without a clock rate, kept as an unknown attribute; printed in RFC 4475.
    RtpmapWithoutClockRate,
    /// `a=fingerprint` with a space after the colon, kept as an unknown attribute; printed in
    /// RFC 5763.
    SpaceBeforeFingerprint,
    /// `a=setup` with letters in upper case (RFC 4145 §4 writes them in lower case).
    SetupCase,
    /// A DTLS section without a usable fingerprint, with `holdconn`, or with one half of the ICE
    /// credentials: the offer/answer engine refuses it with the reason.
    UnusableTransport,
    /// `a=simulcast` that names a restriction identifier without `a=rid`.
    UnknownRid,
}

impl Leniency {
    /// Every leniency.
    pub const ALL: [Self; 17] = [
        Self::EmptyText,
        Self::MissingSessionName,
        Self::MissingLastLineEnd,
        Self::TrailingBlankLines,
        Self::LineOrder,
        Self::TtlOnUnicast,
        Self::RejectedWithoutConnection,
        Self::DuplicatePayloadType,
        Self::GroupWithoutMids,
        Self::EmptyAttributeValue,
        Self::AttributeLevel,
        Self::UnreadableAttribute,
        Self::RtpmapWithoutClockRate,
        Self::SpaceBeforeFingerprint,
        Self::SetupCase,
        Self::UnusableTransport,
        Self::UnknownRid,
    ];
}

/// Whether broken rules are forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Refuses what RFC 8866 and JSEP (RFC 9429 §5.8) refuse. LF line ends are taken, as
    /// RFC 8866 §5 asks.
    Strict,
    /// Forgives what [`Leniency`] lists.
    #[default]
    Lenient,
}

impl Mode {
    /// Whether this mode forgives `rule`. Every forgiven rule of the reader passes here by name.
    pub(crate) fn forgives(self, rule: Leniency) -> bool {
        match self {
            Self::Strict => false,
            Self::Lenient => Leniency::ALL.contains(&rule),
        }
    }
}

/// How large a description may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole text.
    pub bytes: usize,
    /// Lines of the whole text.
    pub lines: usize,
    /// Media sections.
    pub media: usize,
}

impl Default for Limits {
    /// 64 KiB, 4096 lines, 128 media sections: ten times what a browser sends.
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            lines: 4096,
            media: 128,
        }
    }
}

/// How to read a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether broken rules are forgiven.
    pub mode: Mode,
    /// How large a description may be.
    pub limits: Limits,
}
