//! Time as a node sees it: monotonic time is the runtime's, wall time can jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use terrace_runtime::{Clock, WallMs};

use crate::world::Course;

/// Where wall time begins.
const BEGIN_MS: i64 = 1_790_000_000_000;

pub(crate) struct NodeClock {
    course: Arc<Course>,
    offset_ms: AtomicI64,
}

impl NodeClock {
    pub(crate) fn new(course: &Arc<Course>) -> Self {
        Self { course: Arc::clone(course), offset_ms: AtomicI64::new(BEGIN_MS) }
    }

    /// Moves wall time alone; backwards if negative.
    pub(crate) fn jump(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn wall(&self) -> WallMs {
        let passed = i64::try_from(self.course.now().as_millis()).unwrap_or(i64::MAX);
        u64::try_from(self.offset_ms.load(Ordering::SeqCst).saturating_add(passed)).unwrap_or(0)
    }

    fn monotonic(&self) -> std::time::Duration {
        self.course.now()
    }
}
