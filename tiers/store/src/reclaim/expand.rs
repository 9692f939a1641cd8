//! Waste that stands for many rows: turned, a bounded piece a transaction, into waste of single blobs.

use terrace_high_volume::{Conflict, Key, KeyRange, Mutation, Read, Transaction, after};

use crate::name::{BucketId, ObjectKey, Revision, UploadId};
use crate::ops::object::record::signed;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::counter::Field;
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::rows::manifest::Page;
use crate::rows::part::{PartAt, PartRow};
use crate::store::Store;
use crate::transact::{Step, Stop, Work, first, get};

/// Rows expanded in one transaction.
const AT_ONCE: usize = 500;

/// One bounded piece of an expansion. The row of the queue goes with the last piece.
pub(crate) struct Expand<'s> {
    pub(crate) store: &'s Store,
    pub(crate) row: Key,
    pub(crate) waste: Waste,
}

impl Work for Expand<'_> {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Step<()>, Stop> {
        let finished = match self.waste.clone() {
            // A blob is deleted, not expanded.
            Waste::Blob { .. } => return Ok(Step::Done(())),
            Waste::Inline { rev, .. } => {
                txn.mutate(Mutation::ClearRange { range: rows::inline::range(rev) });
                true
            }
            Waste::Finished(upload) => {
                txn.mutate(Mutation::Clear { key: rows::finished::key(upload) });
                true
            }
            Waste::Manifest { bid, key, rev } => self.manifest(txn, bid, key, rev).await?,
            Waste::Upload { bid, key, upload } => self.upload(txn, bid, key, upload).await?,
            Waste::BucketUploads(bid) => self.bucket_uploads(txn, bid).await?,
        };
        if finished {
            txn.mutate(Mutation::Clear { key: self.row.clone() });
        }
        Ok(Step::Write(()))
    }
}

impl Expand<'_> {
    /// One page of a manifest: up to 1,000 bodies.
    async fn manifest(
        &self,
        txn: &dyn Transaction,
        bid: BucketId,
        key: ObjectKey,
        rev: Revision,
    ) -> Result<bool, Stop> {
        let page = first(txn, rows::manifest::range(rev), 2, Read::Serializable).await?;
        let Some((row, value)) = page.rows.first() else { return Ok(true) };
        let mut waste = Waster::new(txn, self.store, bid, key);
        for entry in Page::decode(value)?.entries {
            waste.body(entry.rev, entry.at);
        }
        waste.queue();
        txn.mutate(Mutation::Clear { key: row.clone() });
        Ok(page.rows.len() == 1)
    }

    /// Parts that are left of an upload; their bytes are counted until now.
    async fn upload(
        &self,
        txn: &dyn Transaction,
        bid: BucketId,
        key: ObjectKey,
        upload: UploadId,
    ) -> Result<bool, Stop> {
        let page = first(txn, rows::part::range(upload), AT_ONCE, Read::Serializable).await?;
        let mut waste = Waster::new(txn, self.store, bid, key);
        let mut bytes = 0;
        for (_, value) in &page.rows {
            let part = PartRow::decode(value)?;
            bytes += signed(part.size);
            waste.body(part.rev, part.at);
        }
        waste.queue();
        self.uncount(txn, bid, bytes).await?;
        if let (Some((begin, _)), Some((end, _))) = (page.rows.first(), page.rows.last()) {
            txn.mutate(Mutation::ClearRange { range: KeyRange::new(begin.clone(), after(end)) });
        }
        Ok(!page.more)
    }

    /// Takes bytes of parts off their bucket's counter. A bucket that is gone has no counters, and must not get one again.
    async fn uncount(&self, txn: &dyn Transaction, bid: BucketId, bytes: i64) -> Result<(), Stop> {
        let counter = rows::counter::key(bid, Field::UploadBytes);
        txn.conflict(rows::config::range(bid), Conflict::Read);
        if bytes > 0 && get(txn, &counter, Read::Snapshot).await?.is_some() {
            txn.mutate(Mutation::Add { key: counter, delta: -bytes });
        }
        Ok(())
    }

    /// Uploads that a deleted bucket left open.
    async fn bucket_uploads(&self, txn: &dyn Transaction, bid: BucketId) -> Result<bool, Stop> {
        let page = first(txn, rows::upload::range(bid), AT_ONCE, Read::Serializable).await?;
        let now = self.store.clock.wall();
        let mut waste = Vec::with_capacity(page.rows.len());
        for (row, _) in &page.rows {
            let damaged = || rows::Damaged { family: rows::Family::Upload };
            let (key, upload) = rows::upload::parse(row).ok_or_else(damaged)?;
            let key = ObjectKey::new(key).map_err(|_| damaged())?;
            let what = Waste::Upload { bid, key, upload };
            waste.push(Garbage { what, size: 0, reason: Reason::BucketDeleted, not_before_ms: now });
            txn.mutate(Mutation::Clear { key: row.clone() });
        }
        queue::put(txn, Class::Soon, &waste);
        Ok(!page.more)
    }
}

/// Queues bodies as waste that nobody reads any more.
struct Waster<'t> {
    txn: &'t dyn Transaction,
    bid: BucketId,
    key: ObjectKey,
    now: u64,
    waste: Vec<Garbage>,
}

impl<'t> Waster<'t> {
    fn new(txn: &'t dyn Transaction, store: &Store, bid: BucketId, key: ObjectKey) -> Self {
        Self { txn, bid, key, now: store.clock.wall(), waste: Vec::new() }
    }

    fn body(&mut self, rev: Revision, at: PartAt) {
        match at {
            PartAt::Empty => {}
            PartAt::Inline => self.txn.mutate(Mutation::ClearRange { range: rows::inline::range(rev) }),
            PartAt::Blob => {
                let what = Waste::Blob { bid: self.bid, key: self.key.clone(), rev };
                self.waste.push(Garbage {
                    what,
                    size: 0,
                    reason: Reason::Overwritten,
                    not_before_ms: self.now,
                });
            }
        }
    }

    fn queue(self) {
        queue::put(self.txn, Class::Soon, &self.waste);
    }
}
