//! Turns the mutations of one transaction into the last word on each key.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::engine::Snapshot;
use super::limits::MAX_CLEARED;
use crate::error::{KvError, KvErrorKind};
use crate::kv::Stamp;
use crate::mutation::Mutation;
use crate::range::{Key, KeyRange};

type Rows = BTreeMap<Key, Option<Bytes>>;

/// Works on a transaction against what was published (`snapshot`) and what its batch has written before it (`batch`).
pub(super) struct Resolver<'a, S: Snapshot> {
    batch: &'a Rows,
    snapshot: &'a S,
    stamp: Stamp,
    resolved: Resolved,
}

/// The effect of one transaction.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) rows: Rows,
    pub(super) cleared: Vec<KeyRange>,
    pub(super) moves_catalog: bool,
}

impl<'a, S: Snapshot> Resolver<'a, S> {
    pub(super) fn new(batch: &'a Rows, snapshot: &'a S, stamp: Stamp) -> Self {
        Self { batch, snapshot, stamp, resolved: Resolved::default() }
    }

    pub(super) fn finish(self) -> Resolved {
        self.resolved
    }

    /// Takes the next mutation, in the order of the transaction.
    ///
    /// # Errors
    /// `TooLarge` if a range clear holds too many keys, and what the engine says when an add or a clear reads.
    pub(super) fn mutation(&mut self, mutation: Mutation) -> Result<(), KvError> {
        match mutation {
            Mutation::Set { key, value } => self.set(key, value),
            Mutation::Clear { key } => {
                self.resolved.rows.insert(key, None);
            }
            Mutation::ClearRange { range } => self.clear(range)?,
            Mutation::Add { key, delta } => {
                let sum = self.current(&key)?.map_or(0, |value| little_endian(&value)).wrapping_add(delta);
                self.set(key, Bytes::copy_from_slice(&sum.to_le_bytes()));
            }
            Mutation::SetStampedKey { key, offset, value } => {
                let key = stamped(&key, offset, self.stamp)?;
                self.set(key, value);
            }
            Mutation::SetStampedValue { key, value, offset } => {
                let value = stamped(&value, offset, self.stamp)?;
                self.set(key, value);
            }
            Mutation::BumpCatalog => self.resolved.moves_catalog = true,
        }
        Ok(())
    }

    fn set(&mut self, key: Key, value: Bytes) {
        self.resolved.rows.insert(key, Some(value));
    }

    fn current(&self, key: &Key) -> Result<Option<Bytes>, KvError> {
        match self.resolved.rows.get(key).or_else(|| self.batch.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.snapshot.get(key),
        }
    }

    fn clear(&mut self, range: KeyRange) -> Result<(), KvError> {
        if range.is_empty() {
            return Ok(());
        }
        let stored = self.snapshot.keys(&range, MAX_CLEARED + 1)?;
        let written: Vec<Key> =
            self.batch.range::<[u8], _>(range.bounds()).map(|(key, _)| key.clone()).collect();
        for value in self.resolved.rows.range_mut::<[u8], _>(range.bounds()).map(|(_, value)| value) {
            *value = None;
        }
        if stored.len() + written.len() > MAX_CLEARED {
            return Err(KvError::new(
                KvErrorKind::TooLarge,
                "a range clear of one transaction holds too many keys",
            ));
        }
        self.resolved.rows.extend(stored.into_iter().chain(written).map(|key| (key, None)));
        self.resolved.cleared.push(range);
        Ok(())
    }
}

/// FoundationDB's ADD: a shorter value is extended by zeros, a longer one cut.
fn little_endian(value: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(value) {
        *to = *from;
    }
    i64::from_le_bytes(bytes)
}

fn stamped(template: &[u8], offset: usize, stamp: Stamp) -> Result<Bytes, KvError> {
    let mut bytes = BytesMut::from(template);
    bytes
        .get_mut(offset..offset + stamp.0.len())
        .ok_or_else(|| KvError::new(KvErrorKind::Bug, "no room for a versionstamp at the offset"))?
        .copy_from_slice(&stamp.0);
    Ok(bytes.freeze())
}
