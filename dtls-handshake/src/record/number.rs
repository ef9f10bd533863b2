//! Record numbers: whole ones, and the way back from the low bits that travel.

/// The number of a record (RFC 9147 §4): its epoch, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordNumber {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
}

/// The number nearest to `expected` whose low `bits` bits are `low` (RFC 9147 §4.2.2); `expected`
/// is one more than the highest number seen.
pub(crate) fn reconstruct(expected: u64, low: u16, bits: u32) -> u64 {
    let span = 1_u64 << bits;
    let candidate = expected & !(span - 1) | u64::from(low);
    let half = span / 2;
    if candidate > expected + half {
        candidate.checked_sub(span).unwrap_or(candidate)
    } else if candidate + half <= expected {
        candidate + span
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_number_is_taken() {
        for (expected, low, bits, whole) in [
            (0, 0, 8, 0),
            (0, 255, 8, 255),
            (1, 0, 16, 0),
            (300, 44, 8, 300),
            (300, 43, 8, 299),
            (256, 255, 8, 255),
            (255, 0, 8, 256),
            (255, 3, 8, 259),
            (0x1_0000, 0xFFFF, 16, 0xFFFF),
            (0xFFFF, 0, 16, 0x1_0000),
            (0x2_0005, 0x8005, 16, 0x2_8005),
        ] {
            assert_eq!(reconstruct(expected, low, bits), whole, "{expected} {low}");
        }
        for expected in (0..1 << 20).step_by(77) {
            for offset in [-127_i64, -1, 0, 1, 127] {
                if let Some(whole) = expected_plus(expected, offset) {
                    assert_eq!(reconstruct(expected, (whole & 0xFF) as u16, 8), whole);
                    assert_eq!(reconstruct(expected, whole as u16, 16), whole);
                }
            }
        }
    }

    fn expected_plus(expected: u64, offset: i64) -> Option<u64> {
        expected.checked_add_signed(offset)
    }
}
