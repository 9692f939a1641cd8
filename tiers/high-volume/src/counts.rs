//! A [`Kv`] on top of another that counts what an operation costs, so that a table of budgets can be asserted.

use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::KvError;
use crate::kv::{Begin, CatalogVersion, Commit, Facts, Kv, Transaction, Version};
use crate::mutation::{Conflict, Mutation};
use crate::range::{Key, KeyRange, Page, RangeOptions, Read};

/// What was asked of a store. The difference of two is what was asked in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions begun.
    pub transactions: u64,
    /// Read versions fetched: one for each transaction that read anything, its version or the catalog's included.
    pub read_versions: u64,
    /// Round trips of point reads: one for each `get_many`, however many keys.
    pub gets: u64,
    /// Keys asked for in them.
    pub keys: u64,
    /// Range reads.
    pub ranges: u64,
    /// Rows that came back from them.
    pub rows: u64,
    /// Commits that wrote (or marked something as written), whatever became of them.
    pub commits: u64,
    /// Mutations in them.
    pub mutations: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            transactions: self.transactions - earlier.transactions,
            read_versions: self.read_versions - earlier.read_versions,
            gets: self.gets - earlier.gets,
            keys: self.keys - earlier.keys,
            ranges: self.ranges - earlier.ranges,
            rows: self.rows - earlier.rows,
            commits: self.commits - earlier.commits,
            mutations: self.mutations - earlier.mutations,
        }
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct CountingKv {
    inner: Arc<dyn Kv>,
    totals: Arc<Totals>,
}

/// The counts since [`CountingKv::scope`].
pub struct Scope {
    totals: Arc<Totals>,
    begin: Counts,
}

#[derive(Default)]
struct Totals {
    transactions: AtomicU64,
    read_versions: AtomicU64,
    gets: AtomicU64,
    keys: AtomicU64,
    ranges: AtomicU64,
    rows: AtomicU64,
    commits: AtomicU64,
    mutations: AtomicU64,
}

impl Totals {
    fn now(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            transactions: read(&self.transactions),
            read_versions: read(&self.read_versions),
            gets: read(&self.gets),
            keys: read(&self.keys),
            ranges: read(&self.ranges),
            rows: read(&self.rows),
            commits: read(&self.commits),
            mutations: read(&self.mutations),
        }
    }
}

fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(more as u64, Ordering::Relaxed);
}

impl CountingKv {
    /// Counts what goes to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Kv>) -> Self {
        Self { inner, totals: Arc::default() }
    }

    /// Everything so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.totals.now()
    }

    /// Counts from here on. Whatever else uses the store meanwhile is counted too.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope { totals: Arc::clone(&self.totals), begin: self.totals.now() }
    }
}

impl Scope {
    /// What was asked since the scope began.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.totals.now() - self.begin
    }
}

#[async_trait]
impl Kv for CountingKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        add(&self.totals.transactions, 1);
        let inner = self.inner.begin(options).await?;
        Ok(Box::new(Counting {
            inner,
            totals: Arc::clone(&self.totals),
            has_version: AtomicBool::new(false),
            marks: AtomicBool::new(false),
            mutations: AtomicU64::new(0),
        }))
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }

    async fn close(&self) -> Result<(), KvError> {
        self.inner.close().await
    }
}

struct Counting {
    inner: Box<dyn Transaction>,
    totals: Arc<Totals>,
    has_version: AtomicBool,
    marks: AtomicBool,
    mutations: AtomicU64,
}

impl Counting {
    fn version(&self) {
        if !self.has_version.swap(true, Ordering::Relaxed) {
            add(&self.totals.read_versions, 1);
        }
    }
}

#[async_trait]
impl Transaction for Counting {
    async fn read_version(&self) -> Result<Version, KvError> {
        self.version();
        self.inner.read_version().await
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        self.version();
        self.inner.catalog_version().await
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        self.version();
        add(&self.totals.gets, 1);
        add(&self.totals.keys, keys.len());
        self.inner.get_many(keys, read).await
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        self.version();
        add(&self.totals.ranges, 1);
        let page = self.inner.range(range, options).await?;
        add(&self.totals.rows, page.rows.len());
        Ok(page)
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        if kind == Conflict::Write {
            self.marks.store(true, Ordering::Relaxed);
        }
        self.inner.conflict(range, kind);
    }

    fn mutate(&self, mutation: Mutation) {
        self.mutations.fetch_add(1, Ordering::Relaxed);
        self.inner.mutate(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        let mutations = self.mutations.load(Ordering::Relaxed);
        if mutations > 0 || self.marks.load(Ordering::Relaxed) {
            add(&self.totals.commits, 1);
            self.totals.mutations.fetch_add(mutations, Ordering::Relaxed);
        }
        self.inner.commit().await
    }
}

#[cfg(test)]
mod tests {
    use terrace_runtime::ManualClock;

    use super::*;
    use crate::memory::MemoryKv;

    #[tokio::test]
    async fn a_scope_counts_round_trips_rows_and_writes() {
        let kv = CountingKv::new(MemoryKv::new(Arc::new(ManualClock::at(0))));
        let key = |name: &'static str| Key::from_static(name.as_bytes());
        let set = |name| Mutation::Set { key: key(name), value: Bytes::new() };
        let write = kv.begin(Begin::default()).await.unwrap();
        write.mutate(set("a"));
        write.mutate(set("b"));
        write.commit().await.unwrap();
        let before = Counts { transactions: 1, commits: 1, mutations: 2, ..Counts::default() };
        assert_eq!(kv.counts(), before);
        let scope = kv.scope();
        let read = kv.begin(Begin::default()).await.unwrap();
        read.catalog_version().await.unwrap();
        read.get_many(&[key("a"), key("b"), key("c")], Read::Snapshot).await.unwrap();
        let options = RangeOptions { limit: 10, reverse: false, read: Read::Snapshot };
        read.range(KeyRange::new("a", "z"), options).await.unwrap();
        read.commit().await.unwrap();
        let expected = Counts {
            transactions: 1,
            read_versions: 1,
            gets: 1,
            keys: 3,
            ranges: 1,
            rows: 2,
            ..Counts::default()
        };
        assert_eq!(scope.counts(), expected);
    }
}
