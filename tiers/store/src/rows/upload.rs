//! `U`: open uploads. Key: bucket, escaped object key, upload id: rows sort by key, then by when the upload was opened.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange, strinc};

use crate::name::{BucketId, ObjectKey, Revision, UploadId};
use crate::object::{Algorithm, ChecksumChoice, ChecksumType, Metadata};
use crate::rows::{Damaged, Family, codec, metadata};

const VERSION: u8 = 1;
const NAME: usize = 9;
/// Beside the code of the algorithm: the checksum is over all bytes, though that is not the default of the algorithm.
const FULL_OBJECT: u8 = 0x80;

/// Value of an open upload: what its object will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadDoc {
    /// When it was opened, milliseconds since the epoch.
    pub(crate) initiated_ms: u64,
    /// What the client says of the object.
    pub(crate) metadata: Metadata,
    /// Storage class, if it is not STANDARD.
    pub(crate) storage_class: Option<String>,
    /// Checksum that the object is to have, where the client named one.
    pub(crate) checksum: Option<ChecksumChoice>,
}

/// Row of an upload.
pub(crate) fn key(bucket: BucketId, key: &ObjectKey, upload: UploadId) -> Key {
    let escaped = codec::escaped(key.as_bytes());
    codec::key(Family::Upload, &[&bucket.0.to_be_bytes(), &escaped, &upload.0.0])
}

/// All open uploads of a bucket.
pub(crate) fn range(bucket: BucketId) -> KeyRange {
    KeyRange::prefix(from(bucket, &[]))
}

/// All open uploads of all buckets.
pub(crate) fn all() -> KeyRange {
    KeyRange::prefix(codec::key(Family::Upload, &[]))
}

/// The bucket of a row. `None`: not a key of this family.
pub(crate) fn bucket(key: &Key) -> Option<BucketId> {
    codec::bucket_of(Family::Upload, key)
}

/// In front of the uploads of `key` (any bytes) and behind those of every lesser key; also a prefix of the rows of all keys that begin
/// with `key`, and of no others.
pub(crate) fn from(bucket: BucketId, key: &[u8]) -> Key {
    codec::key(Family::Upload, &[&bucket.0.to_be_bytes(), &codec::escaped_body(key)])
}

/// All open uploads of `key`.
pub(crate) fn of(bucket: BucketId, key: &[u8]) -> KeyRange {
    let escaped = codec::escaped(key);
    KeyRange::prefix(codec::key(Family::Upload, &[&bucket.0.to_be_bytes(), &escaped]))
}

/// Behind all uploads of `key`, in front of those of the next key.
pub(crate) fn behind(bucket: BucketId, key: &[u8]) -> Key {
    let escaped = codec::escaped(key);
    let prefix = codec::key(Family::Upload, &[&bucket.0.to_be_bytes(), &escaped]);
    strinc(&prefix).unwrap_or(prefix)
}

/// Behind one upload of `key`, which need not exist.
pub(crate) fn behind_upload(bucket: BucketId, key: &[u8], upload: UploadId) -> Key {
    let escaped = codec::escaped(key);
    codec::key(Family::Upload, &[&bucket.0.to_be_bytes(), &escaped, &upload.0.0, &[0]])
}

/// Object key and upload id in a row's key. The object key shares the row's bytes unless it holds a NUL.
pub(crate) fn parse(key: &Key) -> Option<(Bytes, UploadId)> {
    if key.first() != Some(&Family::Upload.byte()) || key.len() < NAME {
        return None;
    }
    let (object, id) = codec::unescape(&key.slice(NAME..))?;
    Some((object, UploadId(Revision(id.as_ref().try_into().ok()?))))
}

fn code_of(choice: ChecksumChoice) -> u8 {
    let said =
        choice.kind == ChecksumType::FullObject && choice != ChecksumChoice::default_of(choice.algorithm);
    choice.algorithm as u8 | if said { FULL_OBJECT } else { 0 }
}

fn choice_of(code: u8) -> Option<ChecksumChoice> {
    let default = ChecksumChoice::default_of(Algorithm::from_code(code & !FULL_OBJECT)?);
    let said = ChecksumChoice { kind: ChecksumType::FullObject, ..default };
    match code & FULL_OBJECT {
        0 => Some(default),
        _ => (said != default && said.is_possible()).then_some(said),
    }
}

impl UploadDoc {
    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            writer.varint(self.initiated_ms);
            writer.option(self.storage_class.as_deref(), |writer, class| writer.text(class));
            writer.byte(self.checksum.map_or(0, code_of));
            metadata::write(writer, &self.metadata);
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Upload, VERSION, value, |reader| {
            let initiated_ms = reader.varint()?;
            let storage_class = reader.option(|reader| reader.text())?;
            let checksum = match reader.byte()? {
                0 => None,
                code => Some(choice_of(code)?),
            };
            Some(Self { initiated_ms, storage_class, checksum, metadata: metadata::read(reader)? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::option;
    use proptest::prelude::*;

    const BUCKET: BucketId = BucketId(7);

    #[test]
    fn what_is_no_upload_row_does_not_parse() {
        let good = key(BUCKET, &ObjectKey::new("a\0b").unwrap(), UploadId(Revision([1; 16])));
        assert!(parse(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(parse(&good.slice(..length)), None, "{length}");
        }
        assert_eq!(parse(&terrace_high_volume::after(&good)), None);
    }

    proptest! {
        #[test]
        fn rows_sort_by_key_then_by_upload_id(
            (a, b) in (sample::object_key(), sample::object_key()),
            (x, y) in (sample::upload(), sample::upload()),
        ) {
            let (first, second) = (key(BUCKET, &a, x), key(BUCKET, &b, y));
            prop_assert_eq!(first.cmp(&second), (&a, x).cmp(&(&b, y)));
            prop_assert_eq!(parse(&first), Some((a.as_bytes().clone(), x)));
            prop_assert!(range(BUCKET).contains(&first) && !range(BucketId(6)).contains(&first));
            prop_assert!(of(BUCKET, a.as_bytes()).contains(&first));
            prop_assert_eq!(of(BUCKET, a.as_bytes()).contains(&second), a == b);
        }

        #[test]
        fn begins_of_ranges_stand_between_the_right_rows(
            (a, b) in (sample::object_key(), sample::object_key()),
            (x, y) in (sample::upload(), sample::upload()),
        ) {
            let row = key(BUCKET, &a, x);
            prop_assert_eq!(row < from(BUCKET, b.as_bytes()), a < b);
            prop_assert_eq!(row < behind(BUCKET, b.as_bytes()), a <= b);
            prop_assert_eq!(row < behind_upload(BUCKET, b.as_bytes(), y), (&a, x) <= (&b, y));
            let begins = row.starts_with(&from(BUCKET, b.as_bytes()));
            prop_assert_eq!(begins, a.as_bytes().starts_with(b.as_bytes()));
        }

        #[test]
        fn an_upload_reads_back_as_it_was_written(
            initiated_ms in sample::number(), metadata in sample::metadata(),
            storage_class in option::of("[A-Z_]{1,20}"), algorithm in option::of(sample::algorithm()),
            full_object: bool,
        ) {
            let checksum = algorithm.map(|algorithm| {
                let said = ChecksumChoice { algorithm, kind: ChecksumType::FullObject };
                if full_object && said.is_possible() { said } else { ChecksumChoice::default_of(algorithm) }
            });
            let row = UploadDoc { initiated_ms, metadata, storage_class, checksum };
            prop_assert_eq!(UploadDoc::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), UploadDoc::decode);
        }
    }
}
