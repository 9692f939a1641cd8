//! Rows in one ordered map, each with the versions that an open snapshot may still read.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use crate::error::{KvError, KvErrorKind};
use crate::kv::Version;
use crate::range::{Key, KeyRange, Page};
use crate::sequencer::engine::{ApplyError, Batch, Engine, Snapshot};

/// See the module.
#[derive(Default)]
pub(crate) struct MemoryEngine {
    state: Arc<RwLock<State>>,
}

#[derive(Default)]
struct State {
    version: Version,
    rows: BTreeMap<Key, Row>,
    /// How many snapshots are open at each version.
    open: BTreeMap<Version, usize>,
    /// Keys that hold something to drop once every snapshot is at or above the version.
    stale: VecDeque<(Version, Key)>,
    bytes: u64,
}

/// Versions of one key, oldest first, never empty. `None` = cleared.
type Row = Vec<(Version, Option<Bytes>)>;

impl State {
    fn write(&mut self, key: Key, value: Option<Bytes>) {
        let version = self.version;
        self.bytes += (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64;
        let row = self.rows.entry(key.clone()).or_default();
        row.push((version, value));
        if row.len() > 1 || row.last().is_some_and(|(_, value)| value.is_none()) {
            self.stale.push_back((version, key));
        }
    }

    /// Drops what no open snapshot can see any more.
    fn collect(&mut self) {
        let horizon = self.open.keys().next().map_or(self.version, |oldest| *oldest);
        while let Some((_, key)) = self.stale.pop_front_if(|(version, _)| *version <= horizon) {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            let visible = row.iter().rposition(|(version, _)| *version <= horizon).unwrap_or(0);
            let gone = if row.len() == visible + 1 && row.last().is_some_and(|(_, value)| value.is_none()) {
                row.len()
            } else {
                visible
            };
            for (_, value) in row.drain(..gone) {
                self.bytes -= (key.len() + value.map_or(0, |value| value.len())) as u64;
            }
            if row.is_empty() {
                self.rows.remove(&key);
            }
        }
    }
}

fn visible(row: &Row, at: Version) -> Option<&Bytes> {
    row.iter().rev().find(|(version, _)| *version <= at).and_then(|(_, value)| value.as_ref())
}

impl Engine for MemoryEngine {
    type Snapshot = MemorySnapshot;

    fn snapshot(&self) -> MemorySnapshot {
        let mut state = self.state.write();
        let version = state.version;
        *state.open.entry(version).or_insert(0) += 1;
        MemorySnapshot { state: Arc::clone(&self.state), version }
    }

    fn apply(&self, batch: Batch, _durable: bool) -> Result<(), ApplyError> {
        let mut state = self.state.write();
        state.version = batch.version;
        for (key, value) in batch.rows {
            state.write(key, value);
        }
        state.collect();
        Ok(())
    }

    fn sync(&self, _version: Version) -> Result<(), ApplyError> {
        Ok(())
    }

    fn failed(&self) -> Option<ApplyError> {
        None
    }

    fn approximate_size(&self) -> u64 {
        self.state.read().bytes
    }

    fn checkpoint(&self, _dir: &Path, _version: Version) -> Result<(), KvError> {
        Err(KvError::new(KvErrorKind::Bug, "the memory engine has nothing to copy to a directory"))
    }

    fn close(&self, _version: Version) -> Result<(), KvError> {
        *self.state.write() = State::default();
        Ok(())
    }
}

/// The rows as of one version.
pub(crate) struct MemorySnapshot {
    state: Arc<RwLock<State>>,
    version: Version,
}

impl MemorySnapshot {
    fn rows<'a>(
        &'a self,
        rows: &'a BTreeMap<Key, Row>,
        range: &'a KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, &'a Bytes)> {
        rows.range::<[u8], _>(range.bounds())
            .filter_map(|(key, row)| visible(row, self.version).map(|value| (key, value)))
    }
}

impl Snapshot for MemorySnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.state.read().rows.get(key).and_then(|row| visible(row, self.version)).cloned())
    }

    fn range(&self, range: &KeyRange, limit: usize, reverse: bool) -> Result<Page, KvError> {
        let state = self.state.read();
        let rows = self.rows(&state.rows, range).map(|(key, value)| (key.clone(), value.clone()));
        let rows: Vec<_> =
            if reverse { rows.rev().take(limit).collect() } else { rows.take(limit).collect() };
        let more = rows.len() == limit;
        Ok(Page { rows, more })
    }

    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Key>, KvError> {
        let state = self.state.read();
        Ok(self.rows(&state.rows, range).map(|(key, _)| key.clone()).take(limit).collect())
    }
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut state = self.state.write();
        if let Some(count) = state.open.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                state.open.remove(&self.version);
            }
        }
    }
}
