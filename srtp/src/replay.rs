//! The replay window (RFC 3711 §3.3.2) and why it refuses an index.

use crate::packet_index::NoIndex;

/// Why an index may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It was used before.
    Repeated,
    /// It lies behind the window, or before index 0.
    TooOld,
    /// It lies beyond the last index.
    Exhausted,
}

impl From<NoIndex> for Refusal {
    fn from(reason: NoIndex) -> Self {
        match reason {
            NoIndex::BelowZero => Self::TooOld,
            NoIndex::Exhausted => Self::Exhausted,
        }
    }
}

const WORD_BITS: u64 = u64::BITS as u64;

/// Which of the last `size` indices were used.
///
/// The bits stand in a ring of words, each index always at the same place, so that moving
/// forward clears words and shifts nothing.
#[derive(Debug)]
pub(crate) struct ReplayWindow {
    size: u64,
    /// One past the highest index used; 0 before the first.
    next: u64,
    /// A power of two of words, at least one more than `size` needs: the word that the highest
    /// index shares with indices ahead of it.
    ring: Box<[u64]>,
    /// No index was used since `rest`.
    resting: bool,
}

impl ReplayWindow {
    pub(crate) fn new(size: u16) -> Self {
        let words = (usize::from(size).div_ceil(64) + 1).next_power_of_two();
        Self {
            size: u64::from(size),
            next: 0,
            ring: vec![0; words].into_boxed_slice(),
            resting: false,
        }
    }

    /// Rests until the next index is used, or somebody wakes it.
    pub(crate) fn rest(&mut self) {
        self.resting = true;
    }

    pub(crate) fn wake(&mut self) {
        self.resting = false;
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.resting
    }

    /// The highest index used.
    #[inline]
    pub(crate) fn highest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Whether `index` is still free.
    #[inline]
    pub(crate) fn check(&self, index: u64) -> Result<(), Refusal> {
        if index >= self.next {
            return Ok(());
        }
        if index + self.size < self.next {
            return Err(Refusal::TooOld);
        }
        match self.ring.get(self.place(index)) {
            Some(word) if word & bit(index) == 0 => Ok(()),
            _ => Err(Refusal::Repeated),
        }
    }

    /// Marks `index` as used. The caller has asked `check`.
    #[inline]
    pub(crate) fn mark(&mut self, index: u64) {
        if index >= self.next {
            self.advance(index);
        }
        let place = self.place(index);
        if let Some(word) = self.ring.get_mut(place) {
            *word |= bit(index);
        }
        self.resting = false;
    }

    /// Moves the highest index forward and clears the words that come to stand for new indices.
    fn advance(&mut self, index: u64) {
        let first_new = self.next.div_ceil(WORD_BITS);
        let last_new = index / WORD_BITS;
        let words = self.ring.len() as u64;
        for word in first_new.max((last_new + 1).saturating_sub(words))..=last_new {
            let place = self.place(word * WORD_BITS);
            if let Some(word) = self.ring.get_mut(place) {
                *word = 0;
            }
        }
        self.next = index + 1;
    }

    #[inline]
    fn place(&self, index: u64) -> usize {
        // The ring's length is a power of two; what the cast could cut off is masked anyway.
        (index / WORD_BITS) as usize & (self.ring.len() - 1)
    }
}

#[inline]
fn bit(index: u64) -> u64 {
    1 << (index % WORD_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use std::collections::BTreeSet;

    #[test]
    fn a_window_of_64_reaches_63_back() {
        let mut window = ReplayWindow::new(64);
        window.mark(100);
        assert_eq!(window.check(37), Ok(()));
        assert_eq!(window.check(36), Err(Refusal::TooOld));
        assert_eq!(window.check(100), Err(Refusal::Repeated));
        window.mark(37);
        assert_eq!(window.check(37), Err(Refusal::Repeated));
    }

    proptest! {
        /// Against a set of all indices ever used.
        #[test]
        fn behaves_like_a_set(
            size in 64u16..=1000,
            start in 0u64..200_000,
            steps in vec((any::<bool>(), 0u64..2500), 1..400),
        ) {
            let mut window = ReplayWindow::new(size);
            let mut used = BTreeSet::new();
            let mut at = start;
            for (forward, step) in steps {
                let step = if forward { step / 8 } else { step / 2 };
                let index = if forward { at + step } else { at.saturating_sub(step) };
                let expected = match used.last() {
                    Some(&highest) if index + u64::from(size) <= highest => Err(Refusal::TooOld),
                    _ if used.contains(&index) => Err(Refusal::Repeated),
                    _ => Ok(()),
                };
                assert_eq!(window.check(index), expected);
                if expected.is_ok() {
                    window.mark(index);
                    used.insert(index);
                    at = at.max(index);
                }
                assert_eq!(window.highest(), used.last().copied());
            }
        }
    }
}
