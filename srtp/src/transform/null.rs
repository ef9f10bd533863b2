//! No encryption, HMAC-SHA1 (RFC 3711 §4.1.3, §4.2.1): the layouts of AES-CM, nothing hidden.

use super::{PacketId, RtcpWord, split_end};
use crate::crypto::{HmacSha1, Unsealable, WrongTag};
use crate::derive::SessionKeys;
use crate::profile::RTCP_INDEX_LEN;

pub(crate) struct Null {
    mac: HmacSha1,
    tag_len: usize,
}

impl Null {
    pub(super) fn new(keys: &SessionKeys, tag_len: usize) -> Option<Self> {
        Some(Self {
            mac: HmacSha1::new(keys.authentication())?,
            tag_len,
        })
    }

    pub(super) const fn tag_len(&self) -> usize {
        self.tag_len
    }

    pub(super) fn seal_rtp(&self, buf: &mut [u8], id: PacketId) -> Result<(), Unsealable> {
        let (packet, tag) = split_end(buf, self.tag_len).ok_or(Unsealable)?;
        self.mac.write_tag(packet, &id.roc(), tag)
    }

    pub(super) fn open_rtp(&self, packet: &mut [u8], id: PacketId) -> Result<(), WrongTag> {
        let (packet, tag) = split_end(packet, self.tag_len).ok_or(WrongTag)?;
        self.mac.verify(packet, &id.roc(), tag)
    }

    pub(super) fn seal_rtcp(&self, buf: &mut [u8], word: RtcpWord) -> Result<(), Unsealable> {
        let (authenticated, tag) = split_end(buf, self.tag_len).ok_or(Unsealable)?;
        let (_, place) = split_end(authenticated, RTCP_INDEX_LEN).ok_or(Unsealable)?;
        place.copy_from_slice(&word.to_bytes());
        self.mac.write_tag(authenticated, &[], tag)
    }

    /// The E bit has nothing to say: with it the packet is encrypted by the NULL cipher.
    pub(super) fn open_rtcp(&self, packet: &mut [u8]) -> Result<(), WrongTag> {
        let (authenticated, tag) = split_end(packet, self.tag_len).ok_or(WrongTag)?;
        self.mac.verify(authenticated, &[], tag)
    }
}
