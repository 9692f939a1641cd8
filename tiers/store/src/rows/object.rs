//! `O`: the current object of each key. Key: bucket id, then the object key as it is, so that rows sort as keys do.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::{BucketId, ObjectKey};
use crate::rows::{Family, codec};

const NAME: usize = 9;

/// Row of an object; its value is a [`Head`](super::head::Head).
pub(crate) fn key(bucket: BucketId, key: &ObjectKey) -> Key {
    from(bucket, key.as_bytes())
}

/// Where the row of `key` stands or would stand; `key` may be empty or longer than an object key, as the begin of a range.
pub(crate) fn from(bucket: BucketId, key: &[u8]) -> Key {
    codec::key(Family::Object, &[&bucket.0.to_be_bytes(), key])
}

/// All objects of a bucket.
pub(crate) fn range(bucket: BucketId) -> KeyRange {
    KeyRange::prefix(from(bucket, &[]))
}

/// All objects of all buckets.
pub(crate) fn all() -> KeyRange {
    KeyRange::prefix(codec::key(Family::Object, &[]))
}

/// The bucket of a row. `None`: not a key of this family.
pub(crate) fn bucket(key: &Key) -> Option<BucketId> {
    codec::bucket_of(Family::Object, key)
}

/// The object key of a row, shared with the row's key. `None`: not a key of this family.
pub(crate) fn name(key: &Key) -> Option<Bytes> {
    (key.first() == Some(&Family::Object.byte()) && key.len() > NAME).then(|| key.slice(NAME..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_object_row_has_no_name() {
        assert_eq!(name(&from(BucketId(1), &[])), None);
        assert_eq!(name(&Bytes::from_static(b"Pxxxxxxxxx")), None);
        assert_eq!(name(&Bytes::new()), None);
    }

    proptest! {
        #[test]
        fn rows_sort_as_buckets_and_keys_do(
            (a, b) in (sample::object_key(), sample::object_key()), (x, y) in (0_u64..3, 0_u64..3),
        ) {
            let rows = key(BucketId(x), &a).cmp(&key(BucketId(y), &b));
            prop_assert_eq!(rows, (x, &a).cmp(&(y, &b)));
        }

        #[test]
        fn a_row_gives_its_name_back_and_lies_in_the_range_of_its_bucket_alone(
            object in sample::object_key(), bucket: u64,
        ) {
            let row = key(BucketId(bucket), &object);
            prop_assert_eq!(&name(&row).unwrap(), object.as_bytes());
            prop_assert!(range(BucketId(bucket)).contains(&row));
            prop_assert!(!range(BucketId(bucket ^ 1)).contains(&row));
        }
    }
}
