//! The long-term tier as one node reaches it.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use terrace_long_term::faults::Faults;
use terrace_long_term::{
    BlobBody, BlobError, BlobFacts, BlobKey, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint,
    Stored,
};

use crate::world::{Course, Gate};

/// The shared blob store behind the faults and the gate of a node.
pub(crate) struct NodeBlobs {
    pub(crate) inner: Faults,
    pub(crate) gate: Gate,
    pub(crate) course: Arc<Course>,
    pub(crate) node: u32,
}

impl NodeBlobs {
    /// There and back.
    async fn call<T>(
        &self,
        (what, key): (&'static str, Option<&BlobKey>),
        call: impl Future<Output = Result<T, BlobError>> + Send,
    ) -> Result<T, BlobError> {
        self.gate.pass().await;
        let outcome = call.await;
        let said = outcome.as_ref().map(drop).map_err(|error| (error.kind(), error.outcome()));
        self.course.note(format_args!("n{} blob {what} {key:?}: {said:?}", self.node));
        self.gate.pass().await;
        outcome
    }
}

#[async_trait]
impl BlobStore for NodeBlobs {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        self.call(("put", Some(key)), self.inner.put(key, self.gate.body(body), hint)).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let found = self.call(("get", Some(key)), self.inner.get(key, range)).await?;
        Ok(found.map(|BlobRead { size, body }| BlobRead { size, body: self.gate.body(body) }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.call(("head", Some(key)), self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.call(("delete", Some(key)), self.inner.delete(key)).await
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        self.call(("list", None), self.inner.list(bid, after)).await
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.call(("buckets", None), self.inner.buckets()).await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        self.call(("copy", Some(to)), self.inner.copy(from, to)).await
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.call(("forget bucket", None), self.inner.forget_bucket(bid)).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.call(("deployment", None), self.inner.deployment()).await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        self.call(("bind", None), self.inner.bind(deployment)).await
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}
