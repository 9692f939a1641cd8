//! Which buckets there are.
//!
//! The rows `B` are the truth. Where this process is the only writer, a map in memory answers without a read: it is loaded at open and
//! changed by whoever commits a change. From before such a commit until behind it the name is marked as changing, and a transaction that
//! meets the mark reads the row instead; so the map is never believed for a version it does not describe. A transaction must have its read
//! version before it asks (see [`Store::bucket`]).

mod change;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::RwLock;
use terrace_high_volume::{Conflict, KeyRange, Read, Transaction, after};
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::{Refusal, Result};
use crate::name::{BucketId, BucketName};
use crate::rows;
use crate::rows::bucket::BucketRow;
use crate::store::Store;
use crate::transact::{Reading, Stop, first, get};

/// Buckets in memory.
#[derive(Default)]
pub(crate) struct Catalog {
    view: RwLock<View>,
    /// Held by the one change under way: changes of the catalog are rare, and in this order the map learns of them.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct View {
    buckets: BTreeMap<BucketName, Arc<BucketRow>>,
    /// Names whose row is being changed, or was changed with an outcome that could not be read since.
    changing: BTreeSet<BucketName>,
}

/// What the map says of a name.
pub(crate) enum Lookup {
    /// The bucket.
    There(Arc<BucketRow>),
    /// No such bucket.
    Absent,
    /// Ask the row.
    Changing,
}

impl Catalog {
    /// What the map says of a name.
    pub(crate) fn lookup(&self, name: &BucketName) -> Lookup {
        let view = self.view.read();
        if !view.changing.is_empty() && view.changing.contains(name) {
            return Lookup::Changing;
        }
        view.buckets.get(name).map_or(Lookup::Absent, |row| Lookup::There(Arc::clone(row)))
    }

    /// All buckets in the order of their names; `None` while one is changing.
    pub(crate) fn all(&self) -> Option<Vec<(BucketName, Arc<BucketRow>)>> {
        let view = self.view.read();
        view.changing
            .is_empty()
            .then(|| view.buckets.iter().map(|(name, row)| (name.clone(), Arc::clone(row))).collect())
    }

    fn mark(&self, name: &BucketName) {
        self.view.write().changing.insert(name.clone());
    }

    fn settle(&self, name: &BucketName, row: Option<BucketRow>) {
        let mut view = self.view.write();
        match row {
            Some(row) => view.buckets.insert(name.clone(), Arc::new(row)),
            None => view.buckets.remove(name),
        };
        view.changing.remove(name);
    }

    fn load(&self, buckets: BTreeMap<BucketName, Arc<BucketRow>>) {
        self.view.write().buckets = buckets;
    }
}

impl Store {
    /// The id of a bucket as of the transaction's version; a deletion of the bucket conflicts with the transaction from here on.
    pub(crate) async fn bucket(
        &self,
        txn: &dyn Transaction,
        name: &BucketName,
    ) -> std::result::Result<BucketId, Stop> {
        if is_planted(Bug::PointInsteadOfRange) {
            let bid = self.bucket_row(txn, name, Read::Snapshot).await?.bid;
            txn.conflict(KeyRange::single(&rows::object::range(bid).begin), Conflict::Read);
            return Ok(bid);
        }
        let bid = self.bucket_row(txn, name, Read::Serializable).await?.bid;
        txn.conflict(rows::config::range(bid), Conflict::Read);
        Ok(bid)
    }

    /// A bucket as of the transaction's version.
    pub(crate) async fn bucket_row(
        &self,
        txn: &dyn Transaction,
        name: &BucketName,
        read: Read,
    ) -> std::result::Result<Arc<BucketRow>, Stop> {
        self.reclaim.seen(txn.read_version().await?);
        if !self.facts.shared {
            match self.catalog.lookup(name) {
                Lookup::There(row) => return Ok(row),
                Lookup::Absent => return Err(Refusal::NoSuchBucket.into()),
                Lookup::Changing => {}
            }
        }
        match get(txn, &rows::bucket::key(name), read).await? {
            Some(value) => Ok(Arc::new(BucketRow::decode(&value)?)),
            None => Err(Refusal::NoSuchBucket.into()),
        }
    }

    /// The id of a bucket, for what is named before a transaction.
    pub(crate) async fn bucket_id(&self, name: &BucketName) -> Result<BucketId> {
        if !self.facts.shared
            && let Lookup::There(row) = self.catalog.lookup(name)
        {
            return Ok(row.bid);
        }
        Ok(self.read("look up a bucket", &mut Named { store: self, name }).await?.bid)
    }

    /// Refuses early, before a body is read, what the transaction would refuse: no bucket of that name.
    pub(crate) async fn expect_bucket(&self, name: &BucketName) -> Result<()> {
        self.head_bucket(name).await.map(drop)
    }

    /// Every bucket row.
    pub(crate) async fn read_buckets(&self) -> Result<Vec<(BucketName, BucketRow)>> {
        let mut all = Vec::new();
        let mut page = BucketPage { from: rows::bucket::range(), more: true };
        while page.more {
            all.extend(self.read("list buckets", &mut page).await?);
        }
        Ok(all)
    }

    /// Fills the map from the rows.
    pub(crate) async fn load_catalog(&self) -> Result<()> {
        let buckets = self.read_buckets().await?;
        self.catalog.load(buckets.into_iter().map(|(name, row)| (name, Arc::new(row))).collect());
        Ok(())
    }
}

struct Named<'s> {
    store: &'s Store,
    name: &'s BucketName,
}

impl Reading for Named<'_> {
    type Output = Arc<BucketRow>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Self::Output, Stop> {
        self.store.bucket_row(txn, self.name, Read::Snapshot).await
    }
}

struct BucketPage {
    from: KeyRange,
    more: bool,
}

const BUCKETS_AT_ONCE: usize = 1_000;

impl Reading for BucketPage {
    type Output = Vec<(BucketName, BucketRow)>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Self::Output, Stop> {
        let page = first(txn, self.from.clone(), BUCKETS_AT_ONCE, Read::Snapshot).await?;
        let mut buckets = Vec::with_capacity(page.rows.len());
        for (key, value) in &page.rows {
            let name = rows::bucket::name(key).ok_or(rows::Damaged { family: rows::Family::Bucket })?;
            buckets.push((name, BucketRow::decode(value)?));
        }
        if let Some((last, _)) = page.rows.last() {
            self.from.begin = after(last);
        }
        self.more = page.more;
        Ok(buckets)
    }
}
