//! Why a description cannot be agreed to.

/// Why nothing was agreed. The description itself was well formed.
///
/// All but [`OwnText`](Self::OwnText) are about the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A text of our own, named here, does not fit the grammar of its attribute, or would break its
    /// line. The text itself is not repeated: it may be a secret.
    #[error("our own {0} does not fit into a description")]
    OwnText(&'static str),
    /// Nothing of ours is for the section: we have no stream of its kind that is not in use.
    #[error("no stream of ours is for this media section")]
    NoMedia,
    /// No section is of the kinds that we have, listed here.
    #[error("the description has no {} section", list(.0))]
    NoneOffered(Vec<String>),
    /// The section is not in the BUNDLE of the others, and we have one transport for all; or it is
    /// for a BUNDLE only, and we do none (RFC 9143 §7.3).
    #[error("the media section does not share the transport of the others (a=group:BUNDLE)")]
    NotBundled,
    /// The section uses a transport protocol that cannot be used here.
    #[error("the transport protocol {:?} cannot be used here", short(.0))]
    UnsupportedProtocol(String),
    /// No `a=rtcp-mux`: RTCP on a port of its own is not done towards browsers (RFC 9429 §5.1.1).
    #[error("the peer does not multiplex RTP and RTCP (a=rtcp-mux)")]
    NoRtcpMux,
    /// No `a=fingerprint` with a hash of RFC 8122: the peer could not be authenticated.
    #[error("the peer has no fingerprint (a=fingerprint) with a known hash")]
    NoFingerprint,
    /// `a=ice-ufrag` or `a=ice-pwd` is missing.
    #[error("the peer has no ICE credentials (a=ice-ufrag and a=ice-pwd)")]
    NoIceCredentials,
    /// `a=setup:holdconn`, which RFC 8842 §5.1 forbids.
    #[error("the peer leaves nobody to open the DTLS association (a=setup:holdconn)")]
    NoSetupRole,
    /// Not one crypto suite of `a=crypto` in common.
    #[error("no key (a=crypto) with a common suite")]
    NoCommonSuite,
    /// Not one codec in common.
    #[error("no common codec: offered {}, supported {}", list(offered), list(ours))]
    NoCommonCodec {
        /// What the peer has, as `name/clock rate/channels`.
        offered: Vec<String>,
        /// What we have, as `name/clock rate/channels`.
        ours: Vec<String>,
    },
    /// The peer rejects the section with port 0.
    #[error("the peer rejected the media section (port 0)")]
    Rejected,
    /// Sections of a fragment that share a transport have different ICE credentials.
    #[error("the fragment has different ICE credentials for one transport")]
    ManyCredentials,
    /// An answer came, but we have no offer that waits for one.
    #[error("there is no offer of ours to be answered")]
    NotOffered,
    /// The answer does not have the sections of the offer, in number, kind or name (RFC 3264 §6).
    #[error("the answer's {answered} media sections are not the {offered} that were offered")]
    SectionsDiffer {
        /// Sections of the offer.
        offered: usize,
        /// Sections of the answer.
        answered: usize,
    },
    /// No `c=` says where media goes.
    #[error("the description has no address for its media (c=)")]
    NoAddress,
    /// The address is a domain name; resolving names is not done here.
    #[error("the address {:?} is not an IP address", short(.0))]
    AddressIsAName(String),
    /// The address is of another family than ours, and cannot be reached from it.
    #[error("the media is at {0}, which cannot be reached from our address")]
    OtherFamily(std::net::IpAddr),
}

/// Names that a list shows at most: a description may hold thousands.
const NAMES: usize = 12;

/// Characters that are shown of a text at most.
const SHOWN: usize = 40;

fn short(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut shown: Vec<_> = names.iter().take(NAMES).map(|name| short(name)).collect();
    let rest = names.len().saturating_sub(NAMES);
    if rest > 0 {
        shown.push(format!("{rest} more"));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_by_people_however_much_was_offered() {
        let offered = (0..100)
            .map(|n| format!("{}/{n}", "x".repeat(50)))
            .collect();
        let ours = vec!["PCMU/8000".to_owned()];
        let text = Refusal::NoCommonCodec { offered, ours }.to_string();
        assert!(
            text.len() < 600 && text.ends_with("88 more, supported PCMU/8000"),
            "{text}"
        );
        assert!(Refusal::AddressIsAName("é".repeat(5000)).to_string().len() < 200);
        assert!(
            Refusal::UnsupportedProtocol("x".repeat(5000))
                .to_string()
                .len()
                < 200
        );
    }
}
