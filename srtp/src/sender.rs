//! The sending side: RTP to SRTP, RTCP to SRTCP.

use crate::config::Config;
use crate::error::{AddKeyError, ConfigError, ProtectError, SetIndexError};
use crate::event::Event;
use crate::header::{RtpHeader, check_len, rtcp_ssrc};
use crate::key::MasterKey;
use crate::key_ring::insert_mki;
use crate::last_index::LastIndices;
use crate::packet_index::RTCP_INDEX_MAX;
use crate::profile::Profile;
use crate::rtp_stream::RtpStream;
use crate::stats::SenderStats;
use crate::stream_table::StreamTable;
use crate::transform::{PacketId, RtcpWord};

/// Protects the packets of one direction, in place.
///
/// Roll-over counters start at 0 and follow the sequence numbers
/// ([how](crate#roll-over-counters)), which may come in any order within [`Config::rtp_window`];
/// SRTCP indices start at 0 (RFC 3711 §3.2.1, §3.4). A sequence number is protected once: a second
/// time would use its key stream twice. A stream that starts anew under the same key therefore
/// needs a new SSRC.
///
/// There is no `forget` as a [`Receiver`](crate::Receiver) has it: a sender that forgot a stream
/// would begin it again at index 0 and use its key stream twice (RFC 3711 §9.1). So
/// [`Config::max_streams`] bounds the SSRCs of its whole life, and [`change_key`](Self::change_key)
/// keeps them. Where SSRCs come and go without end, as in a forwarding unit, set it higher (a stream
/// takes some 100 bytes and its window, 32 bytes for 128 packets) or begin a new sender under a new
/// key now and then.
///
/// A packet in a `Vec` grows by the trailer and is cut to what was protected:
///
/// ```
/// use srtp::{MasterKey, Profile, Sender, TRAILER_MAX};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut sender = Sender::new(MasterKey::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12])?);
/// let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 1, 0xca, 0xfe, 0xba, 0xbe, b'h', b'i'];
/// let len = packet.len();
/// packet.resize(len + TRAILER_MAX, 0);
/// let sealed = sender.protect_rtp(&mut packet, len)?;
/// packet.truncate(sealed);
/// # assert_eq!(packet.len(), 14 + 16);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sender {
    key: MasterKey,
    config: Config,
    rtp: StreamTable<RtpStream>,
    /// The next SRTCP index of each stream; beyond [`RTCP_INDEX_MAX`] there is none.
    rtcp: StreamTable<u32>,
    last: LastIndices,
    stats: SenderStats,
}

impl Sender {
    /// A sender with default settings.
    #[must_use]
    pub fn new(key: MasterKey) -> Self {
        Self::build(key, Config::default())
    }

    /// A sender with other settings.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting is out of its range.
    pub fn with_config(key: MasterKey, config: Config) -> Result<Self, ConfigError> {
        config
            .validate(key.profile)
            .map(|config| Self::build(key, config))
    }

    fn build(key: MasterKey, config: Config) -> Self {
        let rtp = StreamTable::new(config.max_streams);
        let rtcp = StreamTable::new(config.max_streams);
        Self {
            key,
            config,
            rtp,
            rtcp,
            last: LastIndices::new(config.rekey_margin, config.max_streams),
            stats: SenderStats::default(),
        }
    }

    /// Protects the RTP packet in the first `len` bytes of `buf` and gives the length of the SRTP
    /// packet that stands there then, [`rtp_overhead`](Self::rtp_overhead) bytes longer or, under
    /// cryptex, up to that. The fixed header stays in the clear, CSRC list and header extension as
    /// [`Config::header_extensions`] says (RFC 3711 §3.1).
    ///
    /// That the packet is RTP and not RTCP is for the caller to know ([`is_rtcp`](crate::is_rtcp)): an
    /// RTCP packet given here goes out as an SRTP packet that makes no sense.
    ///
    /// # Errors
    /// [`ProtectError`]; then `buf` is unchanged and the sequence number unused.
    #[inline]
    pub fn protect_rtp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let result = self.try_protect_rtp(buf, len);
        match result {
            Ok(_) => self.stats.rtp += 1,
            Err(error) => self.stats.count(error),
        }
        result
    }

    /// Bytes that protecting adds to an RTP packet: those of the profile, those of the MKI, and the
    /// 4 that [`HeaderExtensions::Cryptex`](crate::HeaderExtensions::Cryptex) adds to some packets.
    #[must_use]
    pub fn rtp_overhead(&self) -> usize {
        self.key.rtp_overhead() + self.config.header_extensions.growth_max()
    }

    /// Bytes that protecting adds to an RTCP packet: those of the profile and those of the MKI.
    #[must_use]
    pub fn rtcp_overhead(&self) -> usize {
        self.key.rtcp_overhead()
    }

    /// Protects the RTCP packet, compound or not, in the first `len` bytes of `buf` and gives the
    /// length of the SRTCP packet that stands there then,
    /// [`rtcp_overhead`](Self::rtcp_overhead) bytes longer.
    ///
    /// # Errors
    /// [`ProtectError`]; then `buf` is unchanged and no index used.
    #[inline]
    pub fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let result = self.try_protect_rtcp(buf, len);
        match result {
            Ok(_) => self.stats.rtcp += 1,
            Err(error) => self.stats.count(error),
        }
        result
    }

    fn try_protect_rtp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let hidden = &self.config.header_extensions;
        let growth = hidden.growth(buf, len)?;
        let (packet, sealed) = room(buf, len, self.key.rtp_overhead() + growth)?;
        let header = RtpHeader::parse(packet)?;
        self.key.uses.check()?;
        let inner = sealed - self.key.mki.len();
        let place = buf.get_mut(..inner).unwrap_or_default();
        let ssrc = header.ssrc;
        let index = match self.rtp.find_mut(ssrc) {
            Some(stream) => {
                let index = stream.admit(header.sequence_number)?;
                hidden.seal(&self.key, place, header.len, PacketId { ssrc, index })?;
                stream.mark(index);
                index
            }
            None => {
                self.rtp.check_room()?;
                let index = u64::from(header.sequence_number);
                hidden.seal(&self.key, place, header.len, PacketId { ssrc, index })?;
                self.rtp.insert(
                    ssrc,
                    RtpStream::starting_with(index, self.config.rtp_window),
                )?;
                index
            }
        };
        let place = buf.get_mut(..sealed).unwrap_or_default();
        insert_mki(place, &self.key.mki, self.key.rtp.behind_mki());
        self.key.uses.count_rtp();
        self.last.count_rtp(ssrc, index);
        Ok(sealed)
    }

    fn try_protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let (packet, sealed) = room(buf, len, self.key.rtcp_overhead())?;
        let ssrc = rtcp_ssrc(packet)?;
        self.key.uses.check()?;
        let inner = sealed - self.key.mki.len();
        let place = buf.get_mut(..inner).unwrap_or_default();
        let encrypted = self.key.profile.encrypts();
        let index = match self.rtcp.find_mut(ssrc) {
            // RFC 3711 §9.2: after 2^31 packets the key MUST NOT be used any more.
            Some(next) if *next > RTCP_INDEX_MAX => return Err(ProtectError::KeyExhausted),
            Some(next) => {
                let index = *next;
                let word = RtcpWord { encrypted, index };
                self.key.rtcp.seal_rtcp(place, ssrc, word)?;
                *next += 1;
                index
            }
            None => {
                self.rtcp.check_room()?;
                let index = 0;
                let word = RtcpWord { encrypted, index };
                self.key.rtcp.seal_rtcp(place, ssrc, word)?;
                self.rtcp.insert(ssrc, index + 1)?;
                index
            }
        };
        let place = buf.get_mut(..sealed).unwrap_or_default();
        insert_mki(place, &self.key.mki, self.key.rtcp.behind_mki());
        self.key.uses.count_rtcp();
        self.last.count_rtcp(ssrc, index);
        Ok(sealed)
    }

    /// Protects with another key from now on. Roll-over counters and SRTCP indices go on (RFC 3711
    /// §3.3.1, §3.4), so that a receiver that has both keys loses nothing; with an MKI, another than
    /// that of the former key, it can tell them apart. The former key is wiped, and MUST NOT be used
    /// again by any sender (RFC 3711 §9.2).
    ///
    /// A stream whose indices are used up is not revived: it takes a new SSRC. RFC 3711 §3.4 counts
    /// SRTCP indices modulo 2^31, so that they could pass through 0 again under a new key, which
    /// replay windows here do not follow. At a report every five seconds that is 340 years away.
    ///
    /// # Errors
    /// [`AddKeyError`] when profile or length of the MKI is another, or the MKI the same; then
    /// nothing changed.
    pub fn change_key(&mut self, key: MasterKey) -> Result<(), AddKeyError> {
        self.key.check_successor(&key)?;
        if !key.mki.is_empty() && key.mki == self.key.mki {
            return Err(AddKeyError::Ambiguous);
        }
        self.key = key;
        Ok(())
    }

    /// What there is to tell, once each. To be asked now and then, from after every packet to every
    /// few seconds; [`Config::rekey_margin`] says how early it comes.
    pub fn poll_event(&mut self) -> Option<Event> {
        let of_key = self.key.poll_event(self.config.rekey_margin);
        of_key.or_else(|| self.last.poll_event())
    }

    /// The roll-over counter of a stream: of its highest sequence number so far.
    #[must_use]
    pub fn roc(&self, ssrc: u32) -> Option<u32> {
        self.rtp.find(ssrc).map(RtpStream::roc)
    }

    /// Sets the roll-over counter of a stream's next packet, for a stream that another sender has
    /// begun under the same key, or one whose source leaps by 2^15 numbers or more. Packets that the
    /// other sender has protected must not be protected again. A stream that has not begun counts
    /// against [`Config::max_streams`] from now on; until its first packet the counter may be
    /// corrected, also downward.
    ///
    /// # Errors
    /// [`SetIndexError`]; then nothing changed.
    pub fn set_roc(&mut self, ssrc: u32, roc: u32) -> Result<(), SetIndexError> {
        self.rtp.set_roc(ssrc, roc, self.config.rtp_window)
    }

    /// The SRTCP index of a stream's next packet; 2^31 when none is left.
    #[must_use]
    pub fn next_rtcp_index(&self, ssrc: u32) -> Option<u32> {
        self.rtcp.find(ssrc).copied()
    }

    /// Sets the SRTCP index of a stream's next packet, for a stream that another sender has begun
    /// under the same key. 0 to 2^31 - 1.
    ///
    /// # Errors
    /// [`SetIndexError`]; then nothing changed.
    pub fn set_next_rtcp_index(&mut self, ssrc: u32, index: u32) -> Result<(), SetIndexError> {
        if index > RTCP_INDEX_MAX {
            return Err(SetIndexError::TooLarge { requested: index });
        }
        match self.rtcp.find_mut(ssrc) {
            Some(&mut present) if index < present => {
                return Err(SetIndexError::Backwards {
                    present,
                    requested: index,
                });
            }
            Some(next) => *next = index,
            None => self.rtcp.insert(ssrc, index)?,
        }
        Ok(())
    }

    /// The profile of its key.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.key.profile()
    }

    /// The MKI that packets carry now, if any.
    #[must_use]
    pub fn mki(&self) -> Option<&[u8]> {
        self.key.mki()
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// What was protected and refused.
    #[must_use]
    pub const fn stats(&self) -> SenderStats {
        self.stats
    }

    /// How many RTP streams are open.
    #[must_use]
    pub const fn rtp_streams(&self) -> usize {
        self.rtp.len()
    }
}

/// The packet in the first `len` bytes and its protected length, which fits into `buf`.
#[inline]
fn room(buf: &[u8], len: usize, overhead: usize) -> Result<(&[u8], usize), ProtectError> {
    let needed = len.saturating_add(overhead);
    check_len(needed)?;
    match buf.get(..len) {
        Some(packet) if needed <= buf.len() => Ok((packet, needed)),
        _ => Err(ProtectError::NoRoom {
            needed,
            available: buf.len(),
        }),
    }
}
