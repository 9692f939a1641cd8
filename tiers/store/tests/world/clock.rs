//! A clock whose monotonic time is the paused runtime's, so that deadlines pass by themselves, and whose wall time can be moved.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use terrace_runtime::{Clock, SystemClock, WallMs};

/// Where wall time begins.
const BEGIN_MS: i64 = 1_790_000_000_000;

pub(crate) struct WorldClock {
    monotonic: SystemClock,
    offset_ms: AtomicI64,
}

impl WorldClock {
    pub(crate) fn new() -> Self {
        Self { monotonic: SystemClock::new(), offset_ms: AtomicI64::new(BEGIN_MS) }
    }

    /// Moves wall time alone; backwards if negative.
    pub(crate) fn shift_ms(&self, by: i64) {
        self.offset_ms.fetch_add(by, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.shift_ms(i64::try_from(time.as_millis()).unwrap());
    }
}

impl Clock for WorldClock {
    fn wall(&self) -> WallMs {
        let passed = i64::try_from(self.monotonic.monotonic().as_millis()).unwrap();
        u64::try_from(self.offset_ms.load(Ordering::SeqCst) + passed).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.monotonic.monotonic()
    }
}
