//! `W`: how an upload ended, kept for a day, so that a repeated request is answered as the first one was.

use bytes::Bytes;
use terrace_high_volume::Key;

use crate::name::{BucketId, ObjectKey, Revision, UploadId};
use crate::object::{ETag, ObjectChecksum};
use crate::rows::codec::Reader;
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;
const COMPLETED: u8 = 0;
const ABORTED: u8 = 1;
/// The checksum is one over the checksums of the parts.
const COMPOSITE: u8 = 1;
/// An MD5 follows.
const MD5: u8 = 1 << 1;

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
    /// Its checksum; a composite one is of as many parts.
    pub(crate) checksum: Option<ObjectChecksum>,
    /// The MD5 of the MD5s of its parts, where ETags are MD5s.
    pub(crate) md5: Option<[u8; 16]>,
}

impl Completed {
    /// Its ETag.
    pub(crate) fn etag(&self) -> ETag {
        match self.md5 {
            Some(md5) => ETag::of_md5(md5, Some(self.parts)),
            None => ETag::of_revision(self.rev, self.parts),
        }
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
            writer.option(object.checksum.as_ref(), |writer, sum| writer.checksum(&sum.checksum));
            let is_composite = object.checksum.as_ref().is_some_and(|sum| sum.composite_of.is_some());
            let flag = |holds: bool, flag: u8| if holds { flag } else { 0 };
            writer.byte(flag(is_composite, COMPOSITE) | flag(object.md5.is_some(), MD5));
            object.md5.iter().for_each(|md5| writer.raw(md5));
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Finished, VERSION, value, |reader| match reader.byte()? {
            COMPLETED => Completed::read(reader).map(Self::Completed),
            ABORTED => Some(Self::Aborted),
            _ => None,
        })
    }
}

impl Completed {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (bid, key, rev) = (reader.bucket()?, reader.object_key()?, reader.revision()?);
        let (parts, size, modified_ms) = (reader.small()?, reader.varint()?, reader.varint()?);
        let parts_hash = reader.array()?;
        let checksum = reader.option(|reader| reader.checksum())?;
        let flags = reader.byte().filter(|flags| flags & !(COMPOSITE | MD5) == 0)?;
        let composite_of = (flags & COMPOSITE != 0).then_some(parts);
        if composite_of.is_some() && checksum.is_none() {
            return None;
        }
        let checksum = checksum.map(|checksum| ObjectChecksum { checksum, composite_of });
        let md5 = if flags & MD5 != 0 { Some(reader.array()?) } else { None };
        Some(Self { bid, key, rev, parts, size, modified_ms, parts_hash, checksum, md5 })
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
            checksum in option::of(sample::checksum()), composite: bool, md5: Option<[u8; 16]>,
        ) {
            let composite_of = composite.then_some(parts);
            let checksum = checksum.map(|checksum| ObjectChecksum { checksum, composite_of });
            let row = Finished::Completed(Completed {
                bid, key, rev, parts, size, modified_ms, parts_hash, checksum, md5,
            });
            prop_assert_eq!(Finished::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), Finished::decode);
        }
    }
}
