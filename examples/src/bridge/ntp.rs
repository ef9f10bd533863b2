//! Wall-clock time for sender reports, told once from outside.

use std::time::{Duration, Instant};

/// Seconds from 1900, where NTP begins, to 1970 (RFC 5905 §6).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// What time it was at one instant. From there on the clock of `Instant` is followed, so that a
/// step of the wall clock does not show in reports.
#[derive(Debug, Clone, Copy)]
pub struct NtpOrigin {
    at: Instant,
    since_1970: Duration,
}

impl NtpOrigin {
    /// At `at` it was so long since the beginning of 1970 (UTC).
    #[must_use]
    pub fn new(at: Instant, since_1970: Duration) -> Self {
        Self { at, since_1970 }
    }

    /// The time in 2^-32 s since 1900. The seconds wrap around in 2036 (RFC 5905 §6).
    #[must_use]
    pub fn ntp(&self, now: Instant) -> u64 {
        let time = self.since_1970 + now.saturating_duration_since(self.at);
        let seconds = time.as_secs().wrapping_add(NTP_TO_UNIX) & u64::from(u32::MAX);
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        seconds << 32 | fraction
    }
}

/// The middle 32 bits of an NTP time: seconds and 2^-16 s, as reports refer to each other.
pub(super) fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A time in 2^-16 s. More than 18 hours, the most that 32 bits hold, are told as that.
pub(super) fn short(time: Duration) -> u32 {
    let units = time.as_micros() * (1 << 16) / 1_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The reverse of [`short`].
pub(super) fn from_short(units: u32) -> Duration {
    Duration::from_micros((u64::from(units) * 1_000_000) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // an origin for virtual time
    fn seconds_count_from_1900_and_wrap_in_2036() {
        let now = Instant::now();
        let origin = NtpOrigin::new(now, Duration::ZERO);
        assert_eq!(origin.ntp(now), 0x83aa_7e80_0000_0000);
        let later = now + Duration::from_millis(1500);
        assert_eq!(origin.ntp(later), 0x83aa_7e81_8000_0000);
        assert_eq!(middle(origin.ntp(later)), 0x7e81_8000);
        let last = Duration::from_secs((1 << 32) - NTP_TO_UNIX);
        assert_eq!(NtpOrigin::new(now, last).ntp(now), 0);
        assert_eq!(short(Duration::from_millis(1500)), 0x1_8000);
        assert_eq!(from_short(0x1_8000), Duration::from_millis(1500));
        assert_eq!(short(Duration::from_secs(1 << 20)), u32::MAX);
    }
}
