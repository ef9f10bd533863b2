//! Where a datagram of a shared port belongs, as far as SRTP is concerned.

/// Whether a datagram is RTP, RTCP or their protected forms: its first byte is 128 to 191
/// (RFC 7983 §7). A datagram of one byte is neither.
#[inline]
#[must_use]
pub fn is_rtp_or_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, _, ..])
}

/// Whether a datagram of a multiplexed RTP session is RTCP: payload types 64 to 95, with or
/// without the marker bit, are left to RTCP (RFC 5761 §4).
#[inline]
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    is_rtp_or_rtcp(datagram)
        && matches!(datagram, [_, second, ..] if matches!(second & 0x7f, 64..=95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_payload_types_64_to_95_are_rtcp() {
        for second in 0..=255u8 {
            let rtcp = (64..=95).contains(&second) || (192..=223).contains(&second);
            assert_eq!(is_rtcp(&[0x80, second]), rtcp, "{second}");
        }
    }

    #[test]
    fn first_bytes_128_to_191_are_ours() {
        for first in 0..=255u8 {
            assert_eq!(
                is_rtp_or_rtcp(&[first, 0]),
                (128..=191).contains(&first),
                "{first}"
            );
            assert!(!is_rtp_or_rtcp(&[first]));
        }
        assert!(!is_rtp_or_rtcp(&[]));
    }
}
