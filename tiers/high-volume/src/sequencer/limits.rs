//! The limits of every engine: FoundationDB's ("Known Limitations"), so that what runs here runs there.

use std::time::Duration;

use super::transaction::Pending;
use crate::error::{KvError, KvErrorKind};
use crate::mutation::Mutation;

/// Longest key, in bytes.
pub(crate) const MAX_KEY: usize = 10_000;
/// Longest value, in bytes.
pub(crate) const MAX_VALUE: usize = 100_000;
/// Largest transaction in bytes: keys and values written, and the keys of all conflicts.
pub(crate) const MAX_TRANSACTION: usize = 10_000_000;
/// How long a read version can be read at, and committed from.
pub(crate) const READ_LIFE: Duration = Duration::from_secs(5);
/// Most keys that the range clears of one transaction may hold: beyond it a clear is a job of many transactions.
pub(crate) const MAX_CLEARED: usize = 100_000;

const STAMP: usize = 10;

/// Checks a transaction against the limits and returns its size in bytes.
pub(super) fn check(pending: &Pending) -> Result<usize, KvError> {
    let mut size = 0;
    for mutation in &pending.mutations {
        size += check_mutation(mutation)?;
    }
    for key in &pending.read_keys {
        size += key.len();
    }
    for range in pending.read_ranges.iter().chain(&pending.write_ranges) {
        size += range.begin.len() + range.end.len();
    }
    if size > MAX_TRANSACTION {
        return Err(KvError::new(KvErrorKind::TooLarge, "the transaction is above 10,000,000 bytes"));
    }
    Ok(size)
}

/// Keys that are read: as long as keys that are written, and may be empty.
pub(super) fn check_read(key: &[u8]) -> Result<(), KvError> {
    if key.len() > MAX_KEY {
        return Err(KvError::new(KvErrorKind::TooLarge, "the key is above 10,000 bytes"));
    }
    Ok(())
}

fn check_mutation(mutation: &Mutation) -> Result<usize, KvError> {
    match mutation {
        Mutation::Set { key, value } => Ok(check_key(key)? + check_value(value)?),
        Mutation::Clear { key } => check_key(key),
        Mutation::Add { key, .. } => Ok(check_key(key)? + 8),
        Mutation::ClearRange { range } => {
            // An end may be one byte longer than any key, so that it can stand behind the last one.
            if range.begin.len().max(range.end.len()) > MAX_KEY + 1 {
                return Err(KvError::new(
                    KvErrorKind::TooLarge,
                    "the bound of a range is above 10,001 bytes",
                ));
            }
            Ok(range.begin.len() + range.end.len())
        }
        Mutation::SetStampedKey { key, offset, value } => {
            check_stamp(key.len(), *offset)?;
            Ok(check_key(key)? + check_value(value)?)
        }
        Mutation::SetStampedValue { key, value, offset } => {
            check_stamp(value.len(), *offset)?;
            Ok(check_key(key)? + check_value(value)?)
        }
        Mutation::BumpCatalog => Ok(2 * STAMP),
    }
}

fn check_key(key: &[u8]) -> Result<usize, KvError> {
    if key.is_empty() {
        return Err(KvError::new(KvErrorKind::Bug, "an empty key cannot be written"));
    }
    check_read(key)?;
    Ok(key.len())
}

fn check_value(value: &[u8]) -> Result<usize, KvError> {
    if value.len() > MAX_VALUE {
        return Err(KvError::new(KvErrorKind::TooLarge, "the value is above 100,000 bytes"));
    }
    Ok(value.len())
}

fn check_stamp(len: usize, offset: usize) -> Result<(), KvError> {
    match offset.checked_add(STAMP) {
        Some(end) if end <= len => Ok(()),
        _ => Err(KvError::new(KvErrorKind::Bug, "no room for a versionstamp at the offset")),
    }
}
