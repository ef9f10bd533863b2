//! The RTP header (RFC 3550 §5.1), as much of it as a bridge keeps.

use std::ops::Range;

use srtp::RtpHeader;

/// Octets of a header without CSRC list and extension.
pub const HEADER_LEN: usize = 12;

/// The fields that survive a bridge. CSRC list, header extension and padding end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Set on the first packet of a talk spurt or of a DTMF event.
    pub marker: bool,
    /// 7 bits.
    pub payload_type: u8,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples, in the clock of the payload type.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Reads the header and says where the payload stands, without padding.
    ///
    /// `None` for anything that is not a whole RTP packet of version 2.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<(Self, Range<usize>)> {
        let read = RtpHeader::parse(packet).ok()?;
        let padding = if read.padding {
            usize::from(*packet.last()?).max(1)
        } else {
            0
        };
        let end = packet.len().checked_sub(padding)?;
        if read.len > end {
            return None;
        }
        let header = Self {
            marker: read.marker,
            payload_type: read.payload_type,
            sequence: read.sequence_number,
            timestamp: read.timestamp,
            ssrc: read.ssrc,
        };
        Some((header, read.len..end))
    }

    /// The 12 octets of the header: version 2, no padding, no extension, no CSRC.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let kind = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        [0x80, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }

    /// Writes the header right in front of `payload`, over what stood there before.
    ///
    /// `None` if fewer than 12 octets stand before the payload.
    pub fn write_before(self, buf: &mut [u8], payload: Range<usize>) -> Option<Range<usize>> {
        let start = payload.start.checked_sub(HEADER_LEN)?;
        buf.get_mut(start..payload.start)?
            .copy_from_slice(&self.to_bytes());
        Some(start..payload.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 101,
        sequence: 0x1234,
        timestamp: 0x0102_0304,
        ssrc: 0xaabb_ccdd,
    };

    #[test]
    fn a_written_header_reads_back() {
        let mut buf = [0xee; 20];
        let range = HEADER.write_before(&mut buf, 14..20).unwrap();
        assert_eq!(range, 2..20);
        assert_eq!(Header::parse(&buf[range]), Some((HEADER, 12..18)));
        assert_eq!(HEADER.write_before(&mut buf, 11..20), None);
    }

    #[test]
    fn csrc_extension_and_padding_stay_outside_the_payload() {
        let mut packet = HEADER.to_bytes().to_vec();
        packet[0] |= 0x30 | 2; // padding, extension, two CSRCs
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        packet.extend(b"voice");
        packet.extend([0, 0, 3]);
        let (header, payload) = Header::parse(&packet).unwrap();
        assert_eq!((header, &packet[payload]), (HEADER, &b"voice"[..]));
    }

    #[test]
    fn every_truncation_and_every_lie_about_a_length_is_refused() {
        let mut packet = HEADER.to_bytes().to_vec();
        packet[0] |= 0x10;
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        for len in 0..packet.len() {
            assert_eq!(Header::parse(&packet[..len]), None, "{len}");
        }
        assert!(Header::parse(&packet).is_some());
        let mut padded = HEADER.to_bytes().to_vec();
        padded[0] |= 0x20;
        padded.extend([1, 2, 200]);
        assert_eq!(Header::parse(&padded), None, "more padding than packet");
    }
}
