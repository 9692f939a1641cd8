//! `B`: the buckets, by name.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::{BucketId, BucketName};
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;

/// Value of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketRow {
    /// Its id, never reused.
    pub(crate) bid: BucketId,
    /// When it was created, milliseconds since the epoch.
    pub(crate) created_ms: u64,
    /// Who owns it.
    pub(crate) owner: String,
}

/// Row of a bucket.
pub(crate) fn key(name: &BucketName) -> Key {
    codec::key(Family::Bucket, &[name.as_str().as_bytes()])
}

/// All buckets, in the order of their names.
pub(crate) fn range() -> KeyRange {
    KeyRange::prefix(codec::key(Family::Bucket, &[]))
}

/// The name in a row's key.
pub(crate) fn name(key: &Key) -> Option<BucketName> {
    let name = key.strip_prefix(&[Family::Bucket.byte()])?;
    BucketName::new(std::str::from_utf8(name).ok()?).ok()
}

impl BucketRow {
    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            writer.bucket(self.bid);
            writer.varint(self.created_ms);
            writer.text(&self.owner);
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Bucket, VERSION, value, |reader| {
            Some(Self { bid: reader.bucket()?, created_ms: reader.varint()?, owner: reader.text()? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_bucket_row_has_no_name() {
        for key in [&b""[..], b"B", b"BA", b"babc", b"B\xFF\xFF\xFF"] {
            assert_eq!(name(&Bytes::copy_from_slice(key)), None, "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_reads_back_as_it_was_written(
            text in "[a-w][a-z0-9]{2,30}", bid in sample::bucket(), created_ms in sample::number(),
            owner in ".{0,40}",
        ) {
            let bucket = BucketName::new(&text).unwrap();
            prop_assert!(range().contains(&key(&bucket)));
            prop_assert_eq!(name(&key(&bucket)), Some(bucket));
            let row = BucketRow { bid, created_ms, owner };
            prop_assert_eq!(BucketRow::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), BucketRow::decode);
        }
    }
}
