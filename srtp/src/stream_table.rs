//! Streams by SSRC: bounded, ordered, and quick for the stream just used.

/// A table with no room for one more stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) limit: usize,
}

/// A bounded map from SSRC to the state of its stream.
///
/// Ordered vectors and not a hash map: a few streams are found without hashing, and nobody can
/// choose SSRCs that make look-up slow.
#[derive(Debug)]
pub(crate) struct StreamTable<S> {
    ssrcs: Vec<u32>,
    /// The state of `ssrcs` at the same place.
    states: Vec<S>,
    /// Place of the stream just used: packets come in runs of one stream.
    last: usize,
    limit: usize,
}

impl<S> StreamTable<S> {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            ssrcs: Vec::new(),
            states: Vec::new(),
            last: 0,
            limit,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.ssrcs.len()
    }

    /// Whether one more stream may come.
    pub(crate) const fn check_room(&self) -> Result<(), Full> {
        if self.ssrcs.len() >= self.limit {
            return Err(Full { limit: self.limit });
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn find_mut(&mut self, ssrc: u32) -> Option<&mut S> {
        if self.ssrcs.get(self.last) != Some(&ssrc) {
            self.last = self.ssrcs.binary_search(&ssrc).ok()?;
        }
        self.states.get_mut(self.last)
    }

    pub(crate) fn find(&self, ssrc: u32) -> Option<&S> {
        self.ssrcs
            .binary_search(&ssrc)
            .ok()
            .and_then(|place| self.states.get(place))
    }

    /// Adds a stream. One that is there already stays as it is.
    pub(crate) fn insert(&mut self, ssrc: u32, state: S) -> Result<(), Full> {
        self.check_room()?;
        if let Err(place) = self.ssrcs.binary_search(&ssrc) {
            self.ssrcs.insert(place, ssrc);
            self.states.insert(place, state);
            self.last = place;
        }
        Ok(())
    }

    /// Keeps the streams that `keep` says and gives the number of the others.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32, &S) -> bool) -> usize {
        let before = self.len();
        let streams = self.ssrcs.iter().zip(&self.states);
        let kept: Vec<bool> = streams.map(|(&ssrc, state)| keep(ssrc, state)).collect();
        let mut kept_ssrcs = kept.iter();
        self.ssrcs.retain(|_| kept_ssrcs.next() == Some(&true));
        let mut kept_states = kept.iter();
        self.states.retain(|_| kept_states.next() == Some(&true));
        before - self.len()
    }

    /// The state of every stream.
    pub(crate) fn states_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.states.iter_mut()
    }

    /// Takes a stream out.
    pub(crate) fn remove(&mut self, ssrc: u32) -> Option<S> {
        let place = self.ssrcs.binary_search(&ssrc).ok()?;
        self.ssrcs.remove(place);
        Some(self.states.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_inserted_up_to_the_limit() {
        let mut table = StreamTable::new(3);
        for ssrc in [7, 1, 4] {
            assert_eq!(table.insert(ssrc, ssrc * 10), Ok(()));
        }
        assert_eq!(table.insert(9, 90), Err(Full { limit: 3 }));
        assert_eq!(table.len(), 3);
        for ssrc in [1, 4, 7, 4, 4, 1] {
            assert_eq!(table.find_mut(ssrc), Some(&mut (ssrc * 10)));
        }
        assert_eq!(table.find_mut(9), None);
        assert_eq!(table.remove(4), Some(40));
        assert_eq!(table.find_mut(4), None);
        assert_eq!(table.find(7), Some(&70));
        assert_eq!(table.insert(9, 90), Ok(()));
        assert_eq!(table.find_mut(9), Some(&mut 90));
    }

    #[test]
    fn retains_ssrcs_with_their_states() {
        let mut table = StreamTable::new(10);
        for ssrc in 0..10 {
            table.insert(ssrc, ssrc * 10).unwrap();
        }
        assert_eq!(table.retain(|ssrc, state| ssrc % 3 == 0 && *state < 90), 7);
        for ssrc in 0..10 {
            let expected = [0, 3, 6].contains(&ssrc).then_some(ssrc * 10);
            assert_eq!(table.find(ssrc).copied(), expected);
            assert_eq!(table.find_mut(ssrc).copied(), expected);
        }
    }
}
