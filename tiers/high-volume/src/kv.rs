//! The waist of the high-volume tier: interactive transactions of FoundationDB's shape. Bytes and conflicts below, meaning above.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::KvError;
use crate::mutation::{Conflict, Mutation};
use crate::range::{Key, KeyRange, Page, RangeOptions, Read};

/// A point in the order of all commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// A versionstamp: 8 bytes commit version, 2 bytes order within its batch, big-endian. Unique, and sorts as the commits did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub [u8; 10]);

/// The stamp of the last commit that changed the catalog; all zero before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogVersion(pub Stamp);

/// What a commit that succeeded says. A transaction that wrote nothing has its read version here and a stamp of zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Commit version.
    pub version: Version,
    /// What replaced the placeholders of stamped mutations.
    pub stamp: Stamp,
}

/// Who goes first when the engine is short of capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Requests of clients.
    #[default]
    Default,
    /// Janitors.
    Batch,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begin {
    /// Who goes first.
    pub priority: Priority,
    /// Bucket id for throttling by tenant, where the engine has it.
    pub tag: Option<u64>,
    /// Whether the commit must be durable before it is acknowledged even where the engine is set to sync at intervals: transactions
    /// that open a ticket, and changes of the catalog.
    pub always_sync: bool,
}

/// What kind of engine this is.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// `local`, `memory`, `fdb`: the value of the metrics' label `backend`.
    pub name: &'static str,
    /// Whether a commit can end in [`KvErrorKind::MaybeCommitted`](crate::KvErrorKind::MaybeCommitted).
    pub may_lose_answers: bool,
    /// Whether other processes write to the same data.
    pub shared: bool,
}

/// An ordered, transactional key-value store. Limits, the same on every engine: key 10,000 bytes, value 100,000 bytes, transaction
/// 10,000,000 bytes, life of a read version 5 s.
#[async_trait]
pub trait Kv: Send + Sync {
    /// Starts a transaction. Costs no round trip by itself.
    ///
    /// # Errors
    /// `Unavailable` while closing, `Throttled` when the engine sheds load.
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError>;

    /// What kind of engine this is.
    fn facts(&self) -> Facts;

    /// Writes what is pending and lets go of the data. Transactions begun before fail with `Unavailable` from now on.
    ///
    /// # Errors
    /// What the engine could not finish.
    async fn close(&self) -> Result<(), KvError>;
}

/// One transaction: reads at one version, writes at once or not at all. Dropped without a commit, it did nothing.
/// Reads do not see the transaction's own mutations.
#[async_trait]
pub trait Transaction: Send + Sync {
    /// The version at which this transaction reads.
    ///
    /// # Errors
    /// `Unavailable`, `Throttled`.
    async fn read_version(&self) -> Result<Version, KvError>;

    /// When the catalog last changed, as of the read version. A snapshot read: no conflict.
    ///
    /// # Errors
    /// As for [`get_many`](Self::get_many).
    async fn catalog_version(&self) -> Result<CatalogVersion, KvError>;

    /// Point reads, all in parallel: one round trip. The answers stand in the order of the keys.
    ///
    /// # Errors
    /// `TooOld` past 5 s, `Unavailable`, `Throttled`.
    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError>;

    /// Rows of a range, at most `options.limit`.
    ///
    /// # Errors
    /// As for [`get_many`](Self::get_many).
    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError>;

    /// Adds a conflict without a read or a write.
    fn conflict(&self, range: KeyRange, kind: Conflict);

    /// Adds a write. Limits are reported by [`commit`](Self::commit).
    fn mutate(&self, mutation: Mutation);

    /// Commits. With no mutation and no write conflict this costs nothing and always succeeds.
    ///
    /// # Errors
    /// Every kind; `MaybeCommitted` only where [`Facts::may_lose_answers`] says so.
    async fn commit(self: Box<Self>) -> Result<Commit, KvError>;
}
