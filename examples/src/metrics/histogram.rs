//! A histogram of seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::text::{Kind, Text};

/// The upper bounds of its buckets, in milliseconds, and as they are written, in seconds. A last
/// bucket has none.
const BOUNDS: [(u64, &str); 13] = [
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1000, "1"),
    (2500, "2.5"),
    (5000, "5"),
    (10_000, "10"),
    (30_000, "30"),
    (60_000, "60"),
];

/// How often what took how long.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// One for each bound, each without those below it.
    buckets: [AtomicU64; BOUNDS.len()],
    above: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let within = |(bound, _): &(u64, &str)| time <= Duration::from_millis(*bound);
        let bucket = BOUNDS.iter().position(within);
        let bucket = bucket.and_then(|index| self.buckets.get(index));
        bucket
            .unwrap_or(&self.above)
            .fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Writes the buckets, each with those below it, the sum and the count.
    pub(super) fn write(&self, text: &mut Text, name: &str, help: &str) {
        let mut family = text.family(name, Kind::Histogram, help);
        let mut count = 0;
        for ((_, bound), bucket) in BOUNDS.iter().zip(&self.buckets) {
            count += bucket.load(Ordering::Relaxed);
            family.part("_bucket", &[("le", bound)], count);
        }
        count += self.above.load(Ordering::Relaxed);
        family.part("_bucket", &[("le", "+Inf")], count);
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed));
        family.part("_sum", &[], sum.as_secs_f64());
        family.part("_count", &[], count);
    }
}
