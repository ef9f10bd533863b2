//! Chosen elements (RFC 6904): the data of an element is added to the key stream at its place.
//!
//! The key stream runs over the whole extension behind profile and length; ids, lengths, padding
//! and readable elements use it up unseen (RFC 6904 §3). Hiding twice is undoing it: what it
//! reads to find the elements, it does not change.

use core::ops::Range;

use super::ExtensionIds;
use crate::header::{EXTENSION_WORD_LEN, RtpHeader};
use crate::key::MasterKey;
use crate::transform::PacketId;

/// The two kinds of extension of RFC 8285: how an element begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// 4 bits of id, 4 bits of length less one (RFC 8285 §4.2).
    OneByte,
    /// A byte of id, a byte of length (RFC 8285 §4.3).
    TwoByte,
}

/// One element of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    id: u8,
    /// Where its data stands behind profile and length.
    data: Range<usize>,
}

impl Form {
    const fn of(profile: u16) -> Option<Self> {
        match profile {
            0xbede => Some(Self::OneByte),
            // The low 4 bits are the application's (RFC 8285 §4.3).
            0x1000..=0x100f => Some(Self::TwoByte),
            _ => None,
        }
    }

    /// The element that begins at or, over padding, behind `at`; `None` behind the last one.
    fn element(self, extension: &[u8], at: usize) -> Option<Element> {
        let padding = extension.get(at..)?.iter().take_while(|&&byte| byte == 0);
        let at = at + padding.count();
        let first = *extension.get(at)?;
        let (id, data_at, len) = match self {
            Self::OneByte => (first >> 4, at + 1, usize::from(first & 0x0f) + 1),
            Self::TwoByte => (first, at + 2, usize::from(*extension.get(at + 1)?)),
        };
        // The id 0 with a length ends an extension (RFC 8285 §4.1.2), and so does 15 (§4.2).
        if self == Self::OneByte && matches!(id, 0 | 15) {
            return None;
        }
        let data = data_at..data_at + len;
        (data.end <= extension.len()).then_some(Element { id, data })
    }
}

/// Hides the data of the elements with `ids`, or shows it again.
#[inline(never)]
pub(super) fn hide(key: &MasterKey, packet: &mut [u8], id: PacketId, ids: &ExtensionIds) {
    let (Ok(header), Some(stream)) = (RtpHeader::parse(packet), &key.header_extension) else {
        return;
    };
    let Some(form) = header.extension_profile(packet).and_then(Form::of) else {
        return;
    };
    let extension = packet.get_mut(header.csrcs_end() + EXTENSION_WORD_LEN..header.len);
    let extension = extension.unwrap_or_default();
    let mut at = 0;
    while let Some(element) = form.element(extension, at) {
        at = element.data.end;
        if ids.contains(element.id) {
            let offset = element.data.start;
            let data = extension.get_mut(element.data).unwrap_or_default();
            stream.apply_at(id, offset, data);
        }
    }
}
