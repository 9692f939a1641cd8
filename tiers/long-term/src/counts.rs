//! Counts the requests that reach a blob store: for cost contracts.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::BlobError;
use crate::key::BlobKey;

/// Requests of each kind, whatever became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Puts.
    pub puts: u64,
    /// Gets, of what is absent as well.
    pub gets: u64,
    /// Heads.
    pub heads: u64,
    /// Deletes.
    pub deletes: u64,
    /// Pages of listings, and lists of the buckets.
    pub lists: u64,
    /// Copies.
    pub copies: u64,
    /// Buckets forgotten.
    pub forgets: u64,
    /// Looks at the deployment marker, and tries to make it.
    pub bindings: u64,
}

impl Requests {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { puts, gets, heads, deletes, lists, copies, forgets, bindings } = self;
        puts + gets + heads + deletes + lists + copies + forgets + bindings
    }
}

/// Counts what is asked of `inner`.
pub struct Counts {
    inner: Arc<dyn BlobStore>,
    requests: Mutex<Requests>,
}

impl Counts {
    /// Around `inner`, from zero.
    pub fn new(inner: Arc<dyn BlobStore>) -> Self {
        Self { inner, requests: Mutex::default() }
    }

    /// The requests since the last call of this, or since the beginning.
    pub fn take(&self) -> Requests {
        std::mem::take(&mut *self.requests.lock())
    }

    fn count(&self, of: impl FnOnce(&mut Requests) -> &mut u64) {
        *of(&mut self.requests.lock()) += 1;
    }
}

#[async_trait]
impl BlobStore for Counts {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        self.count(|requests| &mut requests.puts);
        self.inner.put(key, body, hint).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        self.count(|requests| &mut requests.gets);
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.count(|requests| &mut requests.heads);
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.count(|requests| &mut requests.deletes);
        self.inner.delete(key).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.count(|requests| &mut requests.lists);
        self.inner.list(bid, after).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.count(|requests| &mut requests.lists);
        self.inner.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        self.count(|requests| &mut requests.copies);
        self.inner.copy(from, to).await
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.count(|requests| &mut requests.forgets);
        self.inner.forget_bucket(bid).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.count(|requests| &mut requests.bindings);
        self.inner.deployment().await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.count(|requests| &mut requests.bindings);
        self.inner.bind(deployment).await
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBlobs;
    use crate::laws::{Subject, body, key, pattern};

    async fn counts() -> Subject {
        Subject::plain(Arc::new(Counts::new(Arc::new(MemoryBlobs::with_page(10)))))
    }

    crate::blob_store_laws!(counts);
    crate::blob_store_local_laws!(counts);

    #[tokio::test]
    async fn every_request_is_counted_once_under_its_kind() {
        let counts = Counts::new(Arc::new(MemoryBlobs::new()));
        let (a, b) = (key(1, "a", 1), key(1, "b", 2));
        for _ in 0..2 {
            counts.put(&a, body(pattern(10, 1), 3), SizeHint::Exact(10)).await.unwrap();
        }
        assert!(counts.get(&b, None).await.unwrap().is_none());
        counts.head(&a).await.unwrap();
        counts.copy(&a, &b).await.unwrap();
        counts.delete(&a).await.unwrap();
        counts.list(1, None).await.unwrap();
        counts.buckets().await.unwrap();
        counts.forget_bucket(1).await.unwrap();
        counts.bind([1; 16]).await.unwrap();
        counts.deployment().await.unwrap();
        let seen = counts.take();
        let expected =
            Requests { puts: 2, gets: 1, heads: 1, deletes: 1, lists: 2, copies: 1, forgets: 1, bindings: 2 };
        assert_eq!((seen, seen.total()), (expected, 11));
        assert_eq!(counts.take(), Requests::default());
    }
}
