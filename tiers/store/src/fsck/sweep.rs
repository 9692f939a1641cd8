//! The sweeper: finds, a page at a time, blobs that nothing names any more, and queues them for reclaim (data model, "Unsettled puts and the
//! sweeper"). What it finds came from a put whose outcome nobody knew and that landed after its ticket had been settled.
//!
//! A blob moves only forward: ticket, part, body, queue. So the rows are read in that order, after the listing that showed the blob, and
//! what is met nowhere is named nowhere and never will be. That holds at any age; [`Settings::sweep_age`](crate::Settings) keeps the sweeper
//! from looking twice at what a write in flight is about to name.
//!
//! Cost of a page: one listing call of the long-term tier, a scan of the open tickets, and two point ranges for each key in it; the reclaim
//! queue is read only for what was met nowhere else.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use bytes::Bytes;
use terrace_high_volume::{KeyRange, after};
use terrace_long_term::Listed;
use terrace_runtime::{StopSignal, WorkerStatus};

use crate::error::Result;
use crate::fsck::{Finding, Named};
use crate::name::{BucketId, Revision};
use crate::rows;
use crate::store::Store;

/// Pause between two pages: the long-term tier may bill each listing.
const PAUSE: Duration = Duration::from_secs(60);
/// Shortest rest between two rounds, whatever the age.
const REST: Duration = Duration::from_secs(1);

impl Store {
    /// Starts the worker.
    pub(crate) fn start_sweeper(&self) {
        let store = self.clone();
        self.tasks.worker("sweep", |stop, status| async move { store.sweep_loop(stop, status).await });
    }

    async fn sweep_loop(&self, stop: StopSignal, status: WorkerStatus) {
        let rest = self.settings.sweep_age.max(REST);
        let pause = PAUSE.min(rest);
        status.set("waits for the first round");
        while !stop.sleep(rest).await {
            match self.sweep_round(Some((&stop, pause))).await {
                Ok(queued) => status.set(format!("last round queued {queued}")),
                Err(error) => {
                    status.set("failing; see the log");
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the sweeper did not get through; it will begin again"
                    );
                }
            }
        }
    }

    /// Sweeps the whole long-term tier once, without pauses. Returns how many blobs were queued for reclaim. For tests and tools.
    ///
    /// # Errors
    /// What a tier says; what was queued before stays queued.
    pub async fn sweep_now(&self) -> Result<u64> {
        self.sweep_round(None).await
    }

    async fn sweep_round(&self, pace: Option<(&StopSignal, Duration)>) -> Result<u64> {
        let failed = |error| self.blob_failure("list blobs", error);
        let mut queued = 0;
        for bid in self.blobs.buckets().await.map_err(failed)? {
            let mut next = None;
            loop {
                let page = self.blobs.list(bid, next).await.map_err(failed)?;
                queued += self.sweep_page(page.blobs).await?;
                next = page.next;
                if let Some((stop, pause)) = pace
                    && stop.sleep(pause).await
                {
                    return Ok(queued);
                }
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(queued)
    }

    async fn sweep_page(&self, blobs: Vec<Listed>) -> Result<u64> {
        let age = u64::try_from(self.settings.sweep_age.as_millis()).unwrap_or(u64::MAX);
        let before = self.clock.wall().saturating_sub(age);
        let mut old = blobs;
        old.retain(|blob| Revision(blob.key.rev).minted_ms() < before);
        if old.is_empty() {
            return Ok(0);
        }

        let mut named = Named::among(old.iter().map(|blob| blob.key.rev).collect::<HashSet<_>>());
        self.scan_tickets(&mut named).await?;
        let keys: BTreeSet<(u64, Bytes)> =
            old.iter().map(|blob| (blob.key.bid, blob.key.key.clone())).collect();
        for (bid, key) in &keys {
            self.scan_uploads(&mut named, rows::upload::of(BucketId(*bid), key)).await?;
        }
        for (bid, key) in &keys {
            let record = rows::object::from(BucketId(*bid), key);
            let end = after(&record);
            self.scan_records(&mut named, KeyRange { begin: record, end }).await?;
        }
        old.retain(|blob| !named.claims.contains_key(&blob.key.rev));
        if old.is_empty() {
            return Ok(0);
        }

        // Twice: what waits as one upload or manifest may be expanded into rows behind those that the first scan has passed.
        for _ in 0..2 {
            self.scan_queue(&mut named).await?;
            old.retain(|blob| !named.claims.contains_key(&blob.key.rev));
            if old.is_empty() {
                return Ok(0);
            }
        }
        let mut orphans = Vec::with_capacity(old.len());
        for Listed { key: blob, size: bytes } in old {
            // Reclaim may have come to the end of its row meanwhile.
            if self.is_there(&blob).await? {
                orphans.push(Finding::Orphan { blob, bytes });
            }
        }
        let queued = self.repair(&orphans).await?;
        self.metrics.swept.inc_by(queued);
        Ok(queued)
    }
}
