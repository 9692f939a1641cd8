//! One pass over the head of the queue.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use terrace_high_volume::{Key, Mutation, Read, Transaction};
use terrace_long_term::{BlobError, BlobKey};

use crate::error::{Failure, FailureKind, Result};
use crate::reclaim::expand::Expand;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::garbage::{Class, DAY_MS, Garbage, Waste};
use crate::store::Store;
use crate::transact::{Reading, Run, Step, Stop, Work, first};

/// Rows looked at in one pass, and deletions at once (data model, "GC worker").
const ROWS: usize = 200;
const PARALLEL: usize = 32;
/// How long to wait for a reader that pins the head of the queue, or for a holder.
const AGAIN: Duration = Duration::from_secs(1);
/// What waits longer than its class does, by more than this, was queued under a clock that ran ahead.
const SKEW_MS: u64 = 60_000;

/// What is left after a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing in the queue.
    Empty,
    /// More that is due: pass again at once.
    More,
    /// Nothing is due before this time is over.
    Wait(Duration),
}

impl Store {
    /// Deletes what is due at the head of a class, and clears its rows. What fails stays in the queue and holds nothing else of the pass back.
    ///
    /// # Errors
    /// What a tier says. All that could be done has been done.
    pub(crate) async fn reclaim_pass(&self, class: Class) -> Result<Rest> {
        let Some(_deleting) = self.reclaim.holds.delete() else { return Ok(Rest::Wait(AGAIN)) };
        let Due { due, ahead, rest } = self.due(class).await?;
        if !ahead.is_empty() {
            let mut work = QueueAgain { class, rows: ahead };
            self.write(Run::client("queue waste again", self.mint()).background(), &mut work).await?;
        }
        if due.is_empty() {
            if rest == Rest::Empty {
                self.forget_emptied().await;
            }
            return Ok(rest);
        }
        let (gone, failed) = self.delete_blobs(&due).await;
        if !gone.is_empty() {
            let mut work = ClearRows { rows: gone };
            self.write(Run::client("clear the reclaim queue", self.mint()).background(), &mut work).await?;
        }
        for (row, garbage) in due {
            if matches!(garbage.what, Waste::Blob { .. }) {
                continue;
            }
            if let Waste::BucketUploads(bid) = garbage.what {
                self.reclaim.bucket_deleted(bid);
            }
            let mut work = Expand { store: self, row, waste: garbage.what };
            self.write(Run::client("expand the reclaim queue", self.mint()).background(), &mut work).await?;
        }
        match (failed, rest) {
            (Some(error), _) => Err(self.blob_failure("delete a blob", error).into()),
            // What was expanded may be due now, and an empty queue is seen by the next pass.
            (None, Rest::Empty) => Ok(Rest::More),
            (None, rest) => Ok(rest),
        }
    }

    /// The rows at the head of a class that are due, and what is behind them.
    async fn due(&self, class: Class) -> Result<Due> {
        let head = self.read("read the reclaim queue", &mut Head { class }).await?;
        let now = self.clock.wall();
        let longest = now.saturating_add(self.longest_wait_ms(class));
        let (mut due, mut ahead) = (Vec::with_capacity(head.rows.len()), Vec::new());
        for (row, garbage) in head.rows {
            let damaged = || self.corrupt(rows::Damaged { family: rows::Family::Garbage });
            let version = rows::garbage::version(&row).ok_or_else(damaged)?;
            if garbage.not_before_ms > longest.saturating_add(SKEW_MS) {
                // It would hold back all that is behind it, until a time that may be years away.
                ahead.push((row, Garbage { not_before_ms: longest, ..garbage }));
                continue;
            }
            if garbage.not_before_ms > now {
                let rest = Rest::Wait(Duration::from_millis(garbage.not_before_ms - now));
                return Ok(Due { due, ahead, rest });
            }
            if self.reclaim.pins.guard(version) {
                return Ok(Due { due, ahead, rest: Rest::Wait(AGAIN) });
            }
            due.push((row, garbage));
        }
        let rest = if head.more || !ahead.is_empty() { Rest::More } else { Rest::Empty };
        Ok(Due { due, ahead, rest })
    }

    fn longest_wait_ms(&self, class: Class) -> u64 {
        match class {
            Class::Soon => u64::try_from(self.settings.grace.as_millis()).unwrap_or(u64::MAX),
            Class::Day => DAY_MS,
        }
    }

    /// With nothing left to delete: lets the backend clear the places of deleted buckets. One that fails is tried again with the next.
    async fn forget_emptied(&self) {
        let emptied: Vec<_> = self.reclaim.emptied.lock().iter().copied().collect();
        for bid in emptied {
            match self.blobs.forget_bucket(bid.0).await {
                Ok(()) => {
                    self.reclaim.emptied.lock().remove(&bid);
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    ?bid,
                    "a deleted bucket's place stays"
                ),
            }
        }
    }

    /// Deletes the blobs among `due`. Returns the rows of those that are gone, and why another is not.
    async fn delete_blobs(&self, due: &[(Key, Garbage)]) -> (Vec<Key>, Option<BlobError>) {
        let blobs = due.iter().filter_map(|(row, garbage)| match &garbage.what {
            Waste::Blob { bid, key, rev } => {
                Some((row.clone(), BlobKey { bid: bid.0, key: key.as_bytes().clone(), rev: rev.0 }))
            }
            Waste::Inline { .. }
            | Waste::Manifest { .. }
            | Waste::Upload { .. }
            | Waste::BucketUploads(_)
            | Waste::Finished(_) => None,
        });
        let outcomes: Vec<_> = stream::iter(blobs.collect::<Vec<_>>())
            .map(|(row, blob)| async move { self.blobs.delete(&blob).await.map(|()| row) })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let (mut gone, mut failed) = (Vec::with_capacity(outcomes.len()), None);
        for outcome in outcomes {
            match outcome {
                Ok(row) => gone.push(row),
                Err(error) => failed = Some(error),
            }
        }
        (gone, failed)
    }

    pub(crate) fn corrupt(&self, damaged: rows::Damaged) -> Failure {
        Failure::new(FailureKind::Corrupt, "read a row", self.facts.name).because(damaged)
    }
}

/// What a look at the head of a class found.
struct Due {
    due: Vec<(Key, Garbage)>,
    /// Rows that were queued under a clock that ran ahead, with the time that this one gives them.
    ahead: Vec<(Key, Garbage)>,
    /// What is behind them.
    rest: Rest,
}

struct Head {
    class: Class,
}

struct Rows {
    rows: Vec<(Key, Garbage)>,
    more: bool,
}

impl Reading for Head {
    type Output = Rows;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Rows, Stop> {
        let page = first(txn, rows::garbage::range(self.class), ROWS, Read::Snapshot).await?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, value) in page.rows {
            let garbage = Garbage::decode(&value)?;
            rows.push((key, garbage));
        }
        Ok(Rows { rows, more: page.more })
    }
}

struct ClearRows {
    rows: Vec<Key>,
}

impl Work for ClearRows {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<()>, Stop> {
        for key in &self.rows {
            txn.mutate(Mutation::Clear { key: key.clone() });
        }
        Ok(Step::Write(()))
    }
}

/// Moves rows to the end of their class.
struct QueueAgain {
    class: Class,
    rows: Vec<(Key, Garbage)>,
}

impl Work for QueueAgain {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<()>, Stop> {
        // Another pass, or a peer's, may have come first.
        let keys: Vec<Key> = self.rows.iter().map(|(key, _)| key.clone()).collect();
        let there = txn.get_many(&keys, Read::Serializable).await?;
        let mut again = Vec::with_capacity(keys.len());
        for ((key, garbage), there) in self.rows.iter().zip(there) {
            if there.is_some() {
                txn.mutate(Mutation::Clear { key: key.clone() });
                again.push(garbage.clone());
            }
        }
        queue::put(txn, self.class, &again);
        Ok(if again.is_empty() { Step::Done(()) } else { Step::Write(()) })
    }
}
