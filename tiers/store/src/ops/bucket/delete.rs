//! DeleteBucket.

use terrace_high_volume::{Conflict, Mutation, Read, Transaction};
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::{Refusal, Result};
use crate::name::{BucketId, BucketName};
use crate::ops::join;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::bucket::BucketRow;
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work, first};

impl Store {
    /// Deletes an empty bucket; its open uploads are aborted. One transaction.
    ///
    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub async fn delete_bucket(&self, bucket: &BucketName) -> Result<()> {
        let (store, name) = (self.clone(), bucket.clone());
        let task = self.tasks.operation("delete bucket", async move {
            let run = Run::client("delete bucket", store.mint());
            let outcome = store.change_bucket(run, &name, &mut Delete { store: &store, name: &name }).await;
            store.reclaim.wake();
            outcome
        });
        join(task, "delete bucket").await
    }
}

struct Delete<'s> {
    store: &'s Store,
    name: &'s BucketName,
}

impl Work for Delete<'_> {
    type Output = Option<BucketRow>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Self::Output>, Stop> {
        let bid = self.store.bucket_row(txn, self.name, Read::Serializable).await?.bid;
        self.expect_empty(txn, bid).await?;
        for range in [rows::config::range(bid), rows::counter::range(bid)] {
            txn.mutate(Mutation::ClearRange { range });
        }
        txn.mutate(Mutation::Clear { key: rows::bucket::key(self.name) });
        txn.mutate(Mutation::BumpCatalog);
        // Whoever opens an upload meanwhile reads the bucket's documents, whose range is cleared here; whoever opened one before is found by
        // the expansion of this row.
        let now = self.store.clock.wall();
        let waste = Waste::BucketUploads(bid);
        queue::put(
            txn,
            Class::Soon,
            &[Garbage { what: waste, size: 0, reason: Reason::BucketDeleted, not_before_ms: now }],
        );
        Ok(Step::Write(None))
    }
}

impl Delete<'_> {
    /// Empty now, and still empty when this commits: the whole range is a read conflict.
    async fn expect_empty(&self, txn: &dyn Transaction, bid: BucketId) -> std::result::Result<(), Stop> {
        let objects = rows::object::range(bid);
        if !is_planted(Bug::BucketDeleteWithoutConflict) {
            txn.conflict(objects.clone(), Conflict::Read);
        }
        let page = first(txn, objects, 1, Read::Snapshot).await?;
        if page.rows.is_empty() { Ok(()) } else { Err(Refusal::BucketNotEmpty.into()) }
    }
}
