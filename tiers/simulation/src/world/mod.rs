//! What a run is made of: two engines, nodes over them, bodies, a clock, and the course of events.

mod blobs;
mod bodies;
mod clock;
mod course;
mod gate;
mod kv;
mod node;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use terrace_high_volume::memory::MemoryKv;
use terrace_high_volume::{Begin, Key, KeyRange, Kv, KvError, RangeOptions, Read};
use terrace_long_term::MemoryBlobs;
use terrace_long_term::layers::measure::TierMetrics;
use terrace_runtime::Tasks;
use terrace_store::Fences;

pub(crate) use blobs::NodeBlobs;
pub(crate) use bodies::Bodies;
pub(crate) use clock::NodeClock;
pub(crate) use course::Course;
pub(crate) use gate::Gate;
pub(crate) use kv::NodeKv;
pub(crate) use node::{INLINE_MAX, Node, SMALLEST_PART, settings};

use crate::history::Event;

/// What outlives every node.
pub(crate) struct Engines {
    pub(crate) seed: u64,
    pub(crate) course: Arc<Course>,
    pub(crate) kv: Arc<MemoryKv>,
    pub(crate) blobs: Arc<MemoryBlobs>,
    /// Runs what lands late, whoever has died meanwhile.
    pub(crate) tasks: Tasks,
    pub(crate) fences: Fences,
    pub(crate) tiers: TierMetrics,
    pub(crate) bodies: Bodies,
    pub(crate) events: Mutex<Vec<Event>>,
    pub(crate) answered: AtomicU64,
    /// Blobs put there behind the store's back, for the sweeper to find.
    pub(crate) strays: Mutex<BTreeSet<[u8; 16]>>,
    nodes: Mutex<Vec<Arc<Node>>>,
    started: AtomicU32,
}

impl Engines {
    /// Empty engines. Must be called on the runtime of the run.
    ///
    /// # Errors
    /// None but of the metrics' own making.
    pub(crate) fn new(seed: u64, course: Course) -> Result<Self, prometheus::Error> {
        let course = Arc::new(course);
        Ok(Self {
            seed,
            kv: MemoryKv::new(Arc::new(NodeClock::new(&course))),
            course,
            blobs: Arc::new(MemoryBlobs::with_page(7)),
            tasks: Tasks::new(),
            fences: Fences::default(),
            tiers: TierMetrics::register(&prometheus::Registry::new())?,
            bodies: Bodies::default(),
            events: Mutex::default(),
            answered: AtomicU64::new(0),
            strays: Mutex::default(),
            nodes: Mutex::default(),
            started: AtomicU32::new(0),
        })
    }

    pub(crate) fn next_node(&self) -> u32 {
        self.started.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Nodes that clients can reach.
    pub(crate) fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().clone()
    }

    pub(crate) fn join(&self, node: Arc<Node>) {
        self.nodes.lock().push(node);
    }

    /// Takes a node off the list that clients know.
    pub(crate) fn leave(&self, node: &Node) {
        self.nodes.lock().retain(|other| other.number != node.number);
    }

    /// Waits until nothing is under way anywhere but on dead nodes.
    pub(crate) async fn settle(&self) {
        const LONG: Duration = Duration::from_secs(600);
        for _ in 0..2 {
            for node in self.nodes() {
                if let Err(unfinished) = node.tasks.join(LONG).await {
                    let what = format!("n{} after {LONG:?}: {unfinished:?}", node.number);
                    self.course.violated("everything comes to an end", what);
                }
            }
            if let Err(unfinished) = self.tasks.join(LONG).await {
                self.course.violated("everything comes to an end", format!("engines: {unfinished:?}"));
            }
        }
    }

    /// All rows at this moment, past every fault.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) async fn rows(&self) -> Result<Vec<(Key, Bytes)>, KvError> {
        let transaction = self.kv.begin(Begin::default()).await?;
        let options = RangeOptions { limit: 1_000_000, reverse: false, read: Read::Snapshot };
        Ok(transaction.range(KeyRange::new("", vec![0xFF]), options).await?.rows)
    }
}
