//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).
//!
//! ```text
//! SRTP:   header | encrypted payload | tag                     tag over all before it and ROC
//! SRTCP:  8 bytes | encrypted rest | E and index | tag         tag over all before it
//! ```

use super::{KeyStream, PacketId, RtcpWord, cryptex, split_end};
use crate::crypto::{HmacSha1, Unsealable, WrongTag};
use crate::derive::SessionKeys;
use crate::header::RTCP_CLEAR_LEN;
use crate::profile::RTCP_INDEX_LEN;

pub(crate) struct CounterMode {
    stream: KeyStream,
    mac: HmacSha1,
    tag_len: usize,
}

impl CounterMode {
    pub(super) fn new(keys: &SessionKeys, tag_len: usize) -> Option<Self> {
        Some(Self {
            stream: KeyStream::new(keys)?,
            mac: HmacSha1::new(keys.authentication())?,
            tag_len,
        })
    }

    pub(super) const fn tag_len(&self) -> usize {
        self.tag_len
    }

    #[inline]
    pub(super) fn seal_rtp(
        &self,
        buf: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        let (packet, tag) = split_end(buf, self.tag_len).ok_or(Unsealable)?;
        let payload = packet.get_mut(header_len..).ok_or(Unsealable)?;
        self.stream.apply(id, payload);
        self.mac.write_tag(packet, &id.roc(), tag)
    }

    #[inline]
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        let (packet, tag) = split_end(packet, self.tag_len).ok_or(WrongTag)?;
        self.mac.verify(packet, &id.roc(), tag)?;
        let payload = packet.get_mut(header_len..).ok_or(WrongTag)?;
        self.stream.apply(id, payload);
        Ok(())
    }

    /// The tag covers the packet as it is sent.
    pub(super) fn seal_cryptex(
        &self,
        buf: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        let (packet, tag) = split_end(buf, self.tag_len).ok_or(Unsealable)?;
        self.apply_cryptex(packet, csrcs, id).ok_or(Unsealable)?;
        self.mac.write_tag(packet, &id.roc(), tag)
    }

    pub(super) fn open_cryptex(
        &self,
        packet: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        let (packet, tag) = split_end(packet, self.tag_len).ok_or(WrongTag)?;
        self.mac.verify(packet, &id.roc(), tag)?;
        self.apply_cryptex(packet, csrcs, id).ok_or(WrongTag)
    }

    fn apply_cryptex(&self, packet: &mut [u8], csrcs: usize, id: PacketId) -> Option<()> {
        let (_, hidden) = cryptex::gather(packet, csrcs)?;
        self.stream.apply(id, hidden);
        cryptex::scatter(packet, csrcs)
    }

    pub(super) fn seal_rtcp(
        &self,
        buf: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), Unsealable> {
        let (authenticated, tag) = split_end(buf, self.tag_len).ok_or(Unsealable)?;
        let (packet, place) = split_end(authenticated, RTCP_INDEX_LEN).ok_or(Unsealable)?;
        place.copy_from_slice(&word.to_bytes());
        self.apply_rtcp(packet, ssrc, word).ok_or(Unsealable)?;
        self.mac.write_tag(authenticated, &[], tag)
    }

    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), WrongTag> {
        let (authenticated, tag) = split_end(packet, self.tag_len).ok_or(WrongTag)?;
        self.mac.verify(authenticated, &[], tag)?;
        let (packet, _) = split_end(authenticated, RTCP_INDEX_LEN).ok_or(WrongTag)?;
        self.apply_rtcp(packet, ssrc, word).ok_or(WrongTag)
    }

    /// Encrypts or decrypts what an RTCP packet hides: nothing without the E bit.
    fn apply_rtcp(&self, packet: &mut [u8], ssrc: u32, word: RtcpWord) -> Option<()> {
        let hidden = packet.get_mut(RTCP_CLEAR_LEN..)?;
        if word.encrypted {
            self.stream.apply(word.id(ssrc), hidden);
        }
        Some(())
    }
}
