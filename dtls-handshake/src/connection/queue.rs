//! Bounded queues of application data.

use std::collections::VecDeque;

/// Records that wait, in their order, up to a number of bytes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// What may wait in one direction, in bytes.
const LIMIT: usize = 64 * 1024;
/// What each item counts beside its bytes, so that empty ones are bounded too.
const ITEM_COST: usize = 64;

impl Queue {
    /// `false` when there is no room.
    pub(super) fn push(&mut self, data: &[u8]) -> bool {
        let cost = data.len() + ITEM_COST;
        if self.bytes + cost > LIMIT {
            return false;
        }
        self.bytes += cost;
        self.items.push_back(data.to_vec());
        true
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let data = self.items.pop_front()?;
        self.bytes -= data.len() + ITEM_COST;
        Some(data)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let mut queue = Queue::default();
        let mut taken = 0;
        while queue.push(&[]) {
            taken += 1;
        }
        assert_eq!(taken, 1024);
        assert!(queue.pop().is_some());
        assert!(queue.push(&[]));
        queue.clear();
        assert!(queue.push(&[1; 60_000]));
        assert!(!queue.push(&[1; 60_000]));
        assert_eq!(queue.pop().unwrap().len(), 60_000);
        assert!(queue.pop().is_none());
    }
}
