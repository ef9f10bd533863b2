//! AES-GCM (RFC 7714 §8, §9).
//!
//! ```text
//! SRTP:             header | encrypted payload | tag          associated: header
//! SRTCP, E bit:     8 bytes | encrypted rest | tag | index    associated: 8 bytes and index word
//! SRTCP, no E bit:  packet | tag | index                      associated: packet and index word
//! ```

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{PacketId, RtcpWord, cryptex, split_end};
use crate::crypto::{AesGcm, Unsealable, WrongTag};
use crate::derive::SessionKeys;
use crate::header::RTCP_CLEAR_LEN;
use crate::profile::RTCP_INDEX_LEN;

/// Length of the tag in bytes.
const TAG_LEN: usize = 16;

pub(crate) struct Gcm {
    cipher: AesGcm,
    salt: Salt,
}

/// The session salt, 96 bits.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Salt(u128);

impl Gcm {
    pub(super) fn new(keys: &SessionKeys) -> Option<Self> {
        Some(Self {
            cipher: AesGcm::new(keys.encryption())?,
            salt: Salt(keys.salt_96()),
        })
    }

    /// IV = salt XOR (two zero bytes, SSRC, index in 48 bits) (RFC 7714 §8.1, §9.1).
    #[inline]
    const fn iv(&self, id: PacketId) -> [u8; 12] {
        let [_, _, _, _, iv @ ..] = (self.salt.0 ^ id.number()).to_be_bytes();
        iv
    }

    #[inline]
    pub(super) fn seal_rtp(
        &self,
        buf: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        let (packet, tag) = split_end(buf, TAG_LEN).ok_or(Unsealable)?;
        let (header, payload) = packet.split_at_mut_checked(header_len).ok_or(Unsealable)?;
        tag.copy_from_slice(&self.cipher.seal(self.iv(id), header, payload)?);
        Ok(())
    }

    #[inline]
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        let (header, sealed) = packet.split_at_mut_checked(header_len).ok_or(WrongTag)?;
        self.cipher.open(self.iv(id), header, sealed)
    }

    /// Associated are the fixed header, profile and length (RFC 9335 §6.2).
    pub(super) fn seal_cryptex(
        &self,
        buf: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        let (packet, tag) = split_end(buf, TAG_LEN).ok_or(Unsealable)?;
        let (clear, hidden) = cryptex::gather(packet, csrcs).ok_or(Unsealable)?;
        tag.copy_from_slice(&self.cipher.seal(self.iv(id), clear, hidden)?);
        cryptex::scatter(packet, csrcs).ok_or(Unsealable)
    }

    pub(super) fn open_cryptex(
        &self,
        packet: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        let (clear, sealed) = cryptex::gather(packet, csrcs).ok_or(WrongTag)?;
        self.cipher.open(self.iv(id), clear, sealed)?;
        cryptex::scatter(packet, csrcs).ok_or(WrongTag)
    }

    pub(super) fn seal_rtcp(
        &self,
        buf: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), Unsealable> {
        let iv = self.iv(word.id(ssrc));
        let (packet, trailer) = split_end(buf, TAG_LEN + RTCP_INDEX_LEN).ok_or(Unsealable)?;
        let tag = if word.encrypted {
            let (clear, hidden) = packet.split_first_chunk_mut().ok_or(Unsealable)?;
            self.cipher.seal(iv, &associated(*clear, word), hidden)?
        } else {
            let packet_and_word = packet.len() + RTCP_INDEX_LEN;
            *trailer.first_chunk_mut().ok_or(Unsealable)? = word.to_bytes();
            let whole = buf.get(..packet_and_word).ok_or(Unsealable)?;
            self.cipher.seal(iv, whole, &mut [])?
        };
        let (sealed, place) = split_end(buf, RTCP_INDEX_LEN).ok_or(Unsealable)?;
        place.copy_from_slice(&word.to_bytes());
        *sealed.last_chunk_mut().ok_or(Unsealable)? = tag;
        Ok(())
    }

    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), WrongTag> {
        let iv = self.iv(word.id(ssrc));
        let (sealed, _) = split_end(packet, RTCP_INDEX_LEN).ok_or(WrongTag)?;
        if word.encrypted {
            let (clear, hidden) = sealed.split_first_chunk_mut().ok_or(WrongTag)?;
            return self.cipher.open(iv, &associated(*clear, word), hidden);
        }
        // The associated data is packet and word: the word takes the place of the tag.
        let mut tag: [u8; TAG_LEN] = *sealed.last_chunk().ok_or(WrongTag)?;
        let at = sealed.len() - TAG_LEN;
        let word_place = sealed
            .get_mut(at..)
            .and_then(<[u8]>::first_chunk_mut)
            .ok_or(WrongTag)?;
        *word_place = word.to_bytes();
        let packet_and_word = sealed.get(..at + RTCP_INDEX_LEN).ok_or(WrongTag)?;
        self.cipher.open(iv, packet_and_word, &mut tag)
    }
}

/// The associated data of an encrypted SRTCP packet: its first 8 bytes and the index word.
fn associated(clear: [u8; RTCP_CLEAR_LEN], word: RtcpWord) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = clear;
    let [i, j, k, l] = word.to_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

#[cfg(test)]
mod tests;
