//! The seam below the sequencer: what a place for rows must offer. It never sees a conflict, a stamp or an add.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::KvError;
use crate::kv::{CatalogVersion, Version};
use crate::range::{Key, KeyRange, Page};

/// What one commit of the sequencer changes: all of it becomes visible and durable, or none.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Commit version of every transaction of the batch, stored as the high mark: a restart begins above it.
    pub(crate) version: Version,
    /// When the catalog last changed, as of this batch; stored beside the rows.
    pub(crate) catalog: CatalogVersion,
    /// The last word on each key: a value, or `None` for a clear.
    pub(crate) rows: BTreeMap<Key, Option<Bytes>>,
}

/// Why an engine did not take a batch.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// Nothing was written and nothing will be: the next batch may succeed (lack of space).
    #[error("the batch was not written")]
    Refused(#[source] Arc<dyn Error + Send + Sync>),
    /// Whether the batch is durable is unknown and the engine takes no more: the process must stop.
    #[error("the engine failed")]
    Fatal(#[source] Arc<dyn Error + Send + Sync>),
}

/// A consistent view of all rows at one version.
pub(crate) trait Snapshot: Send + Sync + 'static {
    /// The value of one key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// At most `limit` rows (at least 1), last keys first if `reverse`.
    fn range(&self, range: &KeyRange, limit: usize, reverse: bool) -> Result<Page, KvError>;

    /// At most `limit` keys in order, values untouched.
    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Key>, KvError>;
}

/// A place for rows. One thread at a time calls `apply`, `sync`, `checkpoint` and `close`; `snapshot` is called right behind `apply`.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Its snapshots.
    type Snapshot: Snapshot;

    /// The rows as of the last `apply`.
    fn snapshot(&self) -> Self::Snapshot;

    /// Writes a batch. With `durable` it has reached stable storage when this returns.
    fn apply(&self, batch: Batch, durable: bool) -> Result<(), ApplyError>;

    /// Brings every batch applied before to stable storage.
    fn sync(&self, version: Version) -> Result<(), ApplyError>;

    /// Why the engine takes no more batches, if it has failed outside of a batch.
    fn failed(&self) -> Option<ApplyError>;

    /// Bytes the data takes up, roughly.
    fn approximate_size(&self) -> u64;

    /// Puts a copy of the data, as of the last `apply`, into the empty directory `dir`.
    fn checkpoint(&self, dir: &Path, version: Version) -> Result<(), KvError>;

    /// Writes what is pending and lets go of the data.
    fn close(&self, version: Version) -> Result<(), KvError>;
}
