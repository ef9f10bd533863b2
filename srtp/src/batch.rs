//! Many packets of many streams in one call.

use core::fmt;

use crate::demux::is_rtcp;
use crate::error::{Malformed, ProtectError, UnprotectError};
use crate::{Receiver, Sender};

/// A packet of a batch: the buffer it stands in, and what became of it. `Debug` shows the latter alone.
///
/// A batch is for one call. Given to a second one, what was protected would be protected again (and
/// refused, as its sequence number was used), and what was refused is passed over. A packet
/// to be tried again, say after a change of keys, goes into another batch, as it was before: a
/// [`Sender`] leaves what it refuses unchanged, a [`Receiver`] does not.
///
/// ```
/// use srtp::{BatchPacket, MasterKey, Profile, Sender, TRAILER_MAX};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut sender = Sender::new(MasterKey::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12])?);
/// let mut bufs = [[0x80; 172 + TRAILER_MAX]; 3];
/// for (number, buf) in bufs.iter_mut().enumerate() {
///     buf[3] = number as u8;
/// }
/// let mut batch = bufs.each_mut().map(|buf| BatchPacket::new(buf, 172));
/// sender.protect_rtp_batch(&mut batch);
/// for packet in &batch {
///     let sealed = packet.bytes()?;
///     assert_eq!(sealed.len(), 172 + 16);
/// }
/// # Ok(())
/// # }
/// ```
pub struct BatchPacket<'b, E> {
    /// The packet, and behind it room for the trailer if it is to be protected.
    pub buf: &'b mut [u8],
    /// The packet's length in bytes at the beginning of `buf`: before the call as it came, after
    /// the call as it is then, or why it was refused. A packet that is refused before the call
    /// is passed over.
    pub len: Result<usize, E>,
}

impl<'b, E: Copy> BatchPacket<'b, E> {
    /// The packet in the first `len` bytes of `buf`.
    #[must_use]
    pub const fn new(buf: &'b mut [u8], len: usize) -> Self {
        Self { buf, len: Ok(len) }
    }

    /// The packet, or why it was refused.
    ///
    /// # Errors
    /// The reason in `len`.
    pub fn bytes(&self) -> Result<&[u8], E> {
        self.len.map(|len| self.buf.get(..len).unwrap_or_default())
    }
}

impl<E: fmt::Debug> fmt::Debug for BatchPacket<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchPacket")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// Protects RTP packets as [`protect_rtp`](Self::protect_rtp) does, each with its own result,
    /// and gives the number of those that were protected.
    pub fn protect_rtp_batch<'i, 'b: 'i>(
        &mut self,
        packets: impl IntoIterator<Item = &'i mut BatchPacket<'b, ProtectError>>,
    ) -> usize {
        let mut protected = 0;
        for packet in packets {
            if let Ok(len) = packet.len {
                packet.len = self.protect_rtp(packet.buf, len);
                protected += usize::from(packet.len.is_ok());
            }
        }
        protected
    }
}

impl Receiver {
    /// Opens the packets of a multiplexed session, SRTP and SRTCP ([`is_rtcp`] tells, before
    /// and after), each with its own result, and gives the number of those that were taken. As
    /// [`unprotect_rtp`](Self::unprotect_rtp) and [`unprotect_rtcp`](Self::unprotect_rtcp).
    pub fn unprotect_batch<'i, 'b: 'i>(
        &mut self,
        packets: impl IntoIterator<Item = &'i mut BatchPacket<'b, UnprotectError>>,
    ) -> usize {
        let mut taken = 0;
        for BatchPacket { buf, len } in packets {
            let Ok(needed) = *len else { continue };
            let found = buf.len();
            *len = match buf.get_mut(..needed) {
                Some(packet) if is_rtcp(packet) => self.unprotect_rtcp(packet),
                Some(packet) => self.unprotect_rtp(packet),
                None => {
                    let error = Malformed::TooShort { needed, found }.into();
                    self.stats.count(error);
                    Err(error)
                }
            };
            taken += usize::from(len.is_ok());
        }
        taken
    }
}
