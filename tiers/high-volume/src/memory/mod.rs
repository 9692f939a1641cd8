//! The engine of tests and of the simulation: rows in a map with their older versions, commits in the calls that ask for them.
//! Nothing outlives the process.

mod engine;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use terrace_runtime::Clock;

pub(crate) use self::engine::MemoryEngine;
#[cfg(test)]
pub(crate) use self::engine::MemorySnapshot;
use crate::error::KvError;
use crate::kv::{Begin, Facts, Kv, Transaction};
use crate::sequencer::Sequencer;

/// Transactions in memory. Deterministic: no thread, no timer, no randomness; time is the injected clock's.
pub struct MemoryKv {
    sequencer: Arc<Sequencer<MemoryEngine>>,
}

impl MemoryKv {
    /// An empty store. `clock` decides when a read version is too old and where versions start.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { sequencer: Sequencer::inline(MemoryEngine::default(), clock) })
    }
}

#[async_trait]
impl Kv for MemoryKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        self.sequencer.begin(options)
    }

    fn facts(&self) -> Facts {
        Facts { name: "memory", may_lose_answers: false, shared: false }
    }

    async fn close(&self) -> Result<(), KvError> {
        self.sequencer.close().await
    }
}
