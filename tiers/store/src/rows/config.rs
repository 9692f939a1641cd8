//! `b`: configuration documents of a bucket. None are written yet; each data transaction conflicts with the range, so that a document,
//! or the bucket's end, never passes a write in flight.

use terrace_high_volume::KeyRange;

use crate::name::BucketId;
use crate::rows::{Family, codec};

/// All documents of a bucket.
pub(crate) fn range(bucket: BucketId) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Config, &[&bucket.0.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_of_buckets_do_not_overlap() {
        for bucket in [0, 1, 0xFF, u64::MAX - 1] {
            assert!(!range(BucketId(bucket)).is_empty());
            assert!(!range(BucketId(bucket)).overlaps(&range(BucketId(bucket + 1))));
        }
    }
}
