//! What a transaction writes.

use bytes::Bytes;

use crate::range::{Key, KeyRange};

/// One write of a transaction, applied in the order given, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Key becomes value (at most 100,000 bytes).
    Set {
        /// The key.
        key: Key,
        /// Its value.
        value: Bytes,
    },
    /// The key goes; nothing happens when it is absent.
    Clear {
        /// The key.
        key: Key,
    },
    /// Every key of the range goes.
    ClearRange {
        /// The range.
        range: KeyRange,
    },
    /// Adds to a little-endian i64, wrapping, absent counting as 0 (FoundationDB's atomic ADD of 8 bytes). No read conflict.
    Add {
        /// The key.
        key: Key,
        /// What is added.
        delta: i64,
    },
    /// Sets a key whose 10 bytes from `offset` on are replaced by the commit's versionstamp.
    SetStampedKey {
        /// The key with any 10 bytes at `offset`.
        key: Key,
        /// Where the stamp goes.
        offset: usize,
        /// Its value.
        value: Bytes,
    },
    /// Sets a value whose 10 bytes from `offset` on are replaced by the commit's versionstamp.
    SetStampedValue {
        /// The key.
        key: Key,
        /// The value with any 10 bytes at `offset`.
        value: Bytes,
        /// Where the stamp goes.
        offset: usize,
    },
    /// Moves the version that [`Transaction::catalog_version`](crate::Transaction::catalog_version) reads
    /// (FoundationDB's `\xff/metadataVersion`).
    BumpCatalog,
}

/// Which side of conflict detection a range is added to without being read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// As if it had been read.
    Read,
    /// As if it had been written.
    Write,
}
