//! Rows on fjall. Two keyspaces share the ordered key space of the tier: bodies (keys that begin with `D`, values kept apart from
//! the keys, so that merging keys does not copy bodies) and all other rows; a third holds the engine's own row.

use std::error::Error;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode, Readable, Slice};
use parking_lot::Mutex;

use super::compact::{Deleted, Step, Traffic};
use super::lock::DirectoryLock;
use super::mark::Mark;
use super::reserve::Reserve;
use super::{checkpoint, state};
use crate::error::{KvError, KvErrorKind};
use crate::kv::{CatalogVersion, Version};
use crate::range::{Key, KeyRange, Page};
use crate::sequencer::engine::{ApplyError, Batch, Engine, Snapshot};

/// First byte of the keys of inline bodies (data-model: row family `D`).
const BODY: u8 = b'D';
const BODIES_BEGIN: &[u8] = b"D";
const BODIES_END: &[u8] = b"E";

/// Begin and end of a part of a range.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

const MEMTABLE: u64 = 8 << 20;
const BODY_FILE: u64 = 64 << 20;
/// Bodies from this size on stand in files of their own.
const APART: u32 = 256;
/// The least that fjall takes. Journals are read at every start, so few bytes of them are a quick start.
const JOURNALS: u64 = 64 << 20;
/// What a row takes up in the journal beside key and value, and a batch beside its rows (more than fjall 3.1 writes).
const ROW_OVERHEAD: u64 = 32;
const BATCH_OVERHEAD: u64 = 128;
/// Values up to this size are copied out of the block they were read with, larger ones share its memory.
const COPIED: usize = 512;

/// Everything that must be dropped to let go of the data, the lock last.
pub(super) struct Handles {
    database: Database,
    rows: Keyspace,
    bodies: Keyspace,
    own: Keyspace,
    mark: Mark,
    traffic: Traffic,
    /// Of `rows` and of `bodies`.
    deleted: [Deleted; 2],
    _lock: DirectoryLock,
}

/// See the module.
pub(super) struct LocalEngine {
    handles: Arc<Handles>,
    directory: PathBuf,
    reserve: Mutex<Reserve>,
}

/// Opens fjall's part of a data directory, making it if it is not there. The keyspaces: own, rows, bodies.
pub(super) fn open_database(engine: &Path, cache: u64) -> fjall::Result<(Database, [Keyspace; 3])> {
    let database = Database::builder(engine)
        .cache_size(cache)
        // Not more: an idle one of two turns in circles while the other merges (decision 0004).
        .worker_threads(1)
        .max_journaling_size(JOURNALS)
        .manual_journal_persist(true)
        .journal_compression(fjall::CompressionType::None)
        .open()?;
    let own = database.keyspace("own", || KeyspaceCreateOptions::default().max_memtable_size(1 << 20))?;
    let rows = database.keyspace("rows", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE))?;
    let bodies = database.keyspace("bodies", || {
        let apart = KvSeparationOptions::default()
            .compression(fjall::CompressionType::None)
            .file_target_size(BODY_FILE)
            .separation_threshold(APART);
        KeyspaceCreateOptions::default()
            .max_memtable_size(MEMTABLE)
            .expect_point_read_hits(true)
            .with_kv_separation(Some(apart))
    })?;
    Ok((database, [own, rows, bodies]))
}

impl LocalEngine {
    pub(super) fn new(
        directory: PathBuf,
        reserve: Reserve,
        (database, [own, rows, bodies]): (Database, [Keyspace; 3]),
        (mark, lock): (Mark, DirectoryLock),
    ) -> Self {
        let (traffic, deleted) = Default::default();
        let handles = Arc::new(Handles { database, rows, bodies, own, mark, traffic, deleted, _lock: lock });
        Self { handles, directory, reserve: Mutex::new(reserve) }
    }

    /// What [`Handles::give_back`] is asked of; holds nothing open.
    pub(super) fn handles(&self) -> Weak<Handles> {
        Arc::downgrade(&self.handles)
    }

    /// Version of the last commit and of the catalog, as the database has them.
    pub(super) fn state(own: &Keyspace) -> fjall::Result<Option<(Version, CatalogVersion)>> {
        Ok(own.get(state::KEY)?.and_then(|row| state::decode(&row)))
    }
}

impl Handles {
    fn of(&self, key: &[u8]) -> &Keyspace {
        if is_body(key) { &self.bodies } else { &self.rows }
    }

    /// A step towards giving back the space of what was deleted and of full journals, in quiet times. Blocks.
    pub(super) fn give_back(&self) -> fjall::Result<Step> {
        if !self.traffic.was_quiet() {
            return Ok(Step::Nothing);
        }
        for (deleted, keyspace) in self.deleted.iter().zip([&self.rows, &self.bodies]) {
            match deleted.give_back(keyspace)? {
                Step::Nothing => {}
                step => {
                    if step == Step::Merge {
                        self.traffic.set_merged(true);
                    }
                    return Ok(step);
                }
            }
        }
        if self.traffic.was_merged() {
            return Ok(Step::Renew);
        }
        if self.database.journal_count() == 1 {
            return Ok(Step::Nothing);
        }
        // A full journal stays as long as any keyspace has rows of it in memory alone.
        for keyspace in [&self.own, &self.rows, &self.bodies] {
            keyspace.rotate_memtable()?;
        }
        Ok(Step::Flush)
    }

    /// Lets go of the files that no view needs. fjall looks for them when a memtable that is not empty is rotated: there was a commit.
    pub(super) fn let_go(&self) -> fjall::Result<()> {
        self.own.rotate_memtable()?;
        self.traffic.set_merged(false);
        Ok(())
    }

    /// The parts of a range (begin inclusive, end exclusive), each within one keyspace, in order.
    fn parts<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Keyspace, Bounds<'a>)> {
        let (begin, end): (&[u8], &[u8]) = (&range.begin, &range.end);
        [
            (&self.rows, begin, end.min(BODIES_BEGIN)),
            (&self.bodies, begin.max(BODIES_BEGIN), end.min(BODIES_END)),
            (&self.rows, begin.max(BODIES_END), end),
        ]
        .into_iter()
        .filter(|(_, begin, end)| begin < end)
        .map(|(keyspace, begin, end)| (keyspace, (Bound::Included(begin), Bound::Excluded(end))))
    }
}

impl Engine for LocalEngine {
    type Snapshot = LocalSnapshot;

    fn snapshot(&self) -> LocalSnapshot {
        LocalSnapshot { rows: self.handles.database.snapshot(), handles: Arc::downgrade(&self.handles) }
    }

    fn apply(&self, batch: Batch, durable: bool) -> Result<(), ApplyError> {
        let bytes = batch.rows.iter().fold(BATCH_OVERHEAD, |bytes, (key, value)| {
            bytes + ROW_OVERHEAD + (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64
        });
        self.reserve.lock().take(bytes).map_err(|error| ApplyError::Refused(Arc::new(error)))?;
        let handles = &*self.handles;
        let mode = if durable { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut write = fjall::OwnedWriteBatch::with_capacity(handles.database.clone(), batch.rows.len() + 1)
            .durability(Some(mode));
        write.insert(&handles.own, state::KEY, state::encode(batch.version, batch.catalog));
        let mut deleted = [0, 0];
        for (key, value) in batch.rows {
            match value {
                Some(value) => write.insert(handles.of(&key), &*key, &*value),
                None => {
                    deleted[usize::from(is_body(&key))] += 1;
                    write.remove(handles.of(&key), &*key);
                }
            }
        }
        write.commit().map_err(fatal)?;
        handles.traffic.add(bytes);
        handles.deleted.iter().zip(deleted).for_each(|(all, rows)| all.add(rows));
        if durable {
            handles.mark.write(batch.version).map_err(fatal)?;
        }
        Ok(())
    }

    fn sync(&self, version: Version) -> Result<(), ApplyError> {
        self.handles.database.persist(PersistMode::SyncData).map_err(fatal)?;
        self.handles.mark.write(version).map_err(fatal)
    }

    /// fjall takes no more writes once a write to its journal, a flush or a merge has failed. Waits for a commit under way.
    fn failed(&self) -> Option<ApplyError> {
        self.handles.database.persist(PersistMode::Buffer).err().map(fatal)
    }

    fn approximate_size(&self) -> u64 {
        self.handles.database.disk_space().unwrap_or(0)
    }

    fn checkpoint(&self, dir: &Path, version: Version) -> Result<(), KvError> {
        checkpoint::copy(&self.directory, dir, version).map_err(|error| {
            KvError::caused(KvErrorKind::Unavailable, "the checkpoint could not be written", error)
        })
    }

    fn close(&self, version: Version) -> Result<(), KvError> {
        let failed = |error: Box<dyn Error + Send + Sync>| {
            KvError::caused(KvErrorKind::Unavailable, "the engine could not write what was pending", error)
        };
        self.handles.database.persist(PersistMode::SyncAll).map_err(|error| failed(error.into()))?;
        self.handles.mark.settle(version).map_err(|error| failed(error.into()))
    }
}

fn is_body(key: &[u8]) -> bool {
    key.first() == Some(&BODY)
}

fn fatal(error: impl Error + Send + Sync + 'static) -> ApplyError {
    ApplyError::Fatal(Arc::new(error))
}

/// fjall's view at one version. Holds the data only while it reads, so that closing does not wait for a forgotten transaction.
pub(super) struct LocalSnapshot {
    rows: fjall::Snapshot,
    handles: Weak<Handles>,
}

impl LocalSnapshot {
    fn handles(&self) -> Result<Arc<Handles>, KvError> {
        self.handles.upgrade().ok_or_else(|| KvError::new(KvErrorKind::Unavailable, "the engine is closed"))
    }
}

impl Snapshot for LocalSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let handles = self.handles()?;
        let value = self.rows.get(handles.of(key), key).map_err(unreadable)?;
        Ok(value.map(bytes))
    }

    fn range(&self, range: &KeyRange, limit: usize, reverse: bool) -> Result<Page, KvError> {
        let handles = self.handles()?;
        let mut page = Page::default();
        let mut parts = handles.parts(range);
        while let Some((keyspace, part)) = if reverse { parts.next_back() } else { parts.next() } {
            let mut rows = self.rows.range::<&[u8], _>(keyspace, part);
            while let Some(row) = if reverse { rows.next_back() } else { rows.next() } {
                let (key, value) = row.into_inner().map_err(unreadable)?;
                page.rows.push((bytes(key), bytes(value)));
                // A row beyond the page would have to be read only to know that it is there.
                if page.rows.len() == limit {
                    page.more = true;
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Key>, KvError> {
        let handles = self.handles()?;
        let mut keys = Vec::new();
        for (keyspace, part) in handles.parts(range) {
            for row in self.rows.range::<&[u8], _>(keyspace, part).take(limit - keys.len()) {
                keys.push(bytes(row.key().map_err(unreadable)?));
            }
        }
        Ok(keys)
    }
}

fn bytes(slice: Slice) -> Bytes {
    if slice.len() <= COPIED { Bytes::copy_from_slice(&slice) } else { Bytes::from_owner(slice) }
}

fn unreadable(error: fjall::Error) -> KvError {
    let kind = match &error {
        fjall::Error::Io(_) | fjall::Error::Storage(fjall::LsmError::Io(_)) => KvErrorKind::Unavailable,
        _ => KvErrorKind::Bug,
    };
    KvError::caused(kind, "the engine could not read", error)
}
