//! `G`: what the reclaim worker will delete. Key: class, shard (one now: 0), versionstamp, order within the transaction: a queue in
//! the order of commits, in which a long wait never stands before a short one.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange, Stamp, Version};

use crate::name::{BucketId, ObjectKey, Revision, UploadId};
use crate::rows::codec::{Reader, Writer};
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;
const SHARD: u8 = 0;
const STAMP_AT: usize = 3;

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    /// Waits for the grace time of readers.
    Soon = 0,
    /// Waits for a day.
    Day = 1,
}

/// The wait of [`Class::Day`], milliseconds.
pub(crate) const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// What is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waste {
    /// One blob.
    Blob {
        /// Bucket in its name.
        bid: BucketId,
        /// Key in its name.
        key: ObjectKey,
        /// Its revision.
        rev: Revision,
    },
    /// An inline body.
    Inline {
        /// Its revision.
        rev: Revision,
        /// Its bytes.
        size: u64,
    },
    /// The parts that a manifest names, then its pages.
    Manifest {
        /// Bucket in the names of its parts.
        bid: BucketId,
        /// Key in the names of its parts.
        key: ObjectKey,
        /// The body's revision.
        rev: Revision,
    },
    /// The parts of an upload that was aborted, then their rows.
    Upload {
        /// Its bucket.
        bid: BucketId,
        /// Its key.
        key: ObjectKey,
        /// Its id.
        upload: UploadId,
    },
    /// All open uploads of a bucket that was deleted.
    BucketUploads(BucketId),
    /// The `W` row of an upload that finished a day ago.
    Finished(UploadId),
}

/// Why it is waste; for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    /// Another body took its place.
    Overwritten = 0,
    /// Its object was deleted.
    Deleted = 1,
    /// Its upload was aborted, or completed without it.
    Unlisted = 2,
    /// Its write did not come to an end.
    Abandoned = 3,
    /// Its bucket was deleted.
    BucketDeleted = 4,
    /// It was kept for a time that has passed.
    Expired = 5,
    /// Found by a sweep or a repair: nothing names it.
    Orphan = 6,
}

/// Value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Garbage {
    /// What is to be deleted.
    pub(crate) what: Waste,
    /// Bytes that this frees, as far as they are known.
    pub(crate) size: u64,
    /// Why.
    pub(crate) reason: Reason,
    /// Not before, milliseconds since the epoch.
    pub(crate) not_before_ms: u64,
}

/// Row number `order` (counted from 0 in its transaction) with room for the versionstamp, and where that room begins.
pub(crate) fn stamped(class: Class, order: u16) -> (Key, usize) {
    let room = Stamp::default().0;
    (codec::key(Family::Garbage, &[&[class as u8, SHARD], &room, &order.to_be_bytes()]), STAMP_AT)
}

/// One queue, the oldest commit first.
pub(crate) fn range(class: Class) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Garbage, &[&[class as u8]]))
}

/// The version of the commit that queued a row: readers from before it may still want what it names.
pub(crate) fn version(key: &Key) -> Option<Version> {
    let stamp = key.get(STAMP_AT..)?.first_chunk()?;
    Some(Version(u64::from_be_bytes(*stamp)))
}

impl Garbage {
    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            self.what.write(writer);
            writer.varint(self.size);
            writer.byte(self.reason as u8);
            writer.varint(self.not_before_ms);
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Garbage, VERSION, value, |reader| {
            let (what, size) = (Waste::read(reader)?, reader.varint()?);
            let reason = Reason::from_code(reader.byte()?)?;
            Some(Self { what, size, reason, not_before_ms: reader.varint()? })
        })
    }
}

impl Reason {
    fn from_code(code: u8) -> Option<Self> {
        use Reason as R;
        [R::Overwritten, R::Deleted, R::Unlisted, R::Abandoned, R::BucketDeleted, R::Expired, R::Orphan]
            .into_iter()
            .find(|reason| *reason as u8 == code)
    }
}

impl Waste {
    fn write(&self, writer: &mut Writer) {
        let mut named = |code: u8, bid: &BucketId, key: &ObjectKey, rev: &Revision| {
            writer.byte(code);
            writer.bucket(*bid);
            writer.bytes(key.as_bytes());
            writer.revision(*rev);
        };
        match self {
            Self::Blob { bid, key, rev } => named(0, bid, key, rev),
            Self::Inline { rev, size } => {
                writer.byte(1);
                writer.revision(*rev);
                writer.varint(*size);
            }
            Self::Manifest { bid, key, rev } => named(2, bid, key, rev),
            Self::Upload { bid, key, upload } => named(3, bid, key, &upload.0),
            Self::BucketUploads(bid) => {
                writer.byte(4);
                writer.bucket(*bid);
            }
            Self::Finished(upload) => {
                writer.byte(5);
                writer.revision(upload.0);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let named =
            |reader: &mut Reader<'_>| Some((reader.bucket()?, reader.object_key()?, reader.revision()?));
        Some(match reader.byte()? {
            0 => {
                let (bid, key, rev) = named(reader)?;
                Self::Blob { bid, key, rev }
            }
            1 => Self::Inline { rev: reader.revision()?, size: reader.varint()? },
            2 => {
                let (bid, key, rev) = named(reader)?;
                Self::Manifest { bid, key, rev }
            }
            3 => {
                let (bid, key, id) = named(reader)?;
                Self::Upload { bid, key, upload: UploadId(id) }
            }
            4 => Self::BucketUploads(reader.bucket()?),
            5 => Self::Finished(UploadId(reader.revision()?)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    fn waste() -> impl Strategy<Value = Waste> {
        let named = || (sample::bucket(), sample::object_key(), sample::revision());
        prop_oneof![
            named().prop_map(|(bid, key, rev)| Waste::Blob { bid, key, rev }),
            (sample::revision(), sample::number()).prop_map(|(rev, size)| Waste::Inline { rev, size }),
            named().prop_map(|(bid, key, rev)| Waste::Manifest { bid, key, rev }),
            named().prop_map(|(bid, key, id)| Waste::Upload { bid, key, upload: UploadId(id) }),
            sample::bucket().prop_map(Waste::BucketUploads),
            sample::upload().prop_map(Waste::Finished),
        ]
    }

    fn stamp(class: Class, order: u16, stamp: [u8; 10]) -> Vec<u8> {
        let (key, at) = stamped(class, order);
        [&key[..at], &stamp, &key[at + 10..]].concat()
    }

    #[test]
    fn every_reason_reads_back() {
        assert_eq!(
            (0..7).filter_map(Reason::from_code).map(|r| r as u8).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6]
        );
        assert_eq!(Reason::from_code(7), None);
    }

    proptest! {
        #[test]
        fn a_queue_is_in_the_order_of_commits((a, b) in any::<([u8; 10], [u8; 10])>(), (x, y) in any::<(u16, u16)>()) {
            let rows = stamp(Class::Soon, x, a).cmp(&stamp(Class::Soon, y, b));
            prop_assert_eq!(rows, (a, x).cmp(&(b, y)));
            let version = Version(u64::from_be_bytes(a[..8].try_into().unwrap()));
            prop_assert_eq!(super::version(&stamp(Class::Soon, x, a).into()), Some(version));
            prop_assert!(range(Class::Day).contains(&stamp(Class::Day, x, a)));
            prop_assert!(!range(Class::Soon).contains(&stamp(Class::Day, x, a)));
        }

        #[test]
        fn a_row_reads_back_as_it_was_written(
            what in waste(), size in sample::number(), reason in 0_u8..7, not_before_ms in sample::number(),
        ) {
            let reason = Reason::from_code(reason).unwrap();
            let row = Garbage { what, size, reason, not_before_ms };
            prop_assert_eq!(Garbage::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), Garbage::decode);
        }
    }
}
