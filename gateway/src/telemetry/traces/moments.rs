//! Points in time on the way of a request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use terrace_runtime::Clock;
use terrace_runtime::steps::Step;

/// When a sampled request came to which point, in nanoseconds from its head; 0: it did not.
pub(in crate::telemetry) struct Moments {
    clock: Arc<dyn Clock>,
    began: Duration,
    admitted: AtomicU64,
    received: AtomicU64,
    steps: Mutex<Vec<Step>>,
}

/// Steps of one request that become spans; what a request does beyond them (a listing, a deletion of 1,000 keys) is not told.
const STEPS: usize = 64;

impl Moments {
    pub(super) fn begin(clock: Arc<dyn Clock>) -> Self {
        let began = clock.monotonic();
        Self {
            clock,
            began,
            admitted: AtomicU64::new(0),
            received: AtomicU64::new(0),
            steps: Mutex::default(),
        }
    }

    /// Its signature holds, and what it asks for is known.
    pub(in crate::telemetry) fn admit(&self) {
        self.admitted.store(self.now(), Relaxed);
    }

    /// Bytes of its body came in.
    pub(in crate::telemetry) fn receive(&self) {
        self.received.store(self.now(), Relaxed);
    }

    /// A tier did something for it.
    pub(in crate::telemetry) fn step(&self, step: Step) {
        let mut steps = self.steps.lock();
        if steps.len() < STEPS {
            steps.push(step);
        }
    }

    /// What the tiers did, each with when it began, in nanoseconds from the head.
    pub(super) fn steps(&self) -> Vec<(u64, Step)> {
        let since = |step: &Step| super::span::nanos(step.began.saturating_sub(self.began));
        self.steps.lock().iter().map(|step| (since(step), *step)).collect()
    }

    pub(super) fn admitted(&self) -> Option<u64> {
        Some(self.admitted.load(Relaxed)).filter(|at| *at > 0)
    }

    /// The last bytes of the body, if there were any.
    pub(super) fn received(&self) -> Option<u64> {
        Some(self.received.load(Relaxed)).filter(|at| *at > 0)
    }

    fn now(&self) -> u64 {
        super::span::nanos(self.clock.monotonic().saturating_sub(self.began)).max(1)
    }
}

impl fmt::Debug for Moments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Moments")
            .field("admitted", &self.admitted)
            .field("received", &self.received)
            .finish()
    }
}
