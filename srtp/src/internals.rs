//! What stands below a master key, as RFCs print it: derived keys, key streams, packets under session
//! keys. For this crate's own tests, behind a feature that promises nothing to anybody else.

use core::fmt;

use crate::Profile;
use crate::crypto::AesCm;
use crate::derive::{self, MasterSecret, Protocol};
use crate::profile::Algorithm;
use crate::transform::{PacketId, RtcpWord, Transform};

/// `len` bytes derived under `label` (RFC 3711 §4.3.1); `None` when `key` or `salt` has a length that
/// no profile has.
#[must_use]
pub fn derive(key: &[u8], salt: &[u8], label: u8, len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; len];
    MasterSecret::new(key, salt)?.derive(label, &mut out);
    Some(out)
}

/// The first `len` bytes of AES in counter mode from `iv` (RFC 3711 §4.1.1); `None` when `key` has a
/// length that no profile has.
#[must_use]
pub fn key_stream(key: &[u8], iv: [u8; 16], len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; len];
    AesCm::new(key)?.apply(u128::from_be_bytes(iv), &mut out);
    Some(out)
}

/// Session keys of an AEAD, for RTP and RTCP alike.
pub struct SessionKeys {
    profile: Profile,
    rtp: Transform,
    rtcp: Transform,
}

impl SessionKeys {
    /// `None` when `profile` is no AEAD, or a length is not its own.
    #[must_use]
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        let lengths = (profile.key_len(), profile.salt_len());
        if profile.parameters().algorithm != Algorithm::Gcm || (key.len(), salt.len()) != lengths {
            return None;
        }
        let keys = derive::SessionKeys::from_parts(key, salt);
        Some(Self {
            profile,
            rtp: Transform::new(profile, Protocol::Rtp, &keys)?,
            rtcp: Transform::new(profile, Protocol::Rtcp, &keys)?,
        })
    }

    /// Protects an RTP packet with this index, whose first `clear` bytes stay in the clear.
    #[must_use]
    pub fn seal_rtp(&self, packet: &[u8], clear: usize, index: u64) -> Option<Vec<u8>> {
        let ssrc = ssrc_at(packet, 8)?;
        let mut buf = packet.to_vec();
        buf.resize(packet.len() + self.profile.rtp_overhead(), 0);
        let sealed = self.rtp.seal_rtp(&mut buf, clear, PacketId { ssrc, index });
        sealed.is_ok().then_some(buf)
    }

    /// Opens an SRTP packet with this index, whose first `clear` bytes are in the clear.
    #[must_use]
    pub fn open_rtp(&self, packet: &[u8], clear: usize, index: u64) -> Option<Vec<u8>> {
        let ssrc = ssrc_at(packet, 8)?;
        let mut buf = packet.to_vec();
        let opened = self.rtp.open_rtp(&mut buf, clear, PacketId { ssrc, index });
        buf.truncate(packet.len().checked_sub(self.profile.rtp_overhead())?);
        opened.is_ok().then_some(buf)
    }

    /// Protects an RTCP packet with this index, encrypted or authenticated only.
    #[must_use]
    pub fn seal_rtcp(&self, packet: &[u8], encrypted: bool, index: u32) -> Option<Vec<u8>> {
        let ssrc = ssrc_at(packet, 4)?;
        let mut buf = packet.to_vec();
        buf.resize(packet.len() + self.profile.rtcp_overhead(), 0);
        let sealed = self
            .rtcp
            .seal_rtcp(&mut buf, ssrc, RtcpWord { encrypted, index });
        sealed.is_ok().then_some(buf)
    }

    /// Opens an SRTCP packet.
    #[must_use]
    pub fn open_rtcp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = ssrc_at(packet, 4)?;
        let word = self.rtcp.rtcp_word(packet)?;
        let mut buf = packet.to_vec();
        let opened = self.rtcp.open_rtcp(&mut buf, ssrc, word);
        buf.truncate(packet.len().checked_sub(self.profile.rtcp_overhead())?);
        opened.is_ok().then_some(buf)
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SessionKeys");
        shown
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

fn ssrc_at(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
