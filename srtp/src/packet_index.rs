//! The 48-bit index of an RTP packet: roll-over counter and sequence number (RFC 3711 §3.3.1).

/// Greatest SRTCP index, 2^31 - 1 (RFC 3711 §3.4).
pub(crate) const RTCP_INDEX_MAX: u32 = (1 << 31) - 1;

/// Half of the sequence number space.
const HALF: u16 = 1 << 15;

/// An estimate that is no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoIndex {
    /// The packet would belong to roll-over -1.
    BelowZero,
    /// The packet would belong to roll-over 2^32.
    Exhausted,
}

/// The index made of a roll-over counter and a sequence number.
#[inline]
pub(crate) fn compose(roc: u32, sequence_number: u16) -> u64 {
    u64::from(roc) << 16 | u64::from(sequence_number)
}

/// The roll-over counter of an index.
#[inline]
pub(crate) const fn roc(index: u64) -> u32 {
    // An index has 48 bits: nothing is cut off.
    (index >> 16) as u32
}

/// The index of the packet with `sequence_number`, in a stream whose highest index so far is
/// `highest`: the one of roll-overs -1, 0, +1 that lies nearest (RFC 3711 §3.3.1, appendix A).
///
/// At a distance of exactly half the space the packet is taken to be of the same roll-over.
#[inline]
pub(crate) fn estimate(highest: u64, sequence_number: u16) -> Result<u64, NoIndex> {
    let roc = roc(highest);
    let last = (highest & 0xffff) as u16;
    let guess = if last < HALF {
        if sequence_number > last + HALF {
            roc.checked_sub(1).ok_or(NoIndex::BelowZero)?
        } else {
            roc
        }
    } else if sequence_number < last - HALF {
        roc.checked_add(1).ok_or(NoIndex::Exhausted)?
    } else {
        roc
    };
    Ok(compose(guess, sequence_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_at_the_edges_of_half_the_space() {
        let at = |roc, last, next| estimate(compose(roc, last), next);
        assert_eq!(at(0, 0, 32_767), Ok(32_767));
        assert_eq!(at(0, 0, 32_768), Ok(32_768));
        assert_eq!(at(0, 0, 32_769), Err(NoIndex::BelowZero));
        assert_eq!(at(1, 0, 32_769), Ok(32_769));
        assert_eq!(at(1, 0, 65_535), Ok(65_535));
        assert_eq!(at(0, 65_535, 0), Ok(65_536));
        assert_eq!(at(0, 65_535, 32_766), Ok(65_536 + 32_766));
        assert_eq!(at(0, 65_535, 32_767), Ok(32_767));
        assert_eq!(at(0, 32_768, 0), Ok(0));
        assert_eq!(at(u32::MAX, 65_535, 0), Err(NoIndex::Exhausted));
        assert_eq!(at(u32::MAX, 65_534, 65_535), Ok((1 << 48) - 1));
    }

    #[test]
    fn the_estimate_is_the_nearest_index() {
        for last in (0..=65_535u16).step_by(251) {
            for next in (0..=65_535u16).step_by(257) {
                let highest = compose(7, last);
                let found = estimate(highest, next).unwrap();
                let distance = found.abs_diff(highest);
                assert!(distance <= 32_768, "{last} {next}");
                assert_eq!(found & 0xffff, u64::from(next));
            }
        }
    }
}
