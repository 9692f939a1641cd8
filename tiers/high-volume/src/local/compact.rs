//! Giving back the space of what was deleted.
//!
//! fjall merges as it is written to: what is deleted last stays until more is written on top of it, and a body file until the merge that finds
//! the last of its bodies deleted. A store that has been emptied would keep its size. So while nothing much is written, what deletes have left is
//! flushed and merged down, once it is a good part of the whole.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fjall::{AbstractTree as _, Keyspace};

/// Less waste than this is left where it is: about what the memtables and journals take anyway.
const LEAST: u64 = 8 << 20;
/// A merge rewrites what lives, so it is worth it only for one part in this many of the whole.
const SHARE: u64 = 4;
/// Fewer bytes between two looks are quiet: a merge of everything keeps fjall's thread, and with it flushes.
const QUIET: u64 = 1 << 20;
/// A merge is of use if it shrinks the whole by so many bytes, and is tried again if it is not: the first of fjall 3.1 finds out which body files
/// are dead, the next drops them and rewrites a part of those that are mostly dead.
const SHRINKS: u64 = 1 << 20;
const TRIES: u64 = 2;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: there is little waste, or much traffic.
    Nothing,
    /// What was in memory is being flushed.
    Flush,
    /// All was merged. The files that were merged are there as long as a view is open that began before; the newest is always open.
    Merge,
    /// Nothing yet, but there was a merge before: it is time to make a newer view.
    Renew,
}

/// What has been written to an engine since somebody last looked, and whether the files of a merge are still there.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    bytes: AtomicU64,
    merged: AtomicBool,
}

/// What has been deleted in a keyspace and waits in its memtable, and what merges could not give back.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    rows: AtomicU64,
    stuck: AtomicU64,
    in_vain: AtomicU64,
}

impl Traffic {
    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether there was little since the last call.
    pub(super) fn was_quiet(&self) -> bool {
        self.bytes.swap(0, Ordering::Relaxed) < QUIET
    }

    /// Whether there are files of a merge to let go of.
    pub(super) fn was_merged(&self) -> bool {
        self.merged.load(Ordering::Relaxed)
    }

    pub(super) fn set_merged(&self, merged: bool) {
        self.merged.store(merged, Ordering::Relaxed);
    }
}

impl Deleted {
    pub(super) fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// One step towards giving the waste of `keyspace` back, if there is enough of it: a merge, or a flush of what must be merged. Blocks: a merge
    /// reads and writes all keys, and the bodies that still live in some of the files that are mostly dead.
    ///
    /// # Errors
    /// fjall's.
    pub(super) fn give_back(&self, keyspace: &Keyspace) -> fjall::Result<Step> {
        let on_disk = keyspace.disk_space();
        let least = (self.stuck.load(Ordering::Relaxed) + LEAST).max(on_disk / SHARE);
        if waste(keyspace, 0) < least {
            if waste(keyspace, self.rows.load(Ordering::Relaxed)) < least {
                return Ok(Step::Nothing);
            }
            self.rows.store(0, Ordering::Relaxed);
            keyspace.rotate_memtable()?;
            return Ok(Step::Flush);
        }
        if keyspace.sealed_memtable_count() > 0 {
            return Ok(Step::Flush);
        }
        keyspace.major_compact()?;
        let left = keyspace.disk_space();
        if left + SHRINKS <= on_disk {
            self.in_vain.store(0, Ordering::Relaxed);
        } else if self.in_vain.fetch_add(1, Ordering::Relaxed) + 1 == TRIES {
            self.in_vain.store(0, Ordering::Relaxed);
            self.stuck.store(waste(keyspace, 0), Ordering::Relaxed);
        }
        tracing::debug!(on_disk, left, "merged for the space of what was deleted");
        Ok(Step::Merge)
    }
}

/// Bytes on the disk that nobody can read any more, roughly: deletions, in tables and `more`, count as rows of mean size.
fn waste(keyspace: &Keyspace, more: u64) -> u64 {
    let deletions = keyspace.tree.tombstone_count() + more;
    let on_disk = keyspace.disk_space();
    let rows = (keyspace.approximate_len() as u64).saturating_sub(deletions).max(1);
    let unread = u128::from(deletions) * u128::from(on_disk) / u128::from(rows);
    keyspace.fragmented_blob_bytes() + u64::try_from(unread).unwrap_or(u64::MAX).min(on_disk)
}
