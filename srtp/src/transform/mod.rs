//! The layouts of protected packets: one file per transform.

mod counter_mode;
mod cryptex;
mod gcm;
mod key_stream;
mod null;

use crate::Profile;
use crate::crypto::{Unsealable, WrongTag};
use crate::derive::{Protocol, SessionKeys};
use crate::profile::{Algorithm, RTCP_INDEX_LEN};

use counter_mode::CounterMode;
use gcm::Gcm;
use null::Null;

pub(crate) use key_stream::KeyStream;

/// The E bit of the SRTCP index word: the packet is encrypted (RFC 3711 §3.4).
const E_BIT: u32 = 1 << 31;

/// What makes the key stream of a packet its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PacketId {
    pub(crate) ssrc: u32,
    /// Roll-over counter and sequence number, or the SRTCP index.
    pub(crate) index: u64,
}

impl PacketId {
    /// SSRC and 48-bit index side by side: both transforms mix this number into their salt
    /// (RFC 3711 §4.1.1, RFC 7714 §8.1, §9.1).
    const fn number(self) -> u128 {
        (self.ssrc as u128) << 48 | self.index as u128
    }

    /// The roll-over counter as it is authenticated (RFC 3711 §4.2).
    const fn roc(self) -> [u8; 4] {
        crate::packet_index::roc(self.index).to_be_bytes()
    }
}

/// The word that SRTCP adds: E bit and index (RFC 3711 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtcpWord {
    pub(crate) encrypted: bool,
    pub(crate) index: u32,
}

impl RtcpWord {
    const fn to_bytes(self) -> [u8; RTCP_INDEX_LEN] {
        let e = if self.encrypted { E_BIT } else { 0 };
        (e | self.index).to_be_bytes()
    }

    const fn from_bytes(bytes: [u8; RTCP_INDEX_LEN]) -> Self {
        let word = u32::from_be_bytes(bytes);
        Self {
            encrypted: word & E_BIT != 0,
            index: word & !E_BIT,
        }
    }

    const fn id(self, ssrc: u32) -> PacketId {
        PacketId {
            ssrc,
            index: self.index as u64,
        }
    }
}

/// A transform with the session keys of one protocol. Boxed, so that moving it copies no key.
pub(crate) enum Transform {
    CounterMode(Box<CounterMode>),
    Gcm(Box<Gcm>),
    Null(Box<Null>),
}

impl Transform {
    pub(crate) fn new(profile: Profile, protocol: Protocol, keys: &SessionKeys) -> Option<Self> {
        let parameters = profile.parameters();
        let tag_len = match protocol {
            Protocol::Rtp => parameters.rtp_tag_len,
            Protocol::Rtcp => parameters.rtcp_tag_len,
        };
        match parameters.algorithm {
            Algorithm::CounterModeHmacSha1 => CounterMode::new(keys, tag_len)
                .map(Box::new)
                .map(Self::CounterMode),
            Algorithm::Gcm => Gcm::new(keys).map(Box::new).map(Self::Gcm),
            Algorithm::NullHmacSha1 => Null::new(keys, tag_len).map(Box::new).map(Self::Null),
        }
    }

    /// Protects an RTP packet. `buf` is the packet and room for exactly the tag; the first
    /// `header_len` bytes stay in the clear.
    #[inline]
    pub(crate) fn seal_rtp(
        &self,
        buf: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        match self {
            Self::CounterMode(it) => it.seal_rtp(buf, header_len, id),
            Self::Gcm(it) => it.seal_rtp(buf, header_len, id),
            Self::Null(it) => it.seal_rtp(buf, id),
        }
    }

    /// Verifies and decrypts an SRTP packet; its tag becomes meaningless.
    #[inline]
    pub(crate) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        match self {
            Self::CounterMode(it) => it.open_rtp(packet, header_len, id),
            Self::Gcm(it) => it.open_rtp(packet, header_len, id),
            Self::Null(it) => it.open_rtp(packet, id),
        }
    }

    /// Protects an RTP packet with CSRC list and header extension (RFC 9335 §6.2). `buf` is the
    /// packet, which has an extension, and room for exactly the tag; `csrcs` is the length of the
    /// CSRC list in bytes. Profile and length of the extension stay in the clear.
    pub(crate) fn seal_cryptex(
        &self,
        buf: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), Unsealable> {
        match self {
            Self::CounterMode(it) => it.seal_cryptex(buf, csrcs, id),
            Self::Gcm(it) => it.seal_cryptex(buf, csrcs, id),
            Self::Null(_) => Err(Unsealable),
        }
    }

    /// Verifies and decrypts what `seal_cryptex` made; the tag becomes meaningless.
    pub(crate) fn open_cryptex(
        &self,
        packet: &mut [u8],
        csrcs: usize,
        id: PacketId,
    ) -> Result<(), WrongTag> {
        match self {
            Self::CounterMode(it) => it.open_cryptex(packet, csrcs, id),
            Self::Gcm(it) => it.open_cryptex(packet, csrcs, id),
            Self::Null(_) => Err(WrongTag),
        }
    }

    /// Protects an RTCP packet. `buf` is the packet and room for exactly tag and index word.
    #[inline]
    pub(crate) fn seal_rtcp(
        &self,
        buf: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), Unsealable> {
        match self {
            Self::CounterMode(it) => it.seal_rtcp(buf, ssrc, word),
            Self::Gcm(it) => it.seal_rtcp(buf, ssrc, word),
            Self::Null(it) => it.seal_rtcp(buf, word),
        }
    }

    /// How many bytes stand behind the MKI, or behind the index word of a packet without an MKI:
    /// the tag of HMAC-SHA1, nothing with AEAD (RFC 3711 §3.1, §3.4, RFC 7714 §8.2, §9.2).
    #[inline]
    pub(crate) const fn behind_mki(&self) -> usize {
        match self {
            Self::CounterMode(it) => it.tag_len(),
            Self::Gcm(_) => 0,
            Self::Null(it) => it.tag_len(),
        }
    }

    /// The index word of an SRTCP packet, before it is known to be authentic.
    #[inline]
    pub(crate) fn rtcp_word(&self, packet: &[u8]) -> Option<RtcpWord> {
        let before_tag = packet.get(..packet.len().checked_sub(self.behind_mki())?)?;
        before_tag.last_chunk().copied().map(RtcpWord::from_bytes)
    }

    /// Verifies and decrypts an SRTCP packet; its trailer becomes meaningless.
    #[inline]
    pub(crate) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), WrongTag> {
        match self {
            Self::CounterMode(it) => it.open_rtcp(packet, ssrc, word),
            Self::Gcm(it) => it.open_rtcp(packet, ssrc, word),
            Self::Null(it) => it.open_rtcp(packet),
        }
    }
}

/// Splits `buf` so that the second part has `len` bytes.
#[inline]
fn split_end(buf: &mut [u8], len: usize) -> Option<(&mut [u8], &mut [u8])> {
    buf.len()
        .checked_sub(len)
        .and_then(|at| buf.split_at_mut_checked(at))
}
