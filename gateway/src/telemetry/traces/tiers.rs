//! The two waists of a gateway that traces: what passes them is a span below its request. Put in at the start, and only if there is a
//! collector.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use terrace_high_volume::{
    Begin, CatalogVersion, Commit, Conflict, Facts as KvFacts, Key, KeyRange, Kv, KvError, Mutation, Page,
    RangeOptions, Read, Transaction, Version,
};
use terrace_long_term::{
    BlobBody, BlobError, BlobFacts, BlobKey, BlobPage, BlobRead, BlobStore, Deployment, Facts as BlobsFacts,
    SizeHint, Stored,
};
use terrace_runtime::Clock;
use terrace_runtime::steps::{self, Step};

/// Names what is measured.
#[derive(Clone)]
struct Waist {
    tier: &'static str,
    backend: &'static str,
    clock: Arc<dyn Clock>,
}

impl Waist {
    async fn step<T, E>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let Some(steps) = steps::current() else { return work.await };
        let began = self.clock.monotonic();
        let done = work.await;
        let took = self.clock.monotonic().saturating_sub(began);
        let Self { tier, backend, .. } = *self;
        steps.took(Step { operation, tier, backend, began, took, failed: done.is_err() });
        done
    }
}

/// The waist of the high-volume tier.
pub struct TracedKv {
    inner: Arc<dyn Kv>,
    waist: Waist,
}

impl TracedKv {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn Kv>, clock: Arc<dyn Clock>) -> Self {
        let waist = Waist { tier: "high_volume", backend: inner.facts().name, clock };
        Self { inner, waist }
    }
}

#[async_trait]
impl Kv for TracedKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        let inner = self.inner.begin(options).await?;
        Ok(match steps::current() {
            Some(_) => Box::new(TracedTransaction { inner, waist: self.waist.clone() }),
            None => inner,
        })
    }

    fn facts(&self) -> KvFacts {
        self.inner.facts()
    }

    async fn close(&self) -> Result<(), KvError> {
        self.inner.close().await
    }
}

struct TracedTransaction {
    inner: Box<dyn Transaction>,
    waist: Waist,
}

#[async_trait]
impl Transaction for TracedTransaction {
    async fn read_version(&self) -> Result<Version, KvError> {
        self.inner.read_version().await
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        self.inner.catalog_version().await
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        self.waist.step("get_many", self.inner.get_many(keys, read)).await
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        self.waist.step("range", self.inner.range(range, options)).await
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        self.inner.conflict(range, kind);
    }

    fn mutate(&self, mutation: Mutation) {
        self.inner.mutate(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        let Self { inner, waist } = *self;
        waist.step("commit", inner.commit()).await
    }
}

/// The waist of the long-term tier.
pub struct TracedBlobs {
    inner: Arc<dyn BlobStore>,
    waist: Waist,
}

impl TracedBlobs {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn BlobStore>, clock: Arc<dyn Clock>) -> Self {
        let waist = Waist { tier: "long_term", backend: inner.facts().name, clock };
        Self { inner, waist }
    }
}

#[async_trait]
impl BlobStore for TracedBlobs {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        self.waist.step("put", self.inner.put(key, body, hint)).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        self.waist.step("get", self.inner.get(key, range)).await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.waist.step("head", self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.waist.step("delete", self.inner.delete(key)).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.inner.list(bid, after).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.inner.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        self.waist.step("copy", self.inner.copy(from, to)).await
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.inner.forget_bucket(bid).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.inner.deployment().await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.inner.bind(deployment).await
    }

    fn facts(&self) -> BlobsFacts {
        self.inner.facts()
    }
}
