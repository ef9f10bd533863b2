//! Cryptex (RFC 9335): the whole extension and the CSRC list. The kind of extension tells the
//! receiver that a packet is one of these; under it stands what the extension is otherwise.

use crate::crypto::{Unsealable, WrongTag};
use crate::error::ProtectError;
use crate::header::{EXTENSION_WORD_LEN, RtpHeader};
use crate::transform::{PacketId, Transform};

/// Kinds of extension in the clear and hidden: of one-byte and of two-byte headers (RFC 9335 §5).
const PROFILES: [(u16, u16); 2] = [(0xbede, 0xc0de), (0x1000, 0xc2de)];

/// The extension that a packet with CSRCs and without one gets: no elements (RFC 9335 §5.1).
const EMPTY: [u8; EXTENSION_WORD_LEN] = [0xc0, 0xde, 0, 0];

/// The X bit of the first byte of a packet (RFC 3550 §5.1).
const X_BIT: u8 = 0x10;

fn hidden_profile(clear: u16) -> Option<u16> {
    let found = PROFILES.iter().find(|(it, _)| *it == clear);
    found.map(|(_, hidden)| *hidden)
}

fn clear_profile(hidden: u16) -> Option<u16> {
    let found = PROFILES.iter().find(|(_, it)| *it == hidden);
    found.map(|(clear, _)| *clear)
}

#[inline(never)]
pub(super) fn growth(packet: &[u8]) -> Result<usize, ProtectError> {
    let Ok(header) = RtpHeader::parse(packet) else {
        return Ok(0);
    };
    match header.extension_profile(packet) {
        // Two-byte headers have no room for application bits here (RFC 9335 §5), and what is not
        // of RFC 8285 MUST NOT be hidden (§5.1).
        Some(profile) if hidden_profile(profile).is_none() => {
            Err(ProtectError::HeaderExtension { profile })
        }
        None if header.csrc_count > 0 => Ok(EXTENSION_WORD_LEN),
        _ => Ok(0),
    }
}

/// Protects a packet for which `growth` was asked: `buf` has room for it and the tag. Without CSRCs
/// and extension it is an ordinary one (RFC 9335 §5.1).
#[inline(never)]
pub(super) fn seal(transform: &Transform, buf: &mut [u8], id: PacketId) -> Result<(), Unsealable> {
    let header = RtpHeader::parse(buf).map_err(|_| Unsealable)?;
    let at = header.csrcs_end();
    match header.extension_profile(buf) {
        Some(clear) => {
            let hidden = hidden_profile(clear).ok_or(Unsealable)?;
            write_profile(buf, at, hidden).ok_or(Unsealable)?;
        }
        None if header.csrc_count > 0 => insert_empty(buf, at).ok_or(Unsealable)?,
        None => return transform.seal_rtp(buf, header.len, id),
    }
    transform.seal_cryptex(buf, header.csrcs_len(), id)
}

/// Verifies and decrypts a packet, hidden or not (RFC 9335 §5.2).
#[inline(never)]
pub(super) fn open(transform: &Transform, packet: &mut [u8], id: PacketId) -> Result<(), WrongTag> {
    let header = RtpHeader::parse(packet).map_err(|_| WrongTag)?;
    let Some(clear) = header.extension_profile(packet).and_then(clear_profile) else {
        return transform.open_rtp(packet, header.len, id);
    };
    transform.open_cryptex(packet, header.csrcs_len(), id)?;
    write_profile(packet, header.csrcs_end(), clear).ok_or(WrongTag)
}

fn write_profile(packet: &mut [u8], at: usize, profile: u16) -> Option<()> {
    *packet.get_mut(at..)?.first_chunk_mut()? = profile.to_be_bytes();
    Some(())
}

/// Puts an empty extension in at `at`; what stands there moves into the room at the end of `buf`.
fn insert_empty(buf: &mut [u8], at: usize) -> Option<()> {
    *buf.first_mut()? |= X_BIT;
    let moved = buf.get_mut(at..)?;
    let len = moved.len().checked_sub(EXTENSION_WORD_LEN)?;
    moved.copy_within(..len, EXTENSION_WORD_LEN);
    *moved.first_chunk_mut()? = EMPTY;
    Some(())
}
