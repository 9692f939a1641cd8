//! Giving back the space of what was deleted.
//!
//! fjall merges as it is written to: what is deleted last stays until more is written on top of it, and a body file until the merge that finds
//! the last of its bodies deleted. A store that has been emptied would keep its size. So while nothing much is written, what deletes have left is
//! flushed and merged down, once it is a good part of the whole.

use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{AbstractTree as _, Keyspace};

/// Less waste than this is left where it is: about what the memtables and journals take anyway.
const LEAST: u64 = 8 << 20;
/// A merge rewrites what lives, so it is worth it only for one part in this many of the whole.
const SHARE: u64 = 4;
/// Fewer bytes between two looks are quiet: a merge of everything keeps fjall's thread, and with it flushes.
const QUIET: u64 = 1 << 20;
/// The first merge of fjall 3.1 finds out which body files are dead, the next drops them and rewrites some of those that are mostly dead, and so
/// on: at most so many, as long as each shrinks the whole by so many bytes.
const MERGES: usize = 8;
const SHRINKS: u64 = 1 << 20;

/// What has been written to an engine since somebody last looked.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    bytes: AtomicU64,
}

/// What has been deleted in a keyspace and waits in its memtable, and what a merge could not give back.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    rows: AtomicU64,
    stuck: AtomicU64,
}

impl Traffic {
    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether there was little since the last call.
    pub(super) fn was_quiet(&self) -> bool {
        self.bytes.swap(0, Ordering::Relaxed) < QUIET
    }
}

impl Deleted {
    pub(super) fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// One step towards giving the waste of `keyspace` back, if there is enough of it: first what is in memory is flushed, and when that is done
    /// all is merged. Whether anything was done. Blocks: a merge reads and writes all keys, and the bodies that still live in files mostly dead.
    ///
    /// # Errors
    /// fjall's.
    pub(super) fn give_back(&self, keyspace: &Keyspace) -> fjall::Result<bool> {
        let waste = self.waste(keyspace);
        if waste < self.stuck.load(Ordering::Relaxed) + LEAST || waste < keyspace.disk_space() / SHARE {
            return Ok(false);
        }
        if self.rows.swap(0, Ordering::Relaxed) > 0 {
            return keyspace.rotate_memtable();
        }
        if keyspace.sealed_memtable_count() > 0 {
            return Ok(false);
        }
        for merge in 0..MERGES {
            let before = keyspace.disk_space();
            keyspace.major_compact()?;
            if merge > 0 && keyspace.disk_space() + SHRINKS > before {
                break;
            }
        }
        self.stuck.store(self.waste(keyspace), Ordering::Relaxed);
        tracing::debug!(waste, left = keyspace.disk_space(), "the space of deleted rows was given back");
        Ok(true)
    }

    /// Bytes on the disk that nobody can read any more, roughly: deletions count as rows of mean size.
    fn waste(&self, keyspace: &Keyspace) -> u64 {
        let deletions = keyspace.tree.tombstone_count() + self.rows.load(Ordering::Relaxed);
        let on_disk = keyspace.disk_space();
        let rows = (keyspace.approximate_len() as u64).saturating_sub(deletions).max(1);
        let unread = u128::from(deletions) * u128::from(on_disk) / u128::from(rows);
        keyspace.fragmented_blob_bytes() + u64::try_from(unread).unwrap_or(u64::MAX).min(on_disk)
    }
}
