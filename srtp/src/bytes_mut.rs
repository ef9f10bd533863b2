//! Packets in a [`BytesMut`] that holds the packet and nothing else (feature `bytes`).

use bytes::BytesMut;

use crate::error::{ProtectError, UnprotectError};
use crate::{Receiver, Sender};

impl Sender {
    /// Protects the RTP packet that `packet` is. It grows by the
    /// [overhead](Self::rtp_overhead): without allocation when its capacity holds that.
    ///
    /// # Errors
    /// [`ProtectError`]; then `packet` is unchanged.
    pub fn protect_rtp_bytes(&mut self, packet: &mut BytesMut) -> Result<(), ProtectError> {
        let overhead = self.rtp_overhead();
        in_place(packet, overhead, |buf, len| self.protect_rtp(buf, len))
    }

    /// Protects the RTCP packet, compound or not, that `packet` is. It grows by the
    /// [overhead](Self::rtcp_overhead): without allocation when its capacity holds that.
    ///
    /// # Errors
    /// [`ProtectError`]; then `packet` is unchanged.
    pub fn protect_rtcp_bytes(&mut self, packet: &mut BytesMut) -> Result<(), ProtectError> {
        let overhead = self.rtcp_overhead();
        in_place(packet, overhead, |buf, len| self.protect_rtcp(buf, len))
    }
}

impl Receiver {
    /// Verifies and decrypts the SRTP packet that `packet` is, and cuts it to the RTP packet.
    ///
    /// # Errors
    /// [`UnprotectError`]; then the contents of `packet` are not to be used any more.
    pub fn unprotect_rtp_bytes(&mut self, packet: &mut BytesMut) -> Result<(), UnprotectError> {
        let len = self.unprotect_rtp(packet)?;
        packet.truncate(len);
        Ok(())
    }

    /// Verifies and decrypts the SRTCP packet that `packet` is, and cuts it to the RTCP packet.
    ///
    /// # Errors
    /// [`UnprotectError`]; then the contents of `packet` are not to be used any more.
    pub fn unprotect_rtcp_bytes(&mut self, packet: &mut BytesMut) -> Result<(), UnprotectError> {
        let len = self.unprotect_rtcp(packet)?;
        packet.truncate(len);
        Ok(())
    }
}

/// Makes room behind the packet, protects it there and cuts what is left of the room.
fn in_place(
    packet: &mut BytesMut,
    overhead: usize,
    protect: impl FnOnce(&mut [u8], usize) -> Result<usize, ProtectError>,
) -> Result<(), ProtectError> {
    let len = packet.len();
    packet.resize(len.saturating_add(overhead), 0);
    let protected = protect(packet, len);
    packet.truncate(protected.unwrap_or(len));
    protected.map(|_| ())
}
