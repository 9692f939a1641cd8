//! Bounds how long a backend may take. Time in which a backend waits for the body of a put is the client's, not the backend's: it is
//! not counted here.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::Stream;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::{BlobError, BlobErrorKind, BodyError};
use crate::key::BlobKey;

/// How long a backend may take.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutOptions {
    /// For a call that moves no body, and for opening a get.
    pub call: Duration,
    /// Between two chunks: for a get from the moment the reader asks, for a put from the moment the backend was given the last one.
    pub idle: Duration,
    /// For what takes longer the larger the blob is: the last step of a put, after its body has ended, and a copy.
    pub finish: Duration,
}

impl Default for TimeoutOptions {
    /// 30 s for a call, 60 s between chunks, 10 min to finish.
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            finish: Duration::from_secs(600),
        }
    }
}

/// Ends with `TimedOut` what takes longer than [`TimeoutOptions`] allows. A put that timed out is dropped, and its ending unknown.
pub struct Timeout {
    inner: Arc<dyn BlobStore>,
    options: TimeoutOptions,
}

impl Timeout {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn BlobStore>, options: TimeoutOptions) -> Self {
        Self { inner, options }
    }

    async fn call<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, BlobError>> + Send,
    ) -> Result<T, BlobError> {
        let late = |_| Err(BlobError::settled(BlobErrorKind::TimedOut, what));
        timeout(self.options.call, call).await.unwrap_or_else(late)
    }
}

/// Since when the backend owes an answer; `None`: it waits for the body. With whether the body has ended.
struct Owes {
    since: Option<Instant>,
    ended: bool,
}

/// The body of a put, seen through: notes when the backend begins and ceases to wait for it.
struct Watched {
    body: BlobBody,
    owes: Arc<Mutex<Owes>>,
}

impl Stream for Watched {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.body.as_mut().poll_next(context);
        let mut owes = self.owes.lock();
        owes.since = next.is_ready().then(Instant::now);
        owes.ended |= matches!(next, Poll::Ready(None));
        drop(owes);
        next
    }
}

/// The body of a get; ends with an error when a chunk takes too long.
struct Timed {
    body: BlobBody,
    idle: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl Stream for Timed {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = self.body.as_mut().poll_next(context) {
            self.deadline = None;
            return Poll::Ready(next);
        }
        let idle = self.idle;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(idle)));
        if deadline.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.over = true;
        let late = BlobError::settled(BlobErrorKind::TimedOut, "read the next chunk of a blob");
        Poll::Ready(Some(Err(BodyError::new(late))))
    }
}

#[async_trait]
impl BlobStore for Timeout {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        let owes = Arc::new(Mutex::new(Owes { since: Some(Instant::now()), ended: false }));
        let watched = Box::pin(Watched { body, owes: Arc::clone(&owes) });
        let mut put = self.inner.put(key, watched, hint);
        let mut look = Instant::now() + self.options.idle;
        loop {
            tokio::select! {
                biased;
                outcome = &mut put => return outcome,
                () = sleep_until(look) => {}
            }
            let (now, owes) = (Instant::now(), owes.lock());
            let allowed = if owes.ended { self.options.finish } else { self.options.idle };
            // While the backend waits for the body there is nothing to hold against it: look again later.
            look = owes.since.unwrap_or(now) + allowed;
            if look <= now {
                return Err(BlobError::unknown(BlobErrorKind::TimedOut, "store a blob"));
            }
        }
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let found = self.call("open a blob", self.inner.get(key, range)).await?;
        let idle = self.options.idle;
        Ok(found.map(|BlobRead { size, body }| {
            let body = Box::pin(Timed { body, idle, deadline: None, over: false });
            BlobRead { size, body }
        }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.call("look at a blob", self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.call("delete a blob", self.inner.delete(key)).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.call("list blobs", self.inner.list(bid, after)).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.call("list buckets", self.inner.buckets()).await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        let late = |_| Err(BlobError::unknown(BlobErrorKind::TimedOut, "copy a blob"));
        timeout(self.options.finish, self.inner.copy(from, to)).await.unwrap_or_else(late)
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.call("forget a bucket", self.inner.forget_bucket(bid)).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.call("read the deployment marker", self.inner.deployment()).await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.call("bind the deployment", self.inner.bind(deployment)).await
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream::{self, StreamExt};

    #[tokio::test(start_paused = true)]
    async fn the_time_allowed_is_that_of_each_chunk_and_not_of_all() {
        let slow = stream::iter([1, 1, 1, 1, 3]).then(|seconds| async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok(Bytes::from_static(b"x"))
        });
        let idle = Duration::from_secs(2);
        let timed = Timed { body: Box::pin(slow), idle, deadline: None, over: false };
        let seen: Vec<_> = timed.map(|chunk| chunk.is_ok()).collect().await;
        assert_eq!(seen, [true, true, true, true, false]);
    }
}
