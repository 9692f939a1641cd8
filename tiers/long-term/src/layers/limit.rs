//! Bounds how many puts and gets are under way at once, and how many wait.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::{BlobError, BlobErrorKind, BodyError};
use crate::key::BlobKey;

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub struct LimitOptions {
    /// Puts and copies under way.
    pub puts: usize,
    /// Gets under way, from the call to the end of the stream.
    pub gets: usize,
    /// Puts that wait for their turn, and gets that do; one more is refused with `Throttled`.
    pub waiting: usize,
}

impl Default for LimitOptions {
    /// 128 puts, 512 gets, 1,024 of each waiting.
    fn default() -> Self {
        Self { puts: 128, gets: 512, waiting: 1_024 }
    }
}

/// At most so many puts and gets at once; the others wait in order of arrival.
pub struct Limit {
    inner: Arc<dyn BlobStore>,
    puts: Gate,
    gets: Gate,
}

struct Gate {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most: usize,
}

impl Limit {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn BlobStore>, options: LimitOptions) -> Self {
        let LimitOptions { puts, gets, waiting } = options;
        Self { inner, puts: Gate::new(puts, waiting), gets: Gate::new(gets, waiting) }
    }
}

impl Gate {
    fn new(permits: usize, most: usize) -> Self {
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(permits)), waiting: AtomicUsize::new(0), most }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, BlobError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::begin(self)?;
        Arc::clone(&self.permits).acquire_owned().await.map_err(|closed| {
            BlobError::settled(BlobErrorKind::Bug, "wait for a turn at the blob store").because(closed)
        })
    }
}

/// One in the queue of a gate.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(gate: &'a Gate) -> Result<Self, BlobError> {
        let place = Self(&gate.waiting);
        if gate.waiting.fetch_add(1, Ordering::Relaxed) >= gate.most {
            return Err(BlobError::settled(BlobErrorKind::Throttled, "wait for a turn at the blob store"));
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a get with its permit.
struct Permitted {
    body: BlobBody,
    permit: Option<OwnedSemaphorePermit>,
}

impl Stream for Permitted {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.body.as_mut().poll_next(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.permit = None;
        }
        next
    }
}

#[async_trait]
impl BlobStore for Limit {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        let _permit = self.puts.enter().await?;
        self.inner.put(key, body, hint).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let permit = self.gets.enter().await?;
        let found = self.inner.get(key, range).await?;
        Ok(found.map(|BlobRead { size, body }| {
            let body = Box::pin(Permitted { body, permit: Some(permit) });
            BlobRead { size, body }
        }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.inner.delete(key).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.inner.list(bid, after).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.inner.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        let _permit = self.puts.enter().await?;
        self.inner.copy(from, to).await
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

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}
