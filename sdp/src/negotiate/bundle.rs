//! Groups of sections that share a transport (BUNDLE, RFC 9143).

use crate::attribute::{BundleOnly, IceLite, Mid};
use crate::description::Description;
use crate::media::Media;
use crate::negotiate::{Capabilities, LocalTransport, keying};

/// Writes the group of all offered sections that are not rejected; the first one is the tagged.
pub(super) fn write_offered(
    description: &mut Description<'static>,
    sections: &[Media<'_>],
    transport: Option<&LocalTransport>,
) {
    let offered = |media: &&Media<'_>| media.port() != 0 || media.has::<BundleOnly>();
    let mids = sections
        .iter()
        .filter(offered)
        .filter_map(|media| media.find::<Mid>());
    write(description, mids.map(|mid| mid.tag), transport);
}

/// Writes a group of these sections, unless there are none, and beside it the fingerprints of their
/// transport. They could stand in the tagged section alone (RFC 9143 §7.1.3), but of one that follows
/// without a fingerprint Chromium believes that it is not protected, and Firefox ends its page.
pub(super) fn write<'m>(
    description: &mut Description<'static>,
    mids: impl Iterator<Item = &'m str>,
    transport: Option<&LocalTransport>,
) {
    let mids: Vec<_> = mids.collect();
    if mids.is_empty() {
        return;
    }
    let (session, list) = (description.session_mut(), mids.join(" "));
    session.push_text(format_args!("group:BUNDLE {list}"));
    if let Some(dtls) = transport.and_then(|transport| transport.keying.dtls.as_ref()) {
        keying::write_fingerprints(session, dtls);
    }
}

/// Says that we are a lite agent, if one of our transports is (RFC 8839 §5.3).
pub(super) fn write_lite(description: &mut Description<'static>, ours: &Capabilities) {
    let ices = ours
        .streams
        .iter()
        .filter_map(|stream| stream.transport.ice.as_ref());
    if ices.into_iter().any(|ice| ice.lite) {
        description.session_mut().push(&IceLite);
    }
}
