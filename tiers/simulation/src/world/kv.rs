//! The high-volume tier as one node reaches it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use terrace_high_volume::faults::FaultyKv;
use terrace_high_volume::{
    Begin, CatalogVersion, Commit, Conflict, Facts, Key, KeyRange, Kv, KvError, Mutation, Page, RangeOptions,
    Read, Transaction, Version,
};
use terrace_runtime::origin;

use crate::world::{Course, Gate};

/// The shared engine behind the faults and the gate of a node.
pub(crate) struct NodeKv {
    pub(crate) inner: FaultyKv,
    pub(crate) gate: Gate,
    pub(crate) course: Arc<Course>,
    /// Whether other nodes write to the same rows.
    pub(crate) shared: bool,
    pub(crate) node: u32,
}

#[async_trait]
impl Kv for NodeKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        self.gate.pass().await;
        let inner = self.inner.begin(options).await?;
        let (gate, course, node) = (self.gate.clone(), Arc::clone(&self.course), self.node);
        Ok(Box::new(NodeTransaction { inner, gate, course, node }))
    }

    fn facts(&self) -> Facts {
        Facts { shared: self.shared, ..self.inner.facts() }
    }

    /// The engine belongs to all nodes: it stays open.
    async fn close(&self) -> Result<(), KvError> {
        Ok(())
    }
}

struct NodeTransaction {
    inner: Box<dyn Transaction>,
    gate: Gate,
    course: Arc<Course>,
    node: u32,
}

#[async_trait]
impl Transaction for NodeTransaction {
    async fn read_version(&self) -> Result<Version, KvError> {
        self.inner.read_version().await
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        self.inner.catalog_version().await
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        self.gate.pass().await;
        self.inner.get_many(keys, read).await
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        self.gate.pass().await;
        self.inner.range(range, options).await
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        self.inner.conflict(range, kind);
    }

    fn mutate(&self, mutation: Mutation) {
        self.inner.mutate(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        let Self { inner, gate, course, node } = *self;
        gate.pass().await;
        let outcome = inner.commit().await;
        let said = outcome.as_ref().map(|commit| commit.version.0).map_err(KvError::kind);
        course.note(format_args!("n{node} commit for {}: {said:?}", origin::origin().unwrap_or("nobody")));
        if outcome.is_err()
            && let Some(time) = course.held(node)
        {
            tokio::time::sleep(time).await;
        }
        // The answer comes back the same way.
        gate.pass().await;
        outcome
    }
}
