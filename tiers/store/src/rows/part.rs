//! `P`: parts of open uploads. Key: last byte of the upload id, upload id, part number.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::{PartNumber, Revision, UploadId};
use crate::object::{Checksum, ETag};
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;
/// Beside the place of the bytes: an MD5 follows the checksum.
const MD5: u8 = 0x80;

/// Where the bytes of a part are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PartAt {
    /// There are none.
    Empty = 0,
    /// In `D` rows of the part's revision.
    Inline = 1,
    /// In a blob, named by bucket and key of the upload and the part's revision.
    Blob = 2,
}

impl PartAt {
    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Empty, Self::Inline, Self::Blob].into_iter().find(|at| *at as u8 == code)
    }
}

/// Value of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartRow {
    /// Its revision.
    pub(crate) rev: Revision,
    /// Its bytes.
    pub(crate) size: u64,
    /// When it was written, milliseconds since the epoch.
    pub(crate) modified_ms: u64,
    /// Checksum that was verified when it came.
    pub(crate) checksum: Option<Checksum>,
    /// The MD5 of its bytes, where ETags are MD5s.
    pub(crate) md5: Option<[u8; 16]>,
    /// Where its bytes are.
    pub(crate) at: PartAt,
}

/// Row of a part.
pub(crate) fn key(upload: UploadId, number: PartNumber) -> Key {
    from(upload, number.get())
}

/// All parts of an upload, by number.
pub(crate) fn range(upload: UploadId) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Part, &[&[upload.0.spread()], &upload.0.0]))
}

/// The parts of an upload behind `number`; 0 = all.
pub(crate) fn after(upload: UploadId, number: u16) -> KeyRange {
    let KeyRange { end, .. } = range(upload);
    let begin = number.checked_add(1).map_or_else(|| end.clone(), |next| from(upload, next));
    KeyRange { begin, end }
}

fn from(upload: UploadId, number: u16) -> Key {
    codec::key(Family::Part, &[&[upload.0.spread()], &upload.0.0, &number.to_be_bytes()])
}

/// Upload id and part number in a row's key.
pub(crate) fn parse(key: &Key) -> Option<(UploadId, PartNumber)> {
    let (_, id) = key.strip_prefix(&[Family::Part.byte()])?.split_first()?;
    let (id, number) = id.split_first_chunk()?;
    let number = u16::from_be_bytes(number.try_into().ok()?);
    Some((UploadId(Revision(*id)), PartNumber::new(i32::from(number)).ok()?))
}

impl PartRow {
    /// Its ETag.
    pub(crate) fn etag(&self) -> ETag {
        self.md5.map_or(ETag::of_revision(self.rev, 1), |md5| ETag::of_md5(md5, None))
    }

    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            writer.revision(self.rev);
            writer.byte(self.at as u8 | if self.md5.is_some() { MD5 } else { 0 });
            writer.varint(self.size);
            writer.varint(self.modified_ms);
            writer.option(self.checksum.as_ref(), |writer, checksum| writer.checksum(checksum));
            self.md5.iter().for_each(|md5| writer.raw(md5));
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Part, VERSION, value, |reader| {
            let rev = reader.revision()?;
            let place = reader.byte()?;
            let at = PartAt::from_code(place & !MD5)?;
            let (size, modified_ms) = (reader.varint()?, reader.varint()?);
            let checksum = reader.option(|reader| reader.checksum())?;
            let md5 = if place & MD5 != 0 { Some(reader.array()?) } else { None };
            Some(Self { rev, size, modified_ms, checksum, md5, at })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::option;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_parts_of_an_upload_sort_by_number(
            (upload, other) in (sample::upload(), sample::upload()),
            (a, b) in (sample::part_number(), sample::part_number()),
        ) {
            let row = key(upload, a);
            prop_assert_eq!(row.cmp(&key(upload, b)), a.cmp(&b));
            prop_assert_eq!(parse(&row), Some((upload, a)));
            prop_assert!(range(upload).contains(&row) && after(upload, 0).contains(&row));
            prop_assert_eq!(after(upload, b.get()).contains(&row), a > b);
            prop_assert_eq!(range(other).contains(&row), other == upload);
            prop_assert!(after(upload, u16::MAX).is_empty());
        }

        #[test]
        fn a_part_reads_back_as_it_was_written(
            rev in sample::revision(), size in sample::number(), modified_ms in sample::number(),
            checksum in option::of(sample::checksum()), md5: Option<[u8; 16]>,
            at in prop::sample::select(vec![PartAt::Empty, PartAt::Inline, PartAt::Blob]),
        ) {
            let row = PartRow { rev, size, modified_ms, checksum, md5, at };
            prop_assert_eq!(PartRow::decode(&row.encode()), Ok(row.clone()));
            sample::assert_guarded(&row.encode(), PartRow::decode);
        }
    }
}
