//! What may be under way at once. What is beyond it is told so at once and never waits in a queue: a client that is told backs off,
//! one that waits gives up and asks again beside it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;

/// Memory is counted in pieces of this many bytes, rounded up.
const UNIT: u64 = 1 << 10;

/// The room of one listener.
pub(super) struct Admission {
    operations: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    largest: u64,
}

/// Room for one request; given back when it is dropped.
pub(super) struct Admitted {
    _operation: OwnedSemaphorePermit,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        let units = usize::try_from(limits.body_memory / UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            operations: Arc::new(Semaphore::new(limits.operations.min(Semaphore::MAX_PERMITS))),
            memory: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            // What is larger than all there is could never come in.
            largest: limits.body_piece.min(limits.body_memory),
        }
    }

    /// Room for a request with a body of at least this many bytes (`None`: unknown); `None` if there is none now.
    pub(super) fn admit(&self, body: Option<u64>) -> Option<Admitted> {
        let operation = Arc::clone(&self.operations).try_acquire_owned().ok()?;
        let bytes = body.unwrap_or(self.largest).min(self.largest);
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let memory = match units {
            0 => None,
            units => Some(Arc::clone(&self.memory).try_acquire_many_owned(units).ok()?),
        };
        Some(Admitted { _operation: operation, _memory: memory })
    }
}
