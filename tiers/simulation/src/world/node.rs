//! One gateway's store: its own tasks, ids, clock and way to the engines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::Registry;
use terrace_high_volume::Kv;
use terrace_high_volume::faults::FaultyKv;
use terrace_long_term::BlobStore;
use terrace_long_term::faults::Faults;
use terrace_long_term::layers::limit::Limit;
use terrace_long_term::layers::retry::Retry;
use terrace_long_term::layers::timeout::Timeout;
use terrace_runtime::{Ids, SeededIds, Tasks};
use terrace_store::object::ETagMode;
use terrace_store::{Boundless, OpenError, Parts, Settings, Store};

use crate::faults::{BlobPlan, Fault, KvPlan, Operation, patience};
use crate::world::{Engines, Gate, NodeBlobs, NodeClock, NodeKv};

/// Largest inline body of these stores, in bytes.
pub(crate) const INLINE_MAX: usize = 64;
/// Smallest part but the last.
pub(crate) const SMALLEST_PART: usize = 24;

/// How these stores are set.
pub(crate) fn settings() -> Settings {
    Settings {
        inline_max: INLINE_MAX,
        deadline: Duration::from_secs(4),
        grace: Duration::from_millis(300),
        smallest_part: SMALLEST_PART as u64,
        sweep_age: Duration::from_secs(3),
        etag: ETagMode::Revision,
    }
}

/// One start of a process.
pub(crate) struct Node {
    /// Which start, counted through a run.
    pub(crate) number: u32,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<NodeClock>,
    under_way: Mutex<BTreeMap<Operation, usize>>,
}

/// A call of a client under way.
pub(crate) struct UnderWay<'n> {
    node: &'n Node,
    operation: Operation,
}

impl Node {
    /// Starts a node over `engines`. `shared`: as one of several.
    ///
    /// # Errors
    /// What the store says; the faults of the run may be the reason.
    pub(crate) async fn start(engines: &Engines, shared: bool) -> Result<Self, OpenError> {
        let number = engines.next_node();
        let course = &engines.course;
        let gate = Gate::new(course);
        let clock = Arc::new(NodeClock::new(course));
        let ids: Arc<dyn Ids> =
            Arc::new(SeededIds::new(engines.seed ^ (u64::from(number) << 40), Arc::clone(&clock) as _));
        let inner = FaultyKv::new(
            Arc::clone(&engines.kv) as Arc<dyn Kv>,
            Arc::new(KvPlan { course: Arc::clone(course), node: number }),
            engines.tasks.clone(),
        );
        let kv = NodeKv { inner, gate: gate.clone(), course: Arc::clone(course), shared, node: number };
        let inner = Faults::new(
            Arc::clone(&engines.blobs) as Arc<dyn BlobStore>,
            engines.tasks.clone(),
            Arc::new(BlobPlan(Arc::clone(course))),
        );
        let blobs = NodeBlobs { inner, gate: gate.clone(), course: Arc::clone(course), node: number };
        let blobs = Timeout::new(Arc::new(blobs), patience());
        let blobs = Retry::new(Arc::new(blobs), Arc::clone(&ids));
        let blobs = Limit::new(Arc::new(blobs), Default::default());
        let tasks = Tasks::new();
        let parts = Parts {
            kv: Arc::new(kv),
            blobs: Arc::new(blobs),
            clock: Arc::clone(&clock) as _,
            ids,
            tasks: tasks.clone(),
            space: Arc::new(Boundless),
            fences: engines.fences.clone(),
            tiers: engines.tiers.clone(),
            settings: settings(),
        };
        let opened = Store::open(parts, &Registry::new()).await;
        if opened.is_err() {
            // The process ends; a commit of it may still be under way.
            gate.kill();
        }
        let store = opened?;
        course.note(format_args!("n{number} is node {:?}", store.node()));
        Ok(Self { number, store, tasks, gate, clock, under_way: Mutex::default() })
    }

    /// Notes a call until the answer is dropped.
    pub(crate) fn enter(&self, operation: Operation) -> UnderWay<'_> {
        *self.under_way.lock().entry(operation).or_default() += 1;
        UnderWay { node: self, operation }
    }

    /// Counts what happens to the node for every call under way.
    pub(crate) fn suffers(&self, engines: &Engines, fault: Fault) {
        engines.course.note(format_args!("! n{} {}", self.number, fault.name()));
        let under_way: Vec<_> = self.under_way.lock().keys().copied().collect();
        for operation in under_way {
            engines.course.count(operation, fault);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut under_way = self.node.under_way.lock();
        if let Some(count) = under_way.get_mut(&self.operation) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.operation);
            }
        }
    }
}
