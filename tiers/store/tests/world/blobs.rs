//! Blobs in memory, counted, walked step by step, and with faults that a test switches.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use terrace_long_term::counts::{Counts, Requests};
use terrace_long_term::faults::{Call, Fault, Faults, Plan, Point, Script};
use terrace_long_term::{
    BlobBody, BlobError, BlobFacts, BlobKey, BlobPage, BlobRead, BlobStore, Deployment, Facts, MemoryBlobs,
    SizeHint, Stored,
};
use terrace_runtime::Tasks;

use super::steps::Steps;

/// Lines that strike once, and faults that stay until they are taken off.
#[derive(Default)]
struct Switches {
    once: Script,
    always: Mutex<BTreeMap<Point, Fault>>,
}

impl Plan for Switches {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        self.once.fault(call).or_else(|| self.always.lock().get(&call.point).copied())
    }
}

pub(crate) struct TestBlobs {
    memory: Arc<MemoryBlobs>,
    faults: Faults,
    counts: Counts,
    switches: Arc<Switches>,
    steps: Arc<Steps>,
}

impl TestBlobs {
    pub(crate) fn new(steps: Arc<Steps>) -> Self {
        let memory = Arc::new(MemoryBlobs::new());
        let switches = Arc::new(Switches::default());
        let faults = Faults::new(Arc::clone(&memory) as _, Tasks::new(), Arc::clone(&switches) as _);
        let counts = Counts::new(Arc::new(faults.clone()));
        Self { memory, faults, counts, switches, steps }
    }

    /// The next call of a kind meets `fault`.
    pub(crate) fn strike(&self, point: Point, fault: Fault) {
        self.switches.once.add(point, self.faults.calls(point) + 1, fault);
    }

    /// All calls of a kind meet `fault`, or none does any more.
    pub(crate) fn switch(&self, point: Point, fault: Option<Fault>) {
        let mut always = self.switches.always.lock();
        match fault {
            Some(fault) => always.insert(point, fault),
            None => always.remove(&point),
        };
    }

    /// How many calls of a kind met a fault.
    pub(crate) fn struck(&self, point: Point) -> u64 {
        self.faults.struck(point)
    }

    /// The requests since the last call of this.
    pub(crate) fn take_requests(&self) -> Requests {
        self.counts.take()
    }

    pub(crate) fn count(&self) -> u64 {
        self.memory.totals().0
    }

    /// All blobs, past the counters.
    pub(crate) async fn all(&self) -> Vec<BlobKey> {
        let mut all = Vec::new();
        for bid in self.memory.buckets().await.unwrap() {
            all.extend(self.memory.list(bid, None).await.unwrap().blobs.into_iter().map(|blob| blob.key));
        }
        all
    }

    /// Loses a blob behind the store's back.
    pub(crate) async fn lose(&self, key: &BlobKey) {
        self.memory.delete(key).await.unwrap();
    }
}

/// A body that gives way before each chunk.
fn walked(body: BlobBody, steps: Arc<Steps>) -> BlobBody {
    let chunks = futures::stream::unfold((body, steps), |(mut body, steps)| async move {
        steps.step().await;
        let chunk = futures::StreamExt::next(&mut body).await?;
        Some((chunk, (body, steps)))
    });
    Box::pin(sync_wrapper::SyncStream::new(chunks))
}

#[async_trait]
impl BlobStore for TestBlobs {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        self.steps.step().await;
        let stored = self.counts.put(key, walked(body, Arc::clone(&self.steps)), hint).await;
        self.steps.step().await;
        stored
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        self.steps.step().await;
        let found = self.counts.get(key, range).await?;
        Ok(found.map(|BlobRead { size, body }| {
            let body = walked(body, Arc::clone(&self.steps));
            BlobRead { size, body }
        }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.counts.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.steps.step().await;
        let deleted = self.counts.delete(key).await;
        self.steps.step().await;
        deleted
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.counts.list(bid, after).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.counts.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        self.steps.step().await;
        let copied = self.counts.copy(from, to).await;
        self.steps.step().await;
        copied
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.counts.forget_bucket(bid).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.counts.deployment().await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.counts.bind(deployment).await
    }

    fn facts(&self) -> Facts {
        self.counts.facts()
    }
}
