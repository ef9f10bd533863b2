//! Sequence numbers of RTP, which wrap around (RFC 3550 §5.1, §A.1).

/// Packets that may be lost in a row before a source counts as begun anew (RFC 3550 §A.1).
const MAX_DROPOUT: u16 = 3000;

/// Packets by which one may come late (RFC 3550 §A.1).
pub(super) const MAX_MISORDER: u16 = 100;

/// Whether a number lies ahead of another, or is the same.
pub(super) fn is_newer(sequence: u16, than: u16) -> bool {
    sequence.wrapping_sub(than) < 1 << 15
}

/// Whether losses and reordering explain a number in a source whose newest one is known.
pub(super) fn continues(newest: u16, sequence: u16) -> bool {
    sequence.wrapping_sub(newest) < MAX_DROPOUT || newest.wrapping_sub(sequence) <= MAX_MISORDER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_around_the_wrap() {
        assert!(is_newer(0, 65535) && is_newer(5, 5) && !is_newer(65535, 0));
        for (sequence, expected) in [
            (65_535, true),
            (2998, true),
            (2999, false),
            (65_435, true),
            (65_434, false),
        ] {
            assert_eq!(continues(65_535, sequence), expected, "{sequence}");
        }
    }
}
