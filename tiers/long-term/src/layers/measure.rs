//! The metrics of a tier, the same for both, and the layer that takes them for a blob store. Times are in seconds, sizes in bytes.
//! What failed is not in them: errors are counted where they are handled.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::Stream;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry, exponential_buckets};
use terrace_runtime::Clock;

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::{BlobError, BodyError};
use crate::key::BlobKey;
use crate::range::clamp;

/// The histograms of all tiers and backends, labelled `tier` and `backend`. Cheap to clone.
#[derive(Clone)]
pub struct TierMetrics {
    put_first_chunk_latency: HistogramVec,
    put_latency: HistogramVec,
    put_size: HistogramVec,
    get_latency_pre_response: HistogramVec,
    get_size: HistogramVec,
    head_latency: HistogramVec,
    delete_latency: HistogramVec,
}

/// The histograms of one tier on one backend, looked up once. Cheap to clone; recording takes no lock.
#[derive(Clone)]
pub struct TierRecorder {
    put_first_chunk_latency: Histogram,
    put_latency: Histogram,
    put_size: Histogram,
    get_latency_pre_response: Histogram,
    get_size: Histogram,
    head_latency: Histogram,
    delete_latency: Histogram,
}

impl TierMetrics {
    /// Makes the seven histograms and enters them in the registry: once for a process.
    ///
    /// # Errors
    /// One of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str, start: f64, factor: f64, buckets: usize| {
            let options =
                HistogramOpts::new(name, help).buckets(exponential_buckets(start, factor, buckets)?);
            let made = HistogramVec::new(options, &["tier", "backend"])?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        // 100 us to 105 s, each bucket twice the one before; 256 bytes to 4 GiB, each four times.
        let latency = |name, help| histogram(name, help, 0.000_1, 2.0, 21);
        let size = |name, help| histogram(name, help, 256.0, 4.0, 13);
        Ok(Self {
            put_first_chunk_latency: latency(
                "put_first_chunk_latency",
                "Seconds from a put's begin to its body's first chunk.",
            )?,
            put_latency: latency("put_latency", "Seconds from a put's begin until it was stored.")?,
            put_size: size("put_size", "Bytes of the bodies that were stored.")?,
            get_latency_pre_response: latency(
                "get_latency_pre_response",
                "Seconds from a get's begin until its size was known and its body could be sent.",
            )?,
            get_size: size("get_size", "Bytes that gets asked for, inside the body.")?,
            head_latency: latency("head_latency", "Seconds of a head.")?,
            delete_latency: latency("delete_latency", "Seconds of a delete.")?,
        })
    }

    /// The histograms of `tier` (`high_volume`, `long_term`) on `backend` ([`Facts::name`]).
    #[must_use]
    pub fn recorder(&self, tier: &str, backend: &str) -> TierRecorder {
        let of = |histograms: &HistogramVec| histograms.with_label_values(&[tier, backend]);
        TierRecorder {
            put_first_chunk_latency: of(&self.put_first_chunk_latency),
            put_latency: of(&self.put_latency),
            put_size: of(&self.put_size),
            get_latency_pre_response: of(&self.get_latency_pre_response),
            get_size: of(&self.get_size),
            head_latency: of(&self.head_latency),
            delete_latency: of(&self.delete_latency),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram of sizes needs no exact bytes")]
fn bytes(size: u64) -> f64 {
    size as f64
}

impl TierRecorder {
    /// The first chunk of a put's body came `after` its begin.
    pub fn put_first_chunk(&self, after: Duration) {
        self.put_first_chunk_latency.observe(after.as_secs_f64());
    }

    /// A put of `size` bytes was stored `after` its begin.
    pub fn put(&self, after: Duration, size: u64) {
        self.put_latency.observe(after.as_secs_f64());
        self.put_size.observe(bytes(size));
    }

    /// A get found its blob `after` its begin, and `size` bytes of it are wanted.
    pub fn get(&self, after: Duration, size: u64) {
        self.get_latency_pre_response.observe(after.as_secs_f64());
        self.get_size.observe(bytes(size));
    }

    /// A head took `time`.
    pub fn head(&self, time: Duration) {
        self.head_latency.observe(time.as_secs_f64());
    }

    /// A delete took `time`.
    pub fn delete(&self, time: Duration) {
        self.delete_latency.observe(time.as_secs_f64());
    }
}

/// Records what a blob store does. A copy is not a put, and a get of what is absent is no get.
pub struct Measure {
    inner: Arc<dyn BlobStore>,
    recorder: TierRecorder,
    clock: Arc<dyn Clock>,
}

impl Measure {
    /// Around `inner`, as tier `long_term` on the backend that `inner` says it is.
    pub fn new(inner: Arc<dyn BlobStore>, metrics: &TierMetrics, clock: Arc<dyn Clock>) -> Self {
        let recorder = metrics.recorder("long_term", inner.facts().name);
        Self { inner, recorder, clock }
    }

    fn since(&self, begin: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(begin)
    }
}

/// The body of a put until its first chunk has come.
struct FirstChunk {
    body: BlobBody,
    waiting: Option<(TierRecorder, Arc<dyn Clock>, Duration)>,
}

impl Stream for FirstChunk {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.body.as_mut().poll_next(context);
        if let Poll::Ready(chunk) = &next
            && let Some((recorder, clock, begin)) = self.waiting.take()
            && matches!(chunk, Some(Ok(_)))
        {
            recorder.put_first_chunk(clock.monotonic().saturating_sub(begin));
        }
        next
    }
}

#[async_trait]
impl BlobStore for Measure {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        let begin = self.clock.monotonic();
        let waiting = Some((self.recorder.clone(), Arc::clone(&self.clock), begin));
        let stored = self.inner.put(key, Box::pin(FirstChunk { body, waiting }), hint).await?;
        self.recorder.put(self.since(begin), stored.size);
        Ok(stored)
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let begin = self.clock.monotonic();
        let found = self.inner.get(key, range.clone()).await?;
        if let Some(read) = &found {
            let wanted = clamp(range, read.size);
            self.recorder.get(self.since(begin), wanted.end - wanted.start);
        }
        Ok(found)
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        let begin = self.clock.monotonic();
        let found = self.inner.head(key).await?;
        self.recorder.head(self.since(begin));
        Ok(found)
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let begin = self.clock.monotonic();
        self.inner.delete(key).await?;
        self.recorder.delete(self.since(begin));
        Ok(())
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.inner.list(bid, after).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.inner.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
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
