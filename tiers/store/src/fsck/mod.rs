//! The proof that nothing leaks and nothing is lost: blobs on the long-term tier = bodies of records (manifests expanded) + parts of open
//! uploads + open tickets + rows of the reclaim queue, each blob in exactly one class.
//!
//! It runs beside live traffic. A blob moves only forward: ticket, part, body, queue; while reclaim is held it leaves the queue for nothing
//! else. So the long-term tier is listed first and the rows are scanned in that order: what moves meanwhile is met at least once. What looks
//! wrong is looked at again, and only what looks wrong each time is reported.
//!
//! Memory: about 100 bytes a blob.

mod compare;
mod repair;
mod scan;
mod sweep;

use terrace_long_term::BlobKey;

use crate::error::Result;
use crate::store::Store;

pub(crate) use scan::{Claim, Named};

/// What a blob is to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Named by an open ticket: a write in flight, or one that a recovery will take back.
    Ticket,
    /// Part of an open upload, or of an aborted one whose parts are still being queued.
    Part,
    /// Body of a record, or a part of one.
    Body,
    /// Waits in the reclaim queue.
    Queued,
}

/// Count and bytes of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blobs.
    pub count: u64,
    /// Their bytes on the long-term tier.
    pub bytes: u64,
}

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A blob that nothing names.
    Orphan {
        /// Its name.
        blob: BlobKey,
        /// Its bytes.
        bytes: u64,
    },
    /// A body or part whose blob is missing.
    Missing {
        /// Its name.
        blob: BlobKey,
        /// What names it.
        class: Class,
    },
    /// A blob of another size than its record says.
    WrongSize {
        /// Its name.
        blob: BlobKey,
        /// Bytes as recorded.
        recorded: u64,
        /// Bytes of the blob.
        stored: u64,
    },
    /// A blob in more than one class.
    Twice {
        /// Its name.
        blob: BlobKey,
        /// The classes.
        classes: Vec<Class>,
    },
    /// A blob that is not as it was written.
    Unreadable {
        /// Bucket id, from its name.
        bid: u64,
        /// Revision, from its name.
        rev: [u8; 16],
        /// Bytes it takes now.
        bytes: u64,
    },
}

/// Outcome of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blobs of open tickets.
    pub tickets: Tally,
    /// Blobs that are parts of open uploads.
    pub parts: Tally,
    /// Blobs that are bodies of records.
    pub bodies: Tally,
    /// Blobs in the reclaim queue.
    pub queued: Tally,
    /// All blobs there are.
    pub blobs: Tally,
    /// What should not be; empty: the proof holds.
    pub findings: Vec<Finding>,
    /// Orphans queued for reclaim, when a repair was asked for.
    pub repaired: u64,
}

impl Report {
    /// Whether the proof holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// How often what looks wrong is looked at again.
const LOOKS: usize = 3;

impl Store {
    /// Proves that blobs and rows agree, holding reclaim back meanwhile. With `repair`, orphans are queued for reclaim; nothing else is
    /// changed. Reads every row of a large object and lists the whole long-term tier.
    ///
    /// # Errors
    /// What a tier says.
    pub async fn fsck(&self, repair: bool) -> Result<Report> {
        let _hold = self.reclaim.hold().await;
        let mut report = self.compare().await?;
        for _ in 1..LOOKS {
            if report.is_clean() {
                break;
            }
            let again = self.compare().await?;
            let confirmed: Vec<Finding> =
                again.findings.iter().filter(|finding| report.findings.contains(finding)).cloned().collect();
            report = Report { findings: confirmed, ..again };
        }
        if repair {
            report.repaired = self.repair(&report.findings).await?;
        }
        Ok(report)
    }
}
