//! CPU time of this thread: unlike wall time it stands still while another process has the core.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A reading of the clock.
#[derive(Debug)]
pub struct CpuTime(Timespec);

impl CpuTime {
    /// What the clock says.
    #[must_use]
    pub fn now() -> Self {
        Self(clock_gettime(ClockId::ThreadCPUTime))
    }

    /// What has passed since this reading; never negative.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let seconds = now.tv_sec - self.0.tv_sec;
        let nanos = seconds * 1_000_000_000 + (now.tv_nsec - self.0.tv_nsec);
        Duration::from_nanos(nanos.try_into().unwrap_or(0))
    }
}

/// What reading the clock twice takes by itself: it is a system call.
pub(crate) fn cost() -> Duration {
    let readings = (0..2000).map(|_| CpuTime::now().elapsed());
    readings.min().unwrap_or_default()
}
