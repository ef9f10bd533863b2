//! The replay window (RFC 6347 §4.1.2.6, RFC 9147 §4.5.1).

/// Which of the last 64 record numbers of an epoch have come. Marked only by records that
/// authenticated, so that nobody else can move it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplayWindow {
    /// One more than the highest number seen; 0 before the first.
    next: u64,
    /// Bit `i` stands for the number `next - 1 - i`.
    seen: u64,
}

impl ReplayWindow {
    const WIDTH: u64 = u64::BITS as u64;

    /// All numbers below this one have come.
    pub(crate) fn after(next: u64) -> Self {
        Self {
            next,
            seen: u64::MAX,
        }
    }

    /// One more than the highest number that has come.
    pub(crate) fn expected(&self) -> u64 {
        self.next
    }

    pub(crate) fn is_new(&self, sequence: u64) -> bool {
        match (self.next.checked_sub(1)).and_then(|highest| highest.checked_sub(sequence)) {
            None => true,
            Some(age) => age < Self::WIDTH && self.seen & (1 << age) == 0,
        }
    }

    pub(crate) fn mark(&mut self, sequence: u64) {
        if sequence >= self.next {
            let shift = sequence + 1 - self.next;
            self.seen = if shift < Self::WIDTH {
                self.seen << shift
            } else {
                0
            };
            self.seen |= 1;
            self.next = sequence + 1;
        } else {
            let age = self.next - 1 - sequence;
            if age < Self::WIDTH {
                self.seen |= 1 << age;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_once() {
        let mut window = ReplayWindow::default();
        for sequence in [0, 5, 3, 4, 70] {
            assert!(window.is_new(sequence));
            window.mark(sequence);
            assert!(!window.is_new(sequence));
        }
    }

    #[test]
    fn the_window_is_64_wide() {
        let mut window = ReplayWindow::default();
        window.mark(100);
        assert!(!window.is_new(36));
        assert!(window.is_new(37));
        window.mark(37);
        assert!(!window.is_new(37));
        window.mark(164);
        assert!(!window.is_new(100));
        assert!(window.is_new(101));
    }

    #[test]
    fn the_largest_number_is_a_number() {
        let mut window = ReplayWindow::default();
        let largest = (1 << 48) - 1;
        window.mark(largest);
        assert!(!window.is_new(largest));
        assert!(window.is_new(largest - 1));
    }
}
