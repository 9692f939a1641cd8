//! `C`: counters of a bucket, each one little-endian i64 that commits add to without reading. No version byte: the engine adds to the
//! whole value. Key: bucket, field, shard (one now: 0).

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::BucketId;
use crate::rows::{Damaged, Family, codec};

const SHARD: u8 = 0;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Field {
    /// Objects.
    Objects = 0,
    /// Bytes of the bodies of objects.
    Bytes = 1,
    /// Bytes of the parts of open uploads.
    UploadBytes = 2,
}

/// Row of a counter.
pub(crate) fn key(bucket: BucketId, field: Field) -> Key {
    codec::key(Family::Counter, &[&bucket.0.to_be_bytes(), &[field as u8, SHARD]])
}

/// All counters of a bucket.
pub(crate) fn range(bucket: BucketId) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Counter, &[&bucket.0.to_be_bytes()]))
}

/// Reads a counter; an absent row counts as 0.
///
/// # Errors
/// [`Damaged`]: not 8 bytes.
pub(crate) fn decode(value: &Bytes) -> Result<i64, Damaged> {
    let bytes = value.as_ref().try_into().map_err(|_| Damaged { family: Family::Counter })?;
    Ok(i64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_8_bytes_little_endian() {
        assert_eq!(decode(&Bytes::copy_from_slice(&(-2_i64).to_le_bytes())), Ok(-2));
        assert!(decode(&Bytes::from_static(&[0; 7])).is_err());
        assert!(decode(&Bytes::new()).is_err());
    }

    #[test]
    fn the_counters_of_a_bucket_are_three_rows_of_its_range() {
        let rows = [Field::Objects, Field::Bytes, Field::UploadBytes].map(|f| key(BucketId(5), f));
        assert!(rows.is_sorted_by(|a, b| a < b));
        assert!(rows.iter().all(|row| range(BucketId(5)).contains(row)));
        assert!(!rows.iter().any(|row| range(BucketId(4)).contains(row)));
    }
}
