//! Which parts of a message have come, or have arrived at the other side.

use smallvec::SmallVec;

/// Separate parts that are kept.
const LIMIT: usize = 32;

/// Parts of a message as start and end offsets: sorted, apart from each other.
#[derive(Debug, Default)]
pub(super) struct Ranges(SmallVec<[(usize, usize); 1]>);

impl Ranges {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.0.iter().copied()
    }

    /// Whether everything from 0 to `length` is there; for an empty message the empty part has to
    /// have been added.
    pub(super) fn covers(&self, length: usize) -> bool {
        self.0.first() == Some(&(0, length))
    }

    /// Adds a part, joining those that touch it. `false` when there would be too many.
    pub(super) fn add(&mut self, start: usize, end: usize) -> bool {
        let ranges = &mut self.0;
        let first = ranges.partition_point(|&(_, to)| to < start);
        let touching = ranges
            .iter()
            .skip(first)
            .take_while(|&&(from, _)| from <= end)
            .count();
        if touching == 0 && ranges.len() >= LIMIT {
            return false;
        }
        let joined = ranges
            .iter()
            .skip(first)
            .take(touching)
            .fold((start, end), |joined, part| {
                (joined.0.min(part.0), joined.1.max(part.1))
            });
        ranges.drain(first..first + touching);
        ranges.insert(first, joined);
        true
    }

    /// The first part at or behind `offset` that is not there, in a message of this length.
    pub(super) fn gap(&self, offset: usize, length: usize) -> Option<(usize, usize)> {
        let mut start = offset;
        for (from, to) in self.iter() {
            if from > start {
                return Some((start, from.min(length))).filter(|gap| gap.0 < gap.1);
            }
            start = start.max(to);
        }
        (start < length).then_some((start, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_and_gaps_are_what_is_between() {
        let mut ranges = Ranges::default();
        assert!(!ranges.covers(0));
        for (start, end) in [(10, 20), (30, 40), (20, 25)] {
            assert!(ranges.add(start, end));
        }
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(10, 25), (30, 40)]);
        assert_eq!(ranges.gap(0, 50), Some((0, 10)));
        assert_eq!(ranges.gap(5, 50), Some((5, 10)));
        assert_eq!(ranges.gap(10, 50), Some((25, 30)));
        assert_eq!(ranges.gap(33, 50), Some((40, 50)));
        assert_eq!(ranges.gap(33, 40), None);
        assert!(ranges.add(0, 40));
        assert!(ranges.covers(40));
        let mut empty = Ranges::default();
        assert!(empty.add(0, 0) && empty.covers(0));
    }

    #[test]
    fn separate_parts_are_bounded() {
        let mut ranges = Ranges::default();
        assert!((0..LIMIT).all(|index| ranges.add(2 * index, 2 * index + 1)));
        assert!(!ranges.add(9000, 9001));
        assert!(ranges.add(1, 2));
    }
}
