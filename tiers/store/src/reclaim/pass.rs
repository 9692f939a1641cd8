//! One pass over the head of the queue.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use terrace_high_volume::{Key, Mutation, Read, Transaction};
use terrace_long_term::BlobKey;

use crate::error::{Failure, FailureKind, Result};
use crate::reclaim::expand::Expand;
use crate::rows;
use crate::rows::garbage::{Class, Garbage, Waste};
use crate::store::Store;
use crate::transact::{Reading, Run, Step, Stop, Work, first};

/// Rows looked at in one pass, and deletions at once (data model, "GC worker").
const ROWS: usize = 200;
const PARALLEL: usize = 32;
/// How long to wait for a reader that pins the head of the queue, or for a holder.
const AGAIN: Duration = Duration::from_secs(1);

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
    /// Deletes what is due at the head of a class, and clears its rows.
    pub(crate) async fn reclaim_pass(&self, class: Class) -> Result<Rest> {
        let Some(_deleting) = self.reclaim.holds.delete() else { return Ok(Rest::Wait(AGAIN)) };
        let head = self.read("read the reclaim queue", &mut Head { class }).await?;
        let head_is_empty = head.rows.is_empty();
        let now = self.clock.wall();
        let mut due = Vec::new();
        let mut rest = if head.more { Rest::More } else { Rest::Empty };
        for (row, garbage) in head.rows {
            let damaged = || self.corrupt(rows::Damaged { family: rows::Family::Garbage });
            let version = rows::garbage::version(&row).ok_or_else(damaged)?;
            if garbage.not_before_ms > now {
                rest = Rest::Wait(Duration::from_millis(garbage.not_before_ms - now));
                break;
            }
            if self.reclaim.pins.guard(version) {
                rest = Rest::Wait(AGAIN);
                break;
            }
            due.push((row, garbage));
        }
        if head_is_empty {
            self.forget_emptied().await;
            return Ok(Rest::Empty);
        }
        let gone = self.delete_blobs(&due).await?;
        let mut work = ClearRows { rows: gone };
        if !work.rows.is_empty() {
            self.write(Run::client("clear the reclaim queue", self.mint()).background(), &mut work).await?;
        }
        let mut expanded = false;
        for (row, garbage) in due {
            if !matches!(garbage.what, Waste::Blob { .. }) {
                if let Waste::BucketUploads(bid) = garbage.what {
                    self.reclaim.bucket_deleted(bid);
                }
                let mut work = Expand { store: self, row, waste: garbage.what };
                self.write(Run::client("expand the reclaim queue", self.mint()).background(), &mut work)
                    .await?;
                expanded = true;
            }
        }
        Ok(if expanded { Rest::More } else { rest })
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

    /// Deletes the blobs among `due`, and returns the rows of those that are gone.
    async fn delete_blobs(&self, due: &[(Key, Garbage)]) -> Result<Vec<Key>> {
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
        let mut gone = Vec::with_capacity(outcomes.len());
        let mut failed = None;
        for outcome in outcomes {
            match outcome {
                Ok(row) => gone.push(row),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            // Some went: clear their rows now, the others stay at the head of the queue.
            Some(error) if gone.is_empty() => Err(self.blob_failure("delete a blob", error).into()),
            _ => Ok(gone),
        }
    }

    pub(crate) fn corrupt(&self, damaged: rows::Damaged) -> Failure {
        Failure::new(FailureKind::Corrupt, "read a row", self.facts.name).because(damaged)
    }
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
