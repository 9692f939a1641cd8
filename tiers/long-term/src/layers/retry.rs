//! Tries again what may be tried again: calls that change nothing, or the same thing each time. A put and a copy are not: a body can be
//! read once, and an unknown ending is for the store to settle.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use terrace_runtime::Ids;

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::{BlobError, BlobErrorKind};
use crate::key::BlobKey;

/// Tries in all, the first included.
const TRIES: u32 = 4;
/// The longest wait before the second try; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Up to four tries of every idempotent call that ends `Unavailable`, `Throttled` or `TimedOut`, with waits of at most 100, 200 and
/// 400 ms, each between half of that and all of it. The stream of a get is not opened again once it has begun.
pub struct Retry {
    inner: Arc<dyn BlobStore>,
    ids: Arc<dyn Ids>,
}

impl Retry {
    /// Around `inner`, with jitter from `ids`.
    pub fn new(inner: Arc<dyn BlobStore>, ids: Arc<dyn Ids>) -> Self {
        Self { inner, ids }
    }

    async fn run<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Result<T, BlobError>
    where
        F: Future<Output = Result<T, BlobError>> + Send,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match call().await {
                Err(error) if is_passing(error.kind()) => {
                    tracing::debug!(%error, backend = self.facts().name, "a call is tried again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(self.jittered(wait)).await;
            wait *= 2;
        }
        call().await
    }

    /// Between half of `wait` and all of it, so that callers that failed together do not come back together.
    fn jittered(&self, wait: Duration) -> Duration {
        let half = wait / 2;
        let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(self.ids.random() % span)
    }
}

fn is_passing(kind: BlobErrorKind) -> bool {
    match kind {
        BlobErrorKind::Unavailable | BlobErrorKind::Throttled | BlobErrorKind::TimedOut => true,
        BlobErrorKind::Body | BlobErrorKind::NoSpace | BlobErrorKind::Corrupt | BlobErrorKind::Bug => false,
    }
}

#[async_trait]
impl BlobStore for Retry {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        self.inner.put(key, body, hint).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        self.run(|| self.inner.get(key, range.clone())).await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.run(|| self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.run(|| self.inner.delete(key)).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.run(|| self.inner.list(bid, after.clone())).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.run(|| self.inner.buckets()).await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        self.inner.copy(from, to).await
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.run(|| self.inner.forget_bucket(bid)).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.run(|| self.inner.deployment()).await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.run(|| self.inner.bind(deployment)).await
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}
