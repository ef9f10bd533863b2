//! Keys of either version, and the form of records that both have.

use bytes::{BufMut, BytesMut};

use super::header::{RECORD_HEADER_LENGTH, RecordHeader};
use super::{Ciphertext, Protection};
use crate::crypto::Refused;
use crate::wire::{ContentType, DTLS_1_2};

/// The keys of one direction in one epoch.
///
/// On the heap: most epochs live shortly, and lists of them would keep room for each.
#[derive(Debug)]
pub(crate) enum Keys {
    /// Records of DTLS 1.2.
    Protection(Box<Protection>),
    /// Records of DTLS 1.3.
    Ciphertext(Box<Ciphertext>),
}

impl Keys {
    /// From here on each record has this connection ID, unless it is empty.
    pub(super) fn set_connection_id(&mut self, id: &[u8]) {
        match self {
            Self::Protection(keys) => keys.set_connection_id(id),
            Self::Ciphertext(keys) => keys.set_connection_id(id),
        }
    }

    /// What a record adds to its payload, header included, in bytes.
    pub(super) fn overhead(&self) -> usize {
        match self {
            Self::Protection(keys) => RECORD_HEADER_LENGTH + keys.overhead(),
            Self::Ciphertext(keys) => keys.overhead(),
        }
    }
}

impl From<Protection> for Keys {
    fn from(protection: Protection) -> Self {
        Self::Protection(Box::new(protection))
    }
}

impl From<Ciphertext> for Keys {
    fn from(ciphertext: Ciphertext) -> Self {
        Self::Ciphertext(Box::new(ciphertext))
    }
}

/// A record with the header of RFC 6347 §4.1, which unprotected records of DTLS 1.3 have as well.
pub(super) fn write_explicit(
    protection: Option<&Protection>,
    epoch: u64,
    sequence: u64,
    content: ContentType,
    parts: &[&[u8]],
    out: &mut BytesMut,
) -> Result<(), Refused> {
    let header = RecordHeader {
        content: protection.map_or(content, |protection| protection.outer_content(content)),
        version: DTLS_1_2,
        epoch: epoch as u16,
        sequence,
    };
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = length + protection.map_or(0, Protection::expansion);
    out.put_u8(header.content.into());
    out.put_u16(header.version);
    out.put_slice(&header.number());
    out.put_slice(protection.map_or(&[], Protection::connection_id));
    out.put_u16(u16::try_from(length).map_err(|_| Refused)?);
    let start = out.len();
    let Some(protection) = protection else {
        parts.iter().for_each(|part| out.put_slice(part));
        return Ok(());
    };
    out.put_slice(protection.prefix());
    parts.iter().for_each(|part| out.put_slice(part));
    out.extend(protection.suffix(content));
    let payload = out.get_mut(start..).unwrap_or_default();
    let tag = protection.seal(&header, payload)?;
    out.put_slice(tag.as_ref());
    Ok(())
}
