//! The receiving side: SRTP to RTP, SRTCP to RTCP.

use crate::config::Config;
use crate::error::{AddKeyError, ConfigError, SetIndexError, UnprotectError};
use crate::event::Event;
use crate::header::{RTCP_CLEAR_LEN, RtpHeader, check_len, check_min, rtcp_ssrc};
use crate::key::MasterKey;
use crate::key_ring::KeyRing;
use crate::last_index::LastIndices;
use crate::profile::Profile;
use crate::replay::ReplayWindow;
use crate::rtp_stream::RtpStream;
use crate::stats::ReceiverStats;
use crate::stream_table::StreamTable;
use crate::transform::PacketId;

/// Opens the packets of one direction, in place.
///
/// A stream begins with its first authentic packet; how its indices are found from there on, and
/// how it is helped when they are lost, stands in the
/// [crate's documentation](crate#roll-over-counters). A packet that is refused moves nothing.
///
/// An RTP stream takes some 100 bytes and a replay window that is rounded up: 32 bytes for 128
/// packets, 8 KiB for 32767. An RTCP stream takes the same.
#[derive(Debug)]
pub struct Receiver {
    keys: KeyRing,
    config: Config,
    rtp: StreamTable<RtpStream>,
    rtcp: StreamTable<ReplayWindow>,
    last: LastIndices,
    pub(crate) stats: ReceiverStats,
}

impl Receiver {
    /// A receiver with default settings.
    #[must_use]
    pub fn new(key: MasterKey) -> Self {
        Self::build(key, Config::default())
    }

    /// A receiver with other settings.
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
            keys: KeyRing::new(key),
            config,
            rtp,
            rtcp,
            last: LastIndices::new(config.rekey_margin, config.max_streams),
            stats: ReceiverStats::default(),
        }
    }

    /// Verifies and decrypts the SRTP packet that `packet` is, and gives the length of the RTP
    /// packet that stands at its beginning then. That the packet is RTP and not RTCP is for the caller
    /// to know ([`is_rtcp`](crate::is_rtcp)); taken for the other it fails to authenticate.
    ///
    /// # Errors
    /// [`UnprotectError`], also counted in [`stats`](Self::stats); then the contents of `packet`
    /// are not to be used any more.
    #[inline]
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let result = self.try_unprotect_rtp(packet);
        match result {
            Ok(_) => self.stats.rtp += 1,
            Err(error) => self.stats.count(error),
        }
        result
    }

    /// Verifies and decrypts the SRTCP packet that `packet` is, and gives the length of the RTCP
    /// packet that stands at its beginning then. A packet without the E bit, authenticated but
    /// not encrypted, is taken too (RFC 3711 §3.4).
    ///
    /// # Errors
    /// [`UnprotectError`], also counted in [`stats`](Self::stats); then the contents of `packet`
    /// are not to be used any more.
    #[inline]
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let result = self.try_unprotect_rtcp(packet);
        match result {
            Ok(_) => self.stats.rtcp += 1,
            Err(error) => self.stats.count(error),
        }
        result
    }

    fn try_unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        check_len(packet.len())?;
        let header = RtpHeader::parse(packet)?;
        let received = packet.len();
        let overhead = self.keys.any().rtp_overhead();
        check_min(packet, header.len + overhead)?;
        let (key, packet) = self.keys.open(packet, |key| &key.rtp)?;
        let hidden = &self.config.header_extensions;
        let ssrc = header.ssrc;
        let index = match self.rtp.find_mut(ssrc) {
            Some(stream) => {
                let index = stream.admit(header.sequence_number)?;
                hidden.open(key, packet, header.len, PacketId { ssrc, index })?;
                stream.mark(index);
                index
            }
            None => {
                self.rtp.check_room()?;
                let index = u64::from(header.sequence_number);
                hidden.open(key, packet, header.len, PacketId { ssrc, index })?;
                self.rtp.insert(
                    ssrc,
                    RtpStream::starting_with(index, self.config.rtp_window),
                )?;
                index
            }
        };
        key.uses.count_rtp();
        self.last.count_rtp(ssrc, index);
        Ok(received - overhead)
    }

    fn try_unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        check_len(packet.len())?;
        let ssrc = rtcp_ssrc(packet)?;
        let received = packet.len();
        let overhead = self.keys.any().rtcp_overhead();
        check_min(packet, RTCP_CLEAR_LEN + overhead)?;
        let (key, packet) = self.keys.open(packet, |key| &key.rtcp)?;
        let transform = &key.rtcp;
        let word = transform.rtcp_word(packet);
        let word = word.ok_or(UnprotectError::WrongTag)?;
        let index = u64::from(word.index);
        match self.rtcp.find_mut(ssrc) {
            Some(window) => {
                window.check(index)?;
                transform.open_rtcp(packet, ssrc, word)?;
                window.mark(index);
            }
            None => {
                self.rtcp.check_room()?;
                transform.open_rtcp(packet, ssrc, word)?;
                let mut window = ReplayWindow::new(self.config.rtcp_window);
                window.mark(index);
                self.rtcp.insert(ssrc, window)?;
            }
        }
        key.uses.count_rtcp();
        self.last.count_rtcp(ssrc, word.index);
        Ok(received - overhead)
    }

    /// Takes packets under one more key, which their MKI names: before the sender changes to it.
    /// Streams, roll-over counters and replay windows are those of all keys (RFC 3711 §8.1), so
    /// packets on their way under the former key are still taken. At most 32 keys at a time.
    ///
    /// All keys of an `a=crypto` line:
    ///
    /// ```
    /// use srtp::{CryptoAttribute, Receiver};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let text = "1 AES_CM_128_HMAC_SHA1_80 \
    /// #     inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4;\
    /// #     inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|2:4";
    /// let crypto: CryptoAttribute = text.parse()?;
    /// let mut keys = crypto.master_keys()?.into_iter();
    /// let mut receiver = Receiver::new(keys.next().ok_or("no key")?);
    /// for key in keys {
    ///     receiver.add_key(key)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AddKeyError`]; then nothing changed.
    pub fn add_key(&mut self, key: MasterKey) -> Result<(), AddKeyError> {
        self.keys.add(key)
    }

    /// Takes packets under this key alone from now on; the former ones are wiped. For keys without
    /// an MKI: packets still on their way under the former key are lost, as nothing tells them.
    /// Streams, roll-over counters and replay windows go on (RFC 3711 §3.3.1).
    ///
    /// # Errors
    /// [`AddKeyError`] when profile or length of the MKI is another; then nothing changed.
    pub fn change_key(&mut self, key: MasterKey) -> Result<(), AddKeyError> {
        self.keys.replace(key)
    }

    /// Takes no more packets under the key with this MKI: when the last of its packets must have
    /// come. Whether there was one; the last key is not removed.
    pub fn remove_key(&mut self, mki: &[u8]) -> bool {
        self.keys.remove(mki)
    }

    /// What there is to tell, once each. To be asked now and then, from after every packet to every
    /// few seconds; [`Config::rekey_margin`] says how early it comes. Packets count that were
    /// authentic: nobody else can use up a key.
    pub fn poll_event(&mut self) -> Option<Event> {
        let of_keys = self.keys.poll_event(self.config.rekey_margin);
        of_keys.or_else(|| self.last.poll_event())
    }

    /// The roll-over counter of a stream: of its highest sequence number so far.
    #[must_use]
    pub fn roc(&self, ssrc: u32) -> Option<u32> {
        self.rtp.find(ssrc).map(RtpStream::roc)
    }

    /// Sets the roll-over counter of a stream's next packet, whatever its sequence number: for a
    /// receiver that joins late, or one that lost count in a leap of 2^15 numbers or more. Packets
    /// taken before are still known as replayed.
    ///
    /// The stream need not be open yet: it counts against [`Config::max_streams`] from now on,
    /// [`roc`](Self::roc) gives what was told, and until its first packet that may be corrected, also
    /// downward. Who tells it near a roll-over may be late: if the next packet is of the next
    /// roll-over already, packets fail to authenticate until the counter is told again.
    ///
    /// # Errors
    /// [`SetIndexError`]; then nothing changed.
    pub fn set_roc(&mut self, ssrc: u32, roc: u32) -> Result<(), SetIndexError> {
        self.rtp.set_roc(ssrc, roc, self.config.rtp_window)
    }

    /// Forgets a stream, so that another may take its place. Whether any was known.
    ///
    /// Its replay protection is forgotten with it (RFC 3711 §3.3.2): packets of roll-over 0 recorded
    /// by an attacker would be taken again, under the same key. Do it for an SSRC that the signalling
    /// has ended.
    pub fn forget(&mut self, ssrc: u32) -> bool {
        let rtp = self.rtp.remove(ssrc).is_some();
        let rtcp = self.rtcp.remove(ssrc).is_some();
        self.last.retain(|open| open != ssrc);
        rtp || rtcp
    }

    /// Forgets every SSRC of which no authentic packet, RTP or RTCP, has come since this was called
    /// before, and gives their number. An SSRC whose roll-over counter was set meanwhile stays, but
    /// not longer: if no packet comes until the call after, the counter is forgotten.
    ///
    /// Called every minute, it bounds what streams leave behind that have ended without a word. An
    /// SSRC of which RTCP goes on stays: it may be on hold, and who wants to be remembered sends
    /// RTCP (RFC 4568 §6.5; RFC 3550 §6.3.5 waits for five intervals of it). As [`forget`](Self::forget) it gives up
    /// replay protection, which RFC 3711 §3.3.2 wants for the life of the key: leave as long
    /// between two calls as streams may pause, and do not call it where a replayed packet does
    /// harm. A stream that comes back with a roll-over counter beyond 0 has to be told it
    /// ([`set_roc`](Self::set_roc)).
    pub fn forget_idle(&mut self) -> usize {
        let (rtp, rtcp) = (&mut self.rtp, &mut self.rtcp);
        let mut forgotten = 0;
        rtcp.retain(|ssrc, window| {
            let stream = rtp.find(ssrc);
            let idle = window.is_resting() && stream.is_none_or(RtpStream::is_resting);
            forgotten += usize::from(idle && stream.is_none());
            !idle
        });
        // Of the streams that rest, those that kept their RTCP have some going on.
        forgotten += rtp.retain(|ssrc, stream| !stream.is_resting() || rtcp.find(ssrc).is_some());
        rtp.states_mut().for_each(RtpStream::rest);
        rtcp.states_mut().for_each(ReplayWindow::rest);
        let is_open = |ssrc| rtp.find(ssrc).is_some() || rtcp.find(ssrc).is_some();
        self.last.retain(is_open);
        forgotten
    }

    /// The profile of its keys.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.keys.any().profile()
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// What was taken and refused.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.stats
    }

    /// How many RTP streams are open.
    #[must_use]
    pub const fn rtp_streams(&self) -> usize {
        self.rtp.len()
    }

    /// How many RTCP streams are open.
    #[must_use]
    pub const fn rtcp_streams(&self) -> usize {
        self.rtcp.len()
    }
}
