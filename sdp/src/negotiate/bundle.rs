//! Groups of sections that share a transport (BUNDLE, RFC 9143).

use crate::attribute::{BundleOnly, IceLite, Mid};
use crate::description::Description;
use crate::media::Media;
use crate::negotiate::Capabilities;

/// Writes the group of all offered sections that are not rejected; the first one is the tagged.
pub(super) fn write_group(description: &mut Description<'static>, sections: &[Media<'_>]) {
    let offered = |media: &&Media<'_>| media.port() != 0 || media.has::<BundleOnly>();
    let mids = sections
        .iter()
        .filter(offered)
        .filter_map(|media| media.find::<Mid>());
    write(description, mids.map(|mid| mid.tag));
}

/// Writes a group of these sections, unless there are none.
pub(super) fn write<'m>(
    description: &mut Description<'static>,
    mids: impl Iterator<Item = &'m str>,
) {
    let mids: Vec<_> = mids.collect();
    if !mids.is_empty() {
        let list = mids.join(" ");
        description
            .session_mut()
            .push_text(format_args!("group:BUNDLE {list}"));
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
