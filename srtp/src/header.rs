//! The bounds-checked reader of RTP and RTCP headers.

use crate::error::Malformed;

/// The longest packet, protected: what a UDP datagram or an RFC 4571 frame can carry (bytes).
/// It also keeps a packet far below the 2^16 blocks that AES-CM may make (RFC 3711 §4.1.1).
pub(crate) const PACKET_MAX: usize = 65_535;

/// Fixed part of an RTP header (RFC 3550 §5.1).
pub(crate) const RTP_FIXED_LEN: usize = 12;

/// One CSRC identifier (RFC 3550 §5.1).
const CSRC_LEN: usize = 4;

/// Profile and length of a header extension (RFC 3550 §5.3.1).
pub(crate) const EXTENSION_WORD_LEN: usize = 4;

/// The part of an RTCP packet that stays in the clear: first word and sender (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR_LEN: usize = 8;

/// The header of an RTP packet (RFC 3550 §5.1): fixed part, CSRC list and header extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtpHeader {
    /// The P bit: the payload ends in padding. The padding itself is not looked at.
    pub padding: bool,
    /// The X bit: a header extension follows the CSRC list.
    pub extension: bool,
    /// How many CSRC identifiers follow the fixed part, 0 to 15.
    pub csrc_count: u8,
    /// The M bit.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence_number: u16,
    /// Timestamp, in units of the payload type's clock.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
    /// Length of the whole header in bytes: the payload begins here.
    pub len: usize,
}

impl RtpHeader {
    /// Reads the header at the beginning of `packet`.
    ///
    /// # Errors
    /// [`Malformed`] when the version is not 2 or the header, with its CSRC list and extension,
    /// does not fit into `packet`.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        let Some(&[first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]) =
            packet.first_chunk::<RTP_FIXED_LEN>()
        else {
            return Err(too_short(packet, RTP_FIXED_LEN));
        };
        check_version(first)?;
        let extension = first & 0x10 != 0;
        let csrc_count = first & 0x0f;
        Ok(Self {
            padding: first & 0x20 != 0,
            extension,
            csrc_count,
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence_number: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            len: header_len(packet, extension, csrc_count)?,
        })
    }

    /// Length of the CSRC list in bytes.
    pub(crate) const fn csrcs_len(&self) -> usize {
        CSRC_LEN * self.csrc_count as usize
    }

    /// Where the CSRC list ends: profile and length of an extension stand there.
    pub(crate) const fn csrcs_end(&self) -> usize {
        RTP_FIXED_LEN + self.csrcs_len()
    }

    /// The kind of the extension of `packet`, which has this header: its field "defined by
    /// profile" (RFC 3550 §5.3.1). `None` without an extension.
    pub(crate) fn extension_profile(&self, packet: &[u8]) -> Option<u16> {
        let word = packet.get(self.csrcs_end()..)?.first_chunk();
        let word = word.filter(|_| self.extension);
        word.copied().map(u16::from_be_bytes)
    }
}

/// Length of fixed part, CSRC list and extension (RFC 3550 §5.1, §5.3.1). The extension counts
/// its 32-bit words in 16 bits: the sum needs 19 bits and is made in `usize`.
#[inline]
fn header_len(packet: &[u8], extension: bool, csrc_count: u8) -> Result<usize, Malformed> {
    let mut len = RTP_FIXED_LEN + CSRC_LEN * usize::from(csrc_count);
    if extension {
        let Some(&[_, _, high, low]) = packet.get(len..).and_then(<[u8]>::first_chunk::<4>) else {
            return Err(too_short(packet, len + EXTENSION_WORD_LEN));
        };
        len += EXTENSION_WORD_LEN + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    if len > packet.len() {
        return Err(too_short(packet, len));
    }
    Ok(len)
}

/// The sender of an RTCP packet, the only field SRTCP needs (RFC 3550 §6.4).
#[inline]
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Result<u32, Malformed> {
    let Some(&[first, _, _, _, r0, r1, r2, r3]) = packet.first_chunk::<RTCP_CLEAR_LEN>() else {
        return Err(too_short(packet, RTCP_CLEAR_LEN));
    };
    check_version(first)?;
    Ok(u32::from_be_bytes([r0, r1, r2, r3]))
}

/// A protected packet is no longer than a datagram.
#[inline]
pub(crate) fn check_len(len: usize) -> Result<(), Malformed> {
    if len > PACKET_MAX {
        return Err(Malformed::TooLong {
            limit: PACKET_MAX,
            found: len,
        });
    }
    Ok(())
}

/// A packet holds at least `needed` bytes.
#[inline]
pub(crate) fn check_min(packet: &[u8], needed: usize) -> Result<(), Malformed> {
    if packet.len() < needed {
        return Err(too_short(packet, needed));
    }
    Ok(())
}

fn too_short(packet: &[u8], needed: usize) -> Malformed {
    Malformed::TooShort {
        needed,
        found: packet.len(),
    }
}

#[inline]
fn check_version(first: u8) -> Result<(), Malformed> {
    match first >> 6 {
        2 => Ok(()),
        found => Err(Malformed::Version { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_csrc_and_extension() {
        let mut packet = vec![0xb2, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0xca, 0xfe, 0xba, 0xbe];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 2]);
        packet.extend([0; 8]);
        let header = RtpHeader::parse(&packet).unwrap();
        let expected = RtpHeader {
            padding: true,
            extension: true,
            csrc_count: 2,
            marker: true,
            payload_type: 96,
            sequence_number: 0x1234,
            timestamp: 9,
            ssrc: 0xcafe_babe,
            len: 32,
        };
        assert_eq!(header, expected);
        for cut in 0..packet.len() {
            let refused = RtpHeader::parse(&packet[..cut]).unwrap_err();
            assert!(matches!(refused, Malformed::TooShort { found, .. } if found == cut));
        }
    }

    #[test]
    fn an_extension_of_65535_words_does_not_overflow() {
        let mut packet = vec![
            0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff,
        ];
        packet.resize(100, 0);
        let needed = 12 + 4 + 4 * 65_535;
        assert_eq!(
            RtpHeader::parse(&packet),
            Err(Malformed::TooShort { needed, found: 100 })
        );
    }

    #[test]
    fn only_version_2() {
        for version in [0, 1, 3] {
            let packet = [version << 6; 12];
            assert_eq!(
                RtpHeader::parse(&packet),
                Err(Malformed::Version { found: version })
            );
            assert_eq!(
                rtcp_ssrc(&packet),
                Err(Malformed::Version { found: version })
            );
        }
    }
}
