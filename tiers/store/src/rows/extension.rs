//! `E`: metadata too large for a head. Key: bucket, escaped object key, `vseq` inverted, so that the newest version is first.

use bytes::Bytes;
use terrace_high_volume::Key;

use crate::name::{BucketId, ObjectKey};
use crate::object::Metadata;
use crate::rows::{Damaged, Family, codec, metadata};

const VERSION: u8 = 1;

/// Row of one version of an object.
pub(crate) fn key(bucket: BucketId, key: &ObjectKey, vseq: u64) -> Key {
    let escaped = codec::escaped(key.as_bytes());
    codec::key(Family::Extension, &[&bucket.0.to_be_bytes(), &escaped, &(!vseq).to_be_bytes()])
}

/// Value of a row.
pub(crate) fn encode(said: &Metadata) -> Bytes {
    codec::exact(|writer| {
        writer.byte(VERSION);
        metadata::write(writer, said);
    })
}

/// Reads a value.
///
/// # Errors
/// [`Damaged`].
pub(crate) fn decode(value: &Bytes) -> Result<Metadata, Damaged> {
    codec::decode(Family::Extension, VERSION, value, metadata::read)
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_sort_by_key_then_the_newest_first(
            (a, b) in (sample::object_key(), sample::object_key()), (x, y) in any::<(u64, u64)>(),
        ) {
            let rows = key(BucketId(1), &a, x).cmp(&key(BucketId(1), &b, y));
            prop_assert_eq!(rows, (&a, Reverse(x)).cmp(&(&b, Reverse(y))));
        }

        #[test]
        fn metadata_reads_back_as_it_was_written(said in sample::metadata()) {
            prop_assert_eq!(decode(&encode(&said)), Ok(said.clone()));
            sample::assert_guarded(&encode(&said), decode);
        }
    }
}
