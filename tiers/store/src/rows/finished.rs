//! `W`: how an upload ended, kept for a day, so that a repeated request is answered as the first one was.

use bytes::Bytes;
use terrace_high_volume::Key;

use crate::name::{BucketId, ObjectKey, Revision, UploadId};
use crate::object::{Checksum, ETag};
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;
const COMPLETED: u8 = 0;
const ABORTED: u8 = 1;

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// It became an object.
    Completed(Completed),
    /// It was aborted.
    Aborted,
}

/// The object that an upload became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    /// Its bucket.
    pub(crate) bid: BucketId,
    /// Its key.
    pub(crate) key: ObjectKey,
    /// Its revision, and that of its body.
    pub(crate) rev: Revision,
    /// Its parts.
    pub(crate) parts: u32,
    /// Bytes of its body.
    pub(crate) size: u64,
    /// Last-Modified, milliseconds since the epoch.
    pub(crate) modified_ms: u64,
    /// Hash over the part list of the request: another list is not a repetition.
    pub(crate) parts_hash: [u8; 32],
    /// Its checksum.
    pub(crate) checksum: Option<Checksum>,
    /// Whether the checksum is one over the checksums of the parts.
    pub(crate) checksum_composite: bool,
}

impl Completed {
    /// Its ETag.
    pub(crate) fn etag(&self) -> ETag {
        ETag { body: self.rev, parts: self.parts }
    }
}

/// Row of a finished upload.
pub(crate) fn key(upload: UploadId) -> Key {
    codec::key(Family::Finished, &[&upload.0.0])
}

impl Finished {
    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            let Self::Completed(object) = self else { return writer.byte(ABORTED) };
            writer.byte(COMPLETED);
            writer.bucket(object.bid);
            writer.bytes(object.key.as_bytes());
            writer.revision(object.rev);
            writer.varint(u64::from(object.parts));
            writer.varint(object.size);
            writer.varint(object.modified_ms);
            writer.raw(&object.parts_hash);
            writer.option(object.checksum.as_ref(), |writer, checksum| writer.checksum(checksum));
            writer.byte(u8::from(object.checksum_composite));
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Finished, VERSION, value, |reader| match reader.byte()? {
            COMPLETED => Some(Self::Completed(Completed {
                bid: reader.bucket()?,
                key: reader.object_key()?,
                rev: reader.revision()?,
                parts: reader.small()?,
                size: reader.varint()?,
                modified_ms: reader.varint()?,
                parts_hash: reader.array()?,
                checksum: reader.option(|reader| reader.checksum())?,
                checksum_composite: reader.flag()?,
            })),
            ABORTED => Some(Self::Aborted),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::option;
    use proptest::prelude::*;

    #[test]
    fn an_aborted_upload_reads_back() {
        assert_eq!(Finished::decode(&Finished::Aborted.encode()), Ok(Finished::Aborted));
        sample::assert_guarded(&Finished::Aborted.encode(), Finished::decode);
    }

    proptest! {
        #[test]
        fn a_completed_upload_reads_back_as_it_was_written(
            bid in sample::bucket(), key in sample::object_key(), rev in sample::revision(), parts: u32,
            size in sample::number(), modified_ms in sample::number(), parts_hash: [u8; 32],
            checksum in option::of(sample::checksum()), checksum_composite: bool,
        ) {
            let row = Finished::Completed(Completed {
                bid, key, rev, parts, size, modified_ms, parts_hash, checksum, checksum_composite,
            });
            prop_assert_eq!(Finished::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), Finished::decode);
        }
    }
}
