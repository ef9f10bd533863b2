//! What goes wrong again and again, told once a minute for each kind.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(60);

/// When which kind of failure was told last.
#[derive(Debug, Default)]
pub(super) struct Complaints(HashMap<io::ErrorKind, Instant>);

impl Complaints {
    /// Whether a failure of this kind is to be told now.
    pub(super) fn may_tell(&mut self, now: Instant, kind: io::ErrorKind) -> bool {
        let told = self.0.get(&kind);
        let is_due = told.is_none_or(|told| now.duration_since(*told) >= PERIOD);
        if is_due {
            self.0.insert(kind, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::worker::now;

    #[test]
    fn each_kind_is_told_once_a_minute() {
        let (mut complaints, now) = (Complaints::default(), now());
        let second = Duration::from_secs(1);
        let mut at = |seconds: u32, kind| complaints.may_tell(now + second * seconds, kind);
        assert!(at(0, io::ErrorKind::AddrInUse));
        assert!(!at(59, io::ErrorKind::AddrInUse));
        assert!(at(59, io::ErrorKind::AddrNotAvailable));
        assert!(at(60, io::ErrorKind::AddrInUse));
        assert!(!at(61, io::ErrorKind::AddrInUse));
    }
}
